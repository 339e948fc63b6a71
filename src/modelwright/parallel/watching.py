"""Beside the agent that starts the workers: who has not come in time, and who stands still. Knows no model."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from modelwright.nouns import Refused
from modelwright.parallel.gathering import Gathering
from modelwright.wording import say, say_many

GLANCE = 0.1
"""Seconds between two looks at the workers."""
LONGEST = 1.0
"""Seconds that count between two looks: who stopped the leader as well (Ctrl-Z, a lid closed) finds no worker at fault."""


@dataclass(frozen=True)
class Limits:
    processes: int
    arrival: float
    """Seconds within which all workers must have come."""
    standstill: float
    """Seconds for which one that has come may give no sign of life: stopped, frozen, or without a processor."""


@dataclass
class Watch:
    """What was found."""

    fault: Refused | None = None


@dataclass
class Signs:
    """For how long each worker that is at work has given no sign of life."""

    last: dict[int, int] = field(default_factory=dict[int, int])
    silent: dict[int, float] = field(default_factory=dict[int, float])
    """Seconds."""

    def look(self, beats: dict[int, int], seconds: float) -> None:
        """So long after the last look."""
        same = {rank for rank, beat in beats.items() if self.last.get(rank) == beat}
        self.silent = {rank: self.silent.get(rank, 0.0) + seconds if rank in same else 0.0 for rank in beats}
        self.last = beats

    def still(self, limit: float) -> list[int]:
        return [rank for rank, seconds in self.silent.items() if seconds > limit]


@contextmanager
def watched(limits: Limits, meeting: Gathering, stop: Callable[[], bool]) -> Generator[Watch, None, None]:
    """Passes on the wish to stop, and ends a beginning to which not all have come in time, or in which one stands still."""
    watch, over, began, signs = Watch(), threading.Event(), time.monotonic(), Signs()

    def look() -> None:
        looked = began
        while not over.wait(GLANCE):
            if stop() and not meeting.asked_to_stop():
                meeting.ask_to_stop()
            now = time.monotonic()
            signs.look(meeting.beats(limits.processes), min(now - looked, LONGEST))
            looked = now
            missing = meeting.missing(limits.processes) if now - began > limits.arrival else []
            still = signs.still(limits.standstill)
            if watch.fault is None and (missing or still):
                watch.fault = _late(missing, limits) if missing else _still(still, limits)
                end_workers()

    looking = threading.Thread(target=look, name="watch", daemon=True)
    looking.start()
    try:
        yield watch
    finally:
        over.set()
        looking.join()
        end_workers()  # whoever is left: the agent's polite signals may go unheard


def _late(ranks: Sequence[int], limits: Limits) -> Refused:
    facts = {"names": _names(ranks), "size": limits.processes, "seconds": f"{limits.arrival:g}"}
    told = say_many(
        "Process {names} of {size} did not come within {seconds} s (they are counted from 0).",
        "Processes {names} of {size} did not come within {seconds} s (they are counted from 0).",
        len(ranks),
        **facts,
    )
    return Refused(told, say("Give them longer with --arrival SECONDS, or use fewer --processes."))


def _still(ranks: Sequence[int], limits: Limits) -> Refused:
    facts = {"names": _names(ranks), "size": limits.processes, "seconds": f"{limits.standstill:g}"}
    told = say_many(
        "Process {names} of {size} stood still for {seconds} s (they are counted from 0).",
        "Processes {names} of {size} stood still for {seconds} s (they are counted from 0).",
        len(ranks),
        **facts,
    )
    return Refused(told, say("What was reached is kept: go on with --resume. Give them longer with --standstill SECONDS."))


def _names(ranks: Sequence[int]) -> str:
    return ", ".join(map(str, ranks))


def end_workers() -> None:
    """At once; one that stands still hears nothing else."""
    import psutil

    for child in psutil.Process().children(recursive=True):
        try:
            if "RANK" in child.environ():
                child.kill()
        except psutil.Error:
            continue
