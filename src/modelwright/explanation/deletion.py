"""Does an explanation name what matters? Its features are taken away, weightiest first, beside random orders. K features."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from modelwright.data.chance import chance
from modelwright.explanation.shapley import Ask

POINTS = 12
"""Of a curve, the two ends among them; fewer where there are fewer features."""
ORDERS = 10
"""Random ones."""


@dataclass(frozen=True)
class Deletion:
    """What the model says when this share of the features is gone (https://arxiv.org/abs/1806.07421)."""

    gone: tuple[float, ...]
    """Shares, 0 to 1."""
    said: tuple[float, ...]
    """When the features that speak most for the answer go first."""
    random: tuple[float, ...]
    """The mean over random orders."""

    @property
    def beats_random(self) -> bool:
        """The answer is lost sooner than by chance."""
        return float(np.mean(self.said)) < float(np.mean(self.random))


def deletion(ask: Ask, values: np.ndarray, seed: int) -> Deletion:
    """values (K,): how much each feature speaks for what is asked about."""
    count = len(values)
    sizes = np.unique(np.linspace(0, count, min(count + 1, POINTS)).round().astype(int))
    generator = np.random.default_rng(chance(seed, "deletion"))
    orders = [np.argsort(-values, kind="stable"), *(generator.permutation(count) for _ in range(ORDERS))]
    said = ask(np.concatenate([without(order, sizes) for order in orders])).reshape(len(orders), len(sizes))
    return Deletion(tuple((sizes / count).tolist()), tuple(said[0].tolist()), tuple(said[1:].mean(0).tolist()))


def asked(count: int) -> int:
    """Coalitions that a curve of K features asks about."""
    return (ORDERS + 1) * min(count + 1, POINTS)


def without(order: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """bool (P, K): for each size, the first so many of the order are gone."""
    place = np.empty(len(order), int)
    place[order] = np.arange(len(order))
    return place >= sizes[:, None]
