"""How a model learns by a small addition: matrices of low rank beside those that stay. A value of the recipe."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from modelwright.nouns import Count, Positive

Stored: TypeAlias = Literal["float32", "bfloat16", "nf4"]


@dataclass(frozen=True)
class Lora:
    """Beside each frozen matrix W lie two thin ones: W x + alpha / rank * up (down x) (https://arxiv.org/abs/2106.09685).

    up begins at zero, so that the model answers as its base does until it learns."""

    rank: Count = 8
    alpha: Positive = 16.0
    layers: tuple[str, ...] = ()
    """How the names of those layers end that get one, as "query" or "feed.up". Empty: every matrix but the heads'."""
    stored: Stored = "float32"
    """What frozen matrices lie in, rounded to what that holds. bfloat16: all but a head's, in half the memory. nf4: those with
    two thin ones, in an eighth of it (https://arxiv.org/abs/2305.14314)."""
