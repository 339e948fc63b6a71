"""Which way of computing is fastest here, for one model: measured on its real step, and kept. Verb: probe."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from hashlib import sha256

from modelwright import vault
from modelwright.machine.facts import cores, fingerprint
from modelwright.machine.section import Machine
from modelwright.nouns import Refused, Tuning
from modelwright.wording import say, say_many

BUDGET = 3.0
"""Seconds that all trials may take together."""
GAIN = 0.93
"""Another way must take at most this share of the simpler one's time: a machine is noisy, and simple is exact."""
WORTH_COMPILING = 60.0
"""Seconds of training from which compiling is tried: a compiler takes 5 to 20, and gains a quarter."""


@contextmanager
def tuned(tuning: Tuning) -> Iterator[None]:
    """Torch's threads and matmul precision as the tuning says, and afterwards as they were."""
    import torch

    threads, precision = torch.get_num_threads(), torch.get_float32_matmul_precision()
    torch.set_num_threads(tuning.threads)
    torch.set_float32_matmul_precision(tuning.precision)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
        torch.set_float32_matmul_precision(precision)


def candidates(machine: Machine, convolutions: bool) -> list[Tuning]:
    """Ways to try, the simplest first. What the recipe orders is not varied."""
    device = _device(machine)
    threads = sorted({1, cores()}) if machine.threads == "auto" else [machine.threads]
    precision = ["highest"] if machine.precision == "auto" else [machine.precision]
    wide = ["float32", *(["bfloat16"] if convolutions else [])] if machine.dtype == "auto" else [machine.dtype]
    layouts = [False, True] if convolutions else [False]
    return [
        Tuning(device, count, exact, dtype, channels_last, machine.compiled is True)
        for count in threads
        for exact in precision
        for dtype in wide
        for channels_last in layouts
        if not (machine.dtype == "auto" and dtype == "bfloat16" and not channels_last)  # never the faster of the two here
    ]


def probe(machine: Machine, convolutions: bool, key: str, steps: int, trial: Callable[[Tuning, float], float]) -> tuple[Tuning, float]:
    """The fastest way and its seconds a step. `key` names model and shapes; `trial` measures one way for some seconds.

    What was found is kept in the cache, and used again where machine, torch, model and shapes are the same."""
    kept = vault.cache_folder() / "tuning" / f"{sha256(f'{fingerprint()} {machine} {key}'.encode()).hexdigest()[:32]}.json"
    if kept.exists():
        try:
            told = vault.read_json(kept.read_bytes(), str(kept))
            return Tuning(**told["tuning"]), told["seconds"]
        except (Refused, KeyError, TypeError):
            pass  # what is kept is only a memory: measured again below
    ways = candidates(machine, convolutions)
    took = _measured(ways, trial)
    best = _best(ways, took)
    if machine.compiled == "auto" and took[best] * steps > WORTH_COMPILING and best.dtype == "float32":
        compiled = replace(best, compiled=True)
        took[compiled] = trial(compiled, 1.0)
        best = _best([best, compiled], took)
    found = replace(best, reason=_reason(best, len(took)))
    facts = {"tuning": asdict(found), "seconds": took[best]}
    vault.put_file(kept, json.dumps(facts, indent=1).encode())
    return found, took[best]


def _measured(ways: list[Tuning], trial: Callable[[Tuning, float], float]) -> dict[Tuning, float]:
    """Seconds a step for each way; those for which the budget leaves no time are not tried."""
    took: dict[Tuning, float] = {}
    began = time.perf_counter()
    for way in ways:
        left = BUDGET - (time.perf_counter() - began)
        if took and left <= 0:
            break
        took[way] = trial(way, min(left, BUDGET) / len(ways) / 2)
    return took


def _best(ways: list[Tuning], took: dict[Tuning, float]) -> Tuning:
    best = ways[0]
    for way in ways[1:]:
        if way in took and took[way] < GAIN * took[best]:
            best = way
    return best


def _device(machine: Machine) -> str:
    import torch

    here = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if machine.device == "auto":
        return next(device for device, there in here.items() if there)
    if not here[machine.device]:
        fitting = ", ".join(device for device, there in here.items() if there)
        raise Refused(say("machine.device = {device}: torch finds none here. There is: {fitting}", device=machine.device, fitting=fitting))
    return machine.device


def _reason(tuning: Tuning, tried: int) -> str:
    """cpu, 1 thread, float32, eager (measured fastest of 6)"""
    parts = [
        tuning.device,
        say_many("{n} thread", "{n} threads", tuning.threads),
        tuning.dtype if tuning.precision == "highest" else f"{tuning.dtype} ({tuning.precision})",
        *(["channels-last"] if tuning.channels_last else []),
        say("compiled") if tuning.compiled else say("eager"),
    ]
    how = say("measured fastest of {tried}", tried=tried) if tried > 1 else say("as the recipe orders")
    return f"{', '.join(parts)} ({how})"
