"""Learning-rate schedules: the share of training that is done, 0 <= done < 1, -> a factor on the optimizer's rate."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypeAlias

from modelwright.nouns import Count, Positive, Share


@dataclass(frozen=True)
class Constant:
    """Always the optimizer's own rate."""

    def factor(self, done: float) -> float:
        return 1.0


@dataclass(frozen=True)
class Cosine:
    """A straight rise, then half a cosine down to zero (https://arxiv.org/abs/1608.03983)."""

    warmup: Share = 0.0
    """Share of training spent rising."""

    def factor(self, done: float) -> float:
        if done < self.warmup:
            return (done + 1e-3) / (self.warmup + 1e-3)
        return 0.5 * (1 + math.cos(math.pi * (done - self.warmup) / (1 - self.warmup)))


@dataclass(frozen=True)
class LinearDecay:
    """A straight rise, then straight down to zero."""

    warmup: Share = 0.0
    """Share of training spent rising."""

    def factor(self, done: float) -> float:
        if done < self.warmup:
            return (done + 1e-3) / (self.warmup + 1e-3)
        return (1 - done) / (1 - self.warmup)


@dataclass(frozen=True)
class WarmupStableDecay:
    """A straight rise, the rate itself, at the end 1 - sqrt down to zero (https://arxiv.org/abs/2405.18392).

    Its level stretch knows no end: training from a snapshot taken there can be made longer, and be cooled down at any time."""

    warmup: Share = 0.02
    """Share of training spent rising."""
    decay: Share = 0.2
    """Share of training spent falling."""

    def factor(self, done: float) -> float:
        if done < self.warmup:
            return (done + 1e-3) / (self.warmup + 1e-3)
        fallen = (done - (1 - self.decay)) / self.decay if self.decay else 0.0
        return 1 - math.sqrt(max(0.0, fallen))


@dataclass(frozen=True)
class Steps:
    """The rate times `by`, each time another 1 / `parts` of training is done."""

    parts: Count = 3
    by: Positive = 0.1

    def factor(self, done: float) -> float:
        return self.by ** int(done * self.parts)


Schedule: TypeAlias = Constant | Cosine | LinearDecay | WarmupStableDecay | Steps
