"""How rotary positions are stretched beyond the texts that a model first learned from. E width of a head."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from modelwright.nouns import Count, Positive, Refused
from modelwright.wording import say

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Linear:
    """Every place is divided (https://arxiv.org/abs/2306.15595)."""

    factor: Positive

    def stretched(self, pace: Tensor) -> Tensor:
        """(E/2,): angles from one place to the next."""
        return pace / self.factor


@dataclass(frozen=True)
class Llama3:
    """Slow turns are divided, fast ones stay, those between are mixed: as Llama 3.1 (https://arxiv.org/abs/2407.21783)."""

    factor: Positive
    low: Positive = 1.0
    """So often or less a turn is done within `first` places: it is divided."""
    high: Positive = 4.0
    """So often or more: it stays."""
    first: Count = 8192
    """Places of the texts that it first learned from."""

    def __post_init__(self) -> None:
        if self.low >= self.high:
            told = say("scaling.low = {low} is not below scaling.high = {high}.", low=self.low, high=self.high)
            raise Refused(told, say("Give a lower one: turns between the two are mixed."))

    def stretched(self, pace: Tensor) -> Tensor:
        """(E/2,)"""
        often = self.first * pace / (2 * math.pi)
        share = ((often - self.low) / (self.high - self.low)).clamp(0, 1)
        return pace * (share + (1 - share) / self.factor)


Scaling: TypeAlias = Linear | Llama3
