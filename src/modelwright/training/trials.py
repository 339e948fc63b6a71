"""Measuring without learning: how long a real step takes under a tuning, and what the objective says of rows held back."""

from __future__ import annotations

import copy
import time
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from modelwright.nouns import Aim, Batch, Feed, Tuning
from modelwright.training.running import start

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module

    from modelwright.training.descent import Descent

FEWEST, MOST = 4, 200
"""Measured steps; fewer where they take far longer than there is time for."""


def trial(module: Module, descent: Descent, feed: Feed, tuning: Tuning, seconds: float) -> float:
    """Median seconds of a real step under this tuning, on a copy of the model, measured for about so many seconds."""
    import torch

    from modelwright import machine

    chance_before = torch.get_rng_state()
    descent = replace(descent)  # with graphs of its own
    run = start(copy.deepcopy(module), descent, tuning)
    run.models["model"].train()
    took: list[float] = []  # without the first step, which records or compiles
    with machine.tuned(tuning):
        while not enough(took, seconds):
            before = time.perf_counter()
            batches = [feed.batch(run.step % feed.steps_per_epoch, micro) for micro in range(feed.micros)]
            loss, _, _ = descent(run, batches, 0.0)
            float(loss)
            took += [time.perf_counter() - before] if run.step else []
            run.step += 1
    torch.set_rng_state(chance_before)
    settled = sorted(took[len(took) // 4 :])
    return settled[len(settled) // 2]


def enough(took: list[float], seconds: float) -> bool:
    spent = sum(took)
    return len(took) >= MOST or (spent > seconds and len(took) >= FEWEST) or (spent > 4 * seconds and len(took) >= 2)


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
