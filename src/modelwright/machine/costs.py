"""What a stretch of work costs: time, processor seconds, peak memory, energy."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from types import TracebackType

from modelwright.machine.memory import peak_bytes
from modelwright.nouns import Costs, Together

WATTS_PER_CORE = 10.0
"""A busy core of a laptop or server with its share of memory; only for an estimate, which says that it is one."""
RAPL = Path("/sys/class/powercap/intel-rapl:0/energy_uj")


class Meter:
    """with Meter() as meter: ...; then meter.costs. Memory is the peak of the whole process so far."""

    costs: Costs

    def __enter__(self) -> Meter:
        self._began, self._busy, self._joules = time.perf_counter(), time.process_time(), _joules()
        self.costs = Costs()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        seconds, busy = time.perf_counter() - self._began, time.process_time() - self._busy
        now = _joules()
        metered = self._joules is not None and now is not None and now >= self._joules
        joules = (now or 0.0) - (self._joules or 0.0) if metered else 3600 * watt_hours(busy)
        meter = "RAPL" if metered else f"estimated, {WATTS_PER_CORE:.0f} W a core"
        self.costs = Costs(seconds=seconds, cpu_seconds=busy, peak_bytes=peak_bytes(), watt_hours=joules / 3600, meter=meter)


def of_all(costs: Costs, together: Together) -> Costs:
    """What all processes spent: the time of one, the work and the memory of each. A meter of the whole machine counts once."""
    if together.size == 1:
        return costs
    import torch

    each = torch.tensor([costs.cpu_seconds or 0.0, costs.peak_bytes or 0, costs.watt_hours or 0.0], dtype=torch.float64)
    busy, peak, energy = together.total([each])[0].tolist()
    own = costs.watt_hours if costs.meter == "RAPL" else energy
    return replace(costs, cpu_seconds=busy, peak_bytes=int(peak) or None, watt_hours=own)


def watt_hours(cpu_seconds: float) -> float:
    """An estimate, from processor seconds."""
    return cpu_seconds * WATTS_PER_CORE / 3600


def _joules() -> float | None:
    """The processor's own energy counter, where this user may read it."""
    try:
        return int(RAPL.read_text(encoding="utf-8")) / 1e6
    except (OSError, ValueError):
        return None
