"""Which way of computing is fastest here, for one model: measured on its real step, and kept. Verb: probe."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, replace
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal, TypeAlias

from modelwright import vault
from modelwright.machine.facts import cores, fingerprint
from modelwright.machine.section import Machine
from modelwright.machine.tuning import float32_error
from modelwright.nouns import Refused, Together, Tuning
from modelwright.parallel.alone import ALONE
from modelwright.wording import say, say_many

MOST = 3.0
"""Seconds that all trials may take together. Where so little does not do for ENOUGH steps of each way: LITTLE of the whole
training, as the first trial foretells it."""
ENOUGH, LITTLE = 6, 0.02
SHARE = 0.1
"""And never more than this share of the whole."""
LEAST = 0.02
"""Seconds of one trial, at least."""
GAIN = 0.93
"""Another way must take at most this share of the simpler one's time: a machine is noisy, and simple is exact."""
GAIN_OF_BFLOAT16 = 1 / 1.2
"""Fewer digits must be worth it."""
EXACT = 1e-5
"""A precision whose error is below this share of the answer counts as float32."""
COMPILING = 15.0
"""Seconds a compiler takes; it is tried where it might win them back: where training takes COMPILING / (1 - GAIN)."""

Precision: TypeAlias = Literal["highest", "high", "medium"]
Trial: TypeAlias = Callable[[Tuning, float], float]
"""(a way, seconds to measure for) -> seconds of a step; without end where batches cannot go this way."""


Layers: TypeAlias = Literal["dense", "convolutional", "recurrent", "attending"]
"""What a model spends its time in."""


def probe(
    machine: Machine, layers: Layers, key: str, steps: int, trial: Trial, together: Together = ALONE
) -> tuple[Tuning, float]:
    """The fastest way and its seconds a step. `key` names model and shapes; `steps` is the whole training.

    What was found is kept in the cache, and used again where machine, torch, model and shapes are the same. Of several
    processes the first measures, with its share of the cores, and all go its way."""

    def told() -> tuple[dict[str, Any], float]:
        tuning, seconds = _probed(machine, layers, key, steps, trial, together.size)
        return asdict(tuning), seconds

    way, seconds = together.told(told)
    return Tuning(**way), seconds


def _probed(machine: Machine, layers: Layers, key: str, steps: int, trial: Trial, processes: int) -> tuple[Tuning, float]:
    ways = candidates(machine, layers, processes)
    address = f"{fingerprint()} {ways[0].device} {processes} {machine} {key}"
    kept = vault.cache_folder() / "tuning" / f"{sha256(address.encode()).hexdigest()[:32]}.json"
    if (known := _remembered(kept, ways)) is not None:
        return known
    best, seconds, tried = _fastest(ways, steps, trial)
    if math.isinf(seconds):  # ordered to be compiled, which batches of many lengths are not
        best, seconds, tried = _fastest([replace(way, compiled=False) for way in ways], steps, trial)
    if machine.compiled == "auto" and best.device == "cpu" and seconds * steps > COMPILING / (1 - GAIN):
        best, seconds, tried = *_compiled_or(best, seconds, steps, trial), tried + 1
    found = replace(best, tried=tried)
    facts = {"tuning": asdict(found), "seconds": seconds}
    with suppress(Refused):  # where nothing can be kept, the next run measures again
        vault.put_file(kept, json.dumps(facts, indent=1).encode())
    return found, seconds


def _remembered(kept: Path, ways: list[Tuning]) -> tuple[Tuning, float] | None:
    """What was found before; None where there is nothing, or nothing that makes sense."""
    try:
        told = vault.read_json(vault.take_file(kept), str(kept))
        tuning, seconds = Tuning(**told["tuning"]), float(told["seconds"])
    except (Refused, OSError, KeyError, TypeError, ValueError):
        return None
    bare = [replace(way, compiled=False) for way in ways]
    if type(tuning.tried) is not int:
        return None
    return (tuning, seconds) if replace(tuning, compiled=False, tried=1) in bare and 0 < seconds < math.inf else None


def candidates(machine: Machine, layers: Layers, processes: int = 1) -> list[Tuning]:
    """Ways to try, the simplest first. What the recipe orders is not varied."""
    device = _device(machine)
    threads = sorted({1, max(1, cores() // processes)}) if machine.threads == "auto" else [machine.threads]
    precisions: list[Precision] = _exact(device) if machine.precision == "auto" else [machine.precision]
    dtype = "float32" if machine.dtype == "auto" else machine.dtype
    first = Tuning(device, threads[0], precisions[0], dtype, compiled=machine.compiled is True, processes=processes)
    first = replace(first, recompute=machine.recompute)
    ways = [first, *(replace(first, precision=one) for one in precisions[1:])]
    if layers == "convolutional":
        ways = [first, replace(first, channels_last=True)]  # their time is not in matrix products
    if layers != "dense" and machine.dtype == "auto" and device != "mps":
        ways.append(replace(first, channels_last=layers == "convolutional", dtype="bfloat16"))
    return ways + [replace(way, threads=count) for count in threads[1:] for way in reversed(ways)]


def _exact(device: str) -> list[Precision]:
    """Precisions that are float32 here."""
    return ["highest", "medium"] if device == "cpu" and float32_error("medium") < EXACT else ["highest"]


COLD = 1.5
"""Times its own pace that a way may seem to take where it is the first to be measured."""


def _fastest(ways: list[Tuning], steps: int, trial: Trial) -> tuple[Tuning, float, int]:
    """The best way, its seconds a step and how many were tried, within a budget that the first trial sets."""
    began = time.perf_counter()
    best = ways[0]
    took = {best: trial(best, LEAST)}
    whole = steps * took[best]
    budget = min(max(MOST, min(ENOUGH * took[best] * len(ways), LITTLE * whole)), SHARE * whole)
    for place, way in enumerate(ways[1:], start=1):
        left = budget - (time.perf_counter() - began)
        if left <= 0:
            break
        took[way] = trial(way, max(LEAST, left / (len(ways) - place) / 2))
        if _beats(way, best, took):
            best = way
    if best != ways[0] and took[ways[0]] < COLD * took[best]:  # the first was measured cold
        took[ways[0]] = min(took[ways[0]], trial(ways[0], LEAST))
        best = best if _beats(best, ways[0], took) else ways[0]
    return best, took[best], len(took)


def _beats(way: Tuning, best: Tuning, took: dict[Tuning, float]) -> bool:
    fewer_digits = way.dtype == "bfloat16" and best.dtype == "float32"
    return took[way] < took[best] * (GAIN_OF_BFLOAT16 if fewer_digits else GAIN)


def _compiled_or(best: Tuning, seconds: float, steps: int, trial: Trial) -> tuple[Tuning, float]:
    """Compiled, if what that saves is plain and more than what it took; and the seconds of a step."""
    began = time.perf_counter()
    compiled = replace(best, compiled=True)
    took = trial(compiled, 0.5)
    saves = took < seconds * GAIN and (seconds - took) * steps > time.perf_counter() - began
    return (compiled, took) if saves else (best, seconds)


def _device(machine: Machine) -> str:
    import torch

    here = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if machine.device == "auto":
        return next(device for device, there in here.items() if there)
    if not here[machine.device]:
        fitting = ", ".join(device for device, there in here.items() if there)
        facts = {"device": machine.device, "fitting": fitting}
        raise Refused(say("machine.device = {device}: torch finds none here. There is: {fitting}", **facts))
    return machine.device


def told(tuning: Tuning) -> str:
    """cpu, 1 thread, float32, eager (measured fastest of 6)"""
    parts = [
        tuning.device,
        say_many("{n} thread", "{n} threads", tuning.threads),
        tuning.dtype if tuning.precision == "highest" else f"{tuning.dtype} ({tuning.precision})",
        *(["channels-last"] if tuning.channels_last else []),
        *([say("compiled")] if tuning.compiled else []),
        *([say("blocks computed twice")] if tuning.recompute else []),
        *([say_many("{n} process", "{n} processes", tuning.processes)] if tuning.processes > 1 else []),
    ]
    alone = say("the only one tried: training is short")
    how = say("measured fastest of {tried}", tried=tuning.tried) if tuning.tried > 1 else alone
    return f"{', '.join(parts)} ({how})"
