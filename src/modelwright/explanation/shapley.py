"""Shapley values: exact where all coalitions can be asked, else drawn orders with their reverses. K features."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from modelwright.data.chance import chance
from modelwright.explanation.budget import Budget
from modelwright.explanation.kinds import Shapley

EXACT = 12
"""Features up to which all 2 ** K coalitions are asked, if there is time."""
Ask: TypeAlias = "Callable[[np.ndarray], np.ndarray]"
"""bool (N, K) -> float64 (N,)."""


def shapley(ask: Ask, count: int, how: Shapley, budget: Budget, seed: int) -> tuple[np.ndarray, np.ndarray, int]:
    """Values (K,), their standard errors (K,), zero where exact, and how many coalitions were asked.

    The values sum to ask(all) - ask(none), whatever was drawn."""
    if count <= EXACT and budget.fits(budget.pace * 2**count):
        return exact(ask, count), np.zeros(count), 2**count
    return drawn(ask, count, how, budget, seed)


def exact(ask: Ask, count: int) -> np.ndarray:
    """sum over coalitions S without i of |S|! (K - |S| - 1)! / K! * (v(S + i) - v(S)) (Shapley, 1953)."""
    coalitions = np.arange(2**count)
    present = (coalitions[:, None] >> np.arange(count)) & 1 == 1
    worth, size = ask(present), present.sum(1)
    shares = np.array([math.factorial(n) * math.factorial(count - n - 1) / math.factorial(count) for n in range(count)])
    values = np.empty(count)
    for feature in range(count):
        without = coalitions[~present[:, feature]]
        values[feature] = (shares[size[without]] * (worth[without | (1 << feature)] - worth[without])).sum()
    return values


def drawn(ask: Ask, count: int, how: Shapley, budget: Budget, seed: int) -> tuple[np.ndarray, np.ndarray, int]:
    """Antithetic permutation sampling (https://arxiv.org/abs/2104.12199)."""
    generator = np.random.default_rng(chance(seed, "shapley"))
    found: list[np.ndarray] = []
    longest, asked = 0.0, 0
    while len(found) < how.pairs and (not found or budget.fits(longest)):
        began = budget.spent
        order = generator.permutation(count)
        found.append((along(ask, order) + along(ask, order[::-1])) / 2)
        asked += 2 * (count + 1)
        longest = max(longest, budget.spent - began)
    pairs = np.stack(found)
    spread = pairs.std(axis=0, ddof=1) if len(found) > 1 else np.full(count, np.nan)
    return pairs.mean(axis=0), spread / math.sqrt(len(found)), asked


def along(ask: Ask, order: np.ndarray) -> np.ndarray:
    """(K,): what each feature adds when it joins those before it in the order."""
    count = len(order)
    present = np.zeros((count + 1, count), bool)
    for place, feature in enumerate(order):
        present[place + 1 :, feature] = True
    values = np.empty(count)
    values[order] = np.diff(ask(present))
    return values
