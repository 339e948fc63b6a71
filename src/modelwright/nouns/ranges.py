"""Numbers in a recipe, with the range that the reader enforces."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, TypeAlias


@dataclass(frozen=True)
class Bounds:
    """least <= value <= most and above < value < below; None is no bound."""

    least: float | None = None
    most: float | None = None
    above: float | None = None
    below: float | None = None


Count: TypeAlias = Annotated[int, Bounds(least=1)]
Whole: TypeAlias = Annotated[int, Bounds(least=0)]
Positive: TypeAlias = Annotated[float, Bounds(above=0)]
NotNegative: TypeAlias = Annotated[float, Bounds(least=0)]
Share: TypeAlias = Annotated[float, Bounds(least=0, below=1)]
"""A share of a whole, 0 <= share < 1."""
