"""What the answer loses when one feature alone is taken away. K features."""

from __future__ import annotations

import numpy as np

from modelwright.data.chance import chance
from modelwright.explanation.budget import Budget
from modelwright.explanation.shapley import Ask

SLICES = 20
"""A slice of features takes about this part of the budget: between two, the clock is looked at."""


def occlusion(ask: Ask, count: int, budget: Budget, seed: int) -> tuple[np.ndarray, int]:
    """Values (K,), not a number for features that the time did not suffice for, and how many questions were asked.

    The order is drawn, so that what was asked lies everywhere in a picture."""
    order = np.random.default_rng(chance(seed, "occlusion")).permutation(count)
    size = max(1, min(count, int(budget.seconds / SLICES / budget.pace))) if budget.pace > 0 else max(1, count)
    whole, values, longest = float(ask(np.ones((1, count), bool))[0]), np.full(count, np.nan), 0.0
    for start in range(0, count, size):
        if start and not budget.fits(longest):
            break
        began, alone = budget.spent, order[start : start + size]
        present = np.ones((len(alone), count), bool)
        present[np.arange(len(alone)), alone] = False
        values[alone] = whole - ask(present)
        longest = max(longest, budget.spent - began)
    return values, 1 + int(np.isfinite(values).sum())
