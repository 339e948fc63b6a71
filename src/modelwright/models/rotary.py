"""How rotary positions are stretched beyond the texts that a model first learned from. E width of a head."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal, TypeAlias

from modelwright.nouns import Count, Positive, Refused
from modelwright.wording import say

if TYPE_CHECKING:
    from torch import Tensor

NEXT_TO_NONE = 0.001


@dataclass(frozen=True)
class Linear:
    """Every place is divided (https://arxiv.org/abs/2306.15595)."""

    factor: Positive
    louder: ClassVar[float] = 1.0

    def stretched(self, pace: Tensor, base: float) -> Tensor:
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
    louder: ClassVar[float] = 1.0

    def __post_init__(self) -> None:
        if self.low >= self.high:
            told = say("scaling.low = {low} is not below scaling.high = {high}.", low=self.low, high=self.high)
            raise Refused(told, say("Give a lower one: turns between the two are mixed."))

    def stretched(self, pace: Tensor, base: float) -> Tensor:
        """(E/2,)"""
        often = self.first * pace / (2 * math.pi)
        share = ((often - self.low) / (self.high - self.low)).clamp(0, 1)
        return pace * (share + (1 - share) / self.factor)


@dataclass(frozen=True)
class Yarn:
    """As Llama3, mixed by the order of turns and not by their angles; and queries and keys are louder, so that attention stays
    as sharp among more places (https://arxiv.org/abs/2309.00071)."""

    factor: Positive
    fast: Positive = 32.0
    """Turns up to that which is done so often within `first` places stay."""
    slow: Positive = 1.0
    """Those from that on which is done so often are divided."""
    first: Count = 4096
    """Places of the texts that it first learned from."""
    loudness: Positive | Literal["auto"] = "auto"
    """By which queries and keys are each multiplied. auto: 0.1 ln(factor) + 1, of a factor below 1 1."""

    @property
    def louder(self) -> float:
        return 0.1 * math.log(max(1.0, self.factor)) + 1 if self.loudness == "auto" else self.loudness

    def stretched(self, pace: Tensor, base: float) -> Tensor:
        """(E/2,)"""
        import torch

        half = len(pace)
        low, high = (half * math.log(self.first / (often * 2 * math.pi)) / math.log(base) for often in (self.fast, self.slow))
        start, end = max(math.floor(low), 0), min(math.ceil(high), 2 * half - 1)
        steps = torch.arange(half, device=pace.device, dtype=torch.float32)
        share = ((steps - start) / (end - start if end != start else NEXT_TO_NONE)).clamp(0, 1)
        return pace * (1 - share + share / self.factor)


Scaling: TypeAlias = Linear | Llama3 | Yarn
