"""How long two models take for the same batch, in turns, so that a busy moment meets both. B rows in a batch."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

from torch.nn import Module

from modelwright.compression.board import Pace
from modelwright.evaluation.resting import at_rest
from modelwright.nouns import Batch

BATCHES = (1, 256)
"""One request, and a stream of them."""
SECONDS = 0.5
"""Measured for about so long, unless FEWEST rounds take longer."""
FEWEST, MOST = 9, 300
"""Rounds of one turn each."""
TURN = 0.0005
"""Seconds of one turn, at least: a clock is coarse."""


def paces(original: Module, candidate: Module, batch: Batch) -> tuple[Pace, ...]:
    """At every batch size; rows are taken again where there are fewer."""
    return tuple(pace(original, candidate, filled(batch, size), size) for size in BATCHES)


def pace(original: Module, candidate: Module, batch: Batch, size: int) -> Pace:
    with at_rest(original), at_rest(candidate):
        took = in_turns(lambda: original(batch), lambda: candidate(batch), SECONDS)
    ratios = sorted(theirs / ours for ours, theirs in took)
    low, high = (ratios[place] for place in _ends(len(ratios)))
    ours, theirs = (statistics.median(side) for side in zip(*took))
    return Pace(size, theirs, ours, statistics.median(ratios), low, high)


def in_turns(first: Callable[[], object], second: Callable[[], object], seconds: float) -> list[tuple[float, float]]:
    """Seconds of one call of each, by round; who begins changes from round to round."""
    for warm in (first, second) * 2:
        warm()
    calls = max(1, round(TURN / max(_turn(first, 1), 1e-9)))
    took: list[tuple[float, float]] = []
    began = time.perf_counter()
    while len(took) < FEWEST or (len(took) < MOST and time.perf_counter() - began < seconds):
        if len(took) % 2:
            theirs = _turn(second, calls)
            took.append((_turn(first, calls), theirs))
        else:
            ours = _turn(first, calls)
            took.append((ours, _turn(second, calls)))
    return took


def _turn(call: Callable[[], object], calls: int) -> float:
    began = time.perf_counter()
    for _ in range(calls):
        call()
    return (time.perf_counter() - began) / calls


def _ends(n: int) -> tuple[int, int]:
    """Between which of n sorted values the median lies with 95 % certainty: the sign test, exact."""
    from scipy.stats import binom

    low = max(0, int(binom.ppf(0.025, n, 0.5)) - 1)
    return low, n - 1 - low


def filled(batch: Batch, size: int) -> Batch:
    """So many rows, from the first on, and round again where there are fewer."""
    import torch

    rows = torch.arange(size) % len(batch["row"])
    return {name: tensor.index_select(0, rows) for name, tensor in batch.items()}
