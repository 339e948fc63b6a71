"""What of a base learns later than the rest: gradual unfreezing, a value of the recipe."""

from __future__ import annotations

from dataclasses import dataclass

from modelwright.nouns import Count


@dataclass(frozen=True)
class Unfreeze:
    """More of a base learns once what stands nearer to the answer has settled (https://arxiv.org/abs/1801.06146)."""

    after: Count
    """Whole epochs that these weights stay as they are."""
    train: tuple[str, ...]
    """How their names begin, as "blocks.5"."""
