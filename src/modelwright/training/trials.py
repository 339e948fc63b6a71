"""Measuring without learning: how long a real step takes under a tuning, and what the objective says of rows held back."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from modelwright.nouns import Aim, Batch, Feed, Run, Together, Tuning
from modelwright.parallel import ALONE
from modelwright.training.running import start

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module

    from modelwright.training.descent import Descent

FEWEST, MOST = 4, 200
"""Measured steps; fewer where they take far longer than there is time for, and of steps that take seconds."""
PLACES = 8
"""Steps all over an epoch that are measured where batches differ in length: the same ones under every tuning, and each twice
at least, for a kernel is made when it first meets a length."""

FAR = 100
"""Times the seconds that there are: then a single step is enough."""
LONG = 2e11
"""Operations of a long step, which takes about a second: six for each weight and token, forward and back. Of a longer one so
many rows are taken that it is as long."""
SUMS = 20
"""Sums that are measured where several processes train; a fast one tells, for others wait until all have begun."""


def trial(module: Module, descent: Descent, feed: Feed, tuning: Tuning, seconds: float) -> float:
    """Seconds of a real step under this tuning, on a copy of the model, measured for about so many seconds; without end where
    it is to be compiled and batches differ in length: one length alone is."""
    import torch

    from modelwright import machine

    if tuning.compiled and _lengths_differ(feed):
        return math.inf
    chance_before = torch.get_rng_state()
    mine = descent.mine(feed.micros)
    descent = replace(descent, together=ALONE)  # with graphs of its own
    run = start(_twin(module), descent, tuning)
    run.models["model"].train()
    places = _places(feed, module)
    share = 1.0 if tuning.compiled else _share(feed, module, places[0])
    took: list[float] = []

    def batches(step: int) -> list[Batch]:
        whole = [feed.batch(step, micro) for micro in mine]
        return whole if share == 1 else [_part(batch, share) for batch in whole]

    with machine.tuned(tuning):
        _timed(run, descent, partial(batches, places[0]))  # the first step records or compiles
        while not enough(took, seconds, len(places) if len(places) > 1 else 0):
            took.append(_timed(run, descent, partial(batches, places[len(took) % len(places)])))
    torch.set_rng_state(chance_before)
    if len(places) > 1:
        return sum(min(took[place :: len(places)]) for place in range(len(places))) / len(places)
    settled = sorted(took[len(took) // 4 :])
    return settled[len(settled) // 2] / share


def _twin(module: Module) -> Module:
    """A copy; what does not learn lies in memory once."""
    from torch.nn import Parameter

    still = [weight for weight in module.parameters() if not weight.requires_grad]
    return copy.deepcopy(module, {id(weight): Parameter(weight.detach(), requires_grad=False) for weight in still})


def agreeing(module: Module, together: Together) -> float:
    """Seconds that the processes take in one step to sum what they have found; measured by all, told by the first."""
    import torch

    if together.size == 1:
        return 0.0
    slopes = [torch.zeros_like(weight) for weight in module.parameters() if weight.requires_grad]
    count, took = torch.zeros(()), list[float]()
    for _ in range(SUMS):
        before = time.perf_counter()
        together.total([count])
        together.total([count, *slopes])
        took.append(time.perf_counter() - before)
    return together.told(lambda: sorted(took)[SUMS // 4])


def _share(feed: Feed, module: Module, place: int) -> float:
    """Of the rows of a step of texts that is long, what tells the ways apart as well, and holds less memory; else all."""
    batch = feed.batch(place)
    if "mask" not in batch:
        return 1.0
    rows = len(batch["row"])
    return max(1, min(rows, int(rows * LONG / _operations(module, batch)))) / rows


def _part(batch: Batch, share: float) -> Batch:
    rows = max(1, round(share * len(batch["row"])))
    return {name: tensor[:rows] for name, tensor in batch.items()}


def _operations(module: Module, batch: Batch) -> int:
    return 6 * sum(weight.numel() for weight in module.parameters()) * batch["mask"].numel()


def _places(feed: Feed, module: Module) -> list[int]:
    """Steps to measure: one, where all batches have the same length, or where a step is so long that a few of it take what all
    ways together may: then the one that holds most."""
    places = _all_over(feed)
    cells = {place: feed.batch(place)["mask"].shape for place in places} if "mask" in feed.batch(0) else {}
    if len(set(cells.values())) <= 1:
        return [0]
    largest = max(places, key=lambda place: cells[place].numel())
    return [largest] if _operations(module, feed.batch(largest)) > LONG else places


def _all_over(feed: Feed) -> list[int]:
    return sorted({feed.steps_per_epoch * place // PLACES for place in range(PLACES)})


def _lengths_differ(feed: Feed) -> bool:
    found = [{name: tensor.shape[1:] for name, tensor in feed.batch(place).items()} for place in _all_over(feed)]
    return any(one != found[0] for one in found)


def _timed(run: Run, descent: Descent, batches: Callable[[], list[Batch]]) -> float:
    before = time.perf_counter()
    loss, _, _ = descent(run, batches(), 0.0)
    float(loss)
    run.step += 1
    return time.perf_counter() - before


def enough(took: list[float], seconds: float, places: int = 0) -> bool:
    """Whether time is spent, or far overspent; with several places, not before each was measured twice."""
    spent = sum(took)
    if len(took) < 2 * places:
        return False
    fewest = FEWEST if spent < len(took) else 2  # a step of a second tells itself apart from its noise
    several = (spent > seconds and len(took) >= fewest) or (spent > 4 * seconds and len(took) >= 2)
    return several or len(took) >= MOST or spent > FAR * seconds


def validate(models: Mapping[str, Module], aim: Aim, batches: Iterable[Batch]) -> float:
    """The objective over all rows of these batches, without dropout and penalties."""
    import torch

    module = models["model"]
    was_training = module.training
    module.eval()
    totals: dict[str, Tensor] = {}
    counts: dict[str, Tensor] = {}
    with torch.inference_mode():
        for batch in batches:
            for term, count in aim.counts(batch).items():
                counts[term] = counts.get(term, 0) + count.double()
            for term, total in aim(models, batch).items():
                totals[term] = totals.get(term, 0) + total.double()
    module.train(was_training)
    return sum(aim.weights[term] * float(totals[term]) / max(float(counts[term]), 1e-12) for term in totals)
