"""A linear model of the answer near the row, features there or not. K features."""

from __future__ import annotations

import numpy as np

from modelwright.data.chance import chance
from modelwright.explanation.budget import Budget
from modelwright.explanation.kinds import Lime
from modelwright.explanation.shapley import Ask

WIDTH = 0.25
"""Of the kernel exp(-(d / WIDTH) ** 2 / 2), d the cosine distance to the whole row: what the authors' own program takes."""
RIDGE = 1.0
ROUND = 100
"""Questions between two looks at the clock."""


def lime(ask: Ask, count: int, how: Lime, budget: Budget, seed: int) -> tuple[np.ndarray, float, int]:
    """Coefficients (K,), the share of the weighted variance that they leave unexplained (the gap), and how many were asked."""
    from sklearn.linear_model import Ridge

    generator = np.random.default_rng(chance(seed, "lime"))
    whole = np.ones((1, count), bool)
    present, told, longest = [whole], [ask(whole)], 0.0
    while (asked := sum(map(len, present))) < how.samples and (len(told) == 1 or budget.fits(longest)):
        began = budget.spent
        rows = min(ROUND, how.samples - asked)
        present.append(generator.random((rows, count)) < generator.random((rows, 1)))  # few features as often as many
        told.append(ask(present[-1]))
        longest = max(longest, budget.spent - began)
    x, y = np.concatenate(present).astype(float), np.concatenate(told)
    weight = np.exp(-(((1 - np.sqrt(x.mean(1))) / WIDTH) ** 2) / 2)
    model = Ridge(RIDGE).fit(x, y, sample_weight=weight)
    return model.coef_, 1 - float(model.score(x, y, sample_weight=weight)), len(y)
