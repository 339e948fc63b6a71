"""Measuring without learning: how long a real step takes under a tuning, and what the objective says of rows not learned from."""

from __future__ import annotations

import copy
import time
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from modelwright.nouns import Aim, Batch, Feed, Tuning
from modelwright.training.running import start

if TYPE_CHECKING:
    from torch.nn import Module

    from modelwright.training.descent import Descent


def trial(module: Module, descent: Descent, feed: Feed, tuning: Tuning, seconds: float) -> float:
    """Median seconds of a real step under this tuning, on a copy of the model, measured for about so many seconds."""
    import torch

    from modelwright import machine

    chance_before = torch.get_rng_state()
    run = start(copy.deepcopy(module), replace(descent), tuning)
    run.models["model"].train()
    took: list[float] = []
    with machine.tuned(tuning):
        began = time.perf_counter()
        while len(took) < 3 or (time.perf_counter() - began < seconds and len(took) < 200):
            batches = [feed.batch(run.step % feed.steps_per_epoch, micro) for micro in range(feed.micros)]
            before = time.perf_counter()
            loss, _, _ = descent(run, batches, 0.0)
            float(loss)
            took.append(time.perf_counter() - before)
            run.step += 1
    torch.set_rng_state(chance_before)
    settled = sorted(took[len(took) // 3 :])
    return settled[len(settled) // 2]


def validate(models: Mapping[str, Module], aim: Aim, batches: Iterable[Batch]) -> float:
    """The objective over all rows of these batches, without dropout and penalties."""
    import torch

    module = models["model"]
    was_training = module.training
    module.eval()
    totals: dict[str, float] = {}
    counts: dict[str, float] = {}
    with torch.inference_mode():
        for batch in batches:
            for term, count in aim.counts(batch).items():
                counts[term] = counts.get(term, 0.0) + float(count)
            for term, total in aim(models, batch).items():
                totals[term] = totals.get(term, 0.0) + float(total)
    module.train(was_training)
    return sum(aim.weights[term] * totals[term] / max(counts[term], 1e-12) for term in totals)
