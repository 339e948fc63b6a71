"""The ways to explain, as a recipe orders them. What each does stands in the file of its name. Loads nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from modelwright.nouns import Count


@dataclass(frozen=True)
class Shapley:
    """Each feature's fair share of what the answer differs by (https://arxiv.org/abs/1705.07874): exact up to 12 features,
    drawn orders and their reverses above."""

    pairs: Count = 200
    """Orders with their reverses, at most; fewer where the time is up."""


@dataclass(frozen=True)
class Lime:
    """A linear model of the answer near the row (https://arxiv.org/abs/1602.04938)."""

    samples: Count = 1000


@dataclass(frozen=True)
class IntegratedGradients:
    """The slopes on the straight way from the background to the row, summed up (https://arxiv.org/abs/1703.01365)."""

    steps: Count = 64


@dataclass(frozen=True)
class Occlusion:
    """What the answer loses when one feature alone is taken away (https://arxiv.org/abs/1311.2901)."""


@dataclass(frozen=True)
class Permutation:
    """What the score loses over all rows when a column is shuffled (Breiman, Machine Learning 45, 2001)."""

    repeats: Count = 5


RowMethod: TypeAlias = Shapley | Lime | IntegratedGradients | Occlusion
"""Explain one row's answer."""
Explainer: TypeAlias = RowMethod | Permutation
