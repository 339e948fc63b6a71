"""The recipe's sections [[compression]] and [promise]: the steps of one pipeline, and what may be lost on the way."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, TypeAlias

from modelwright.models import Family
from modelwright.nouns import Bounds, NotNegative, Positive, Whole

Part: TypeAlias = Annotated[float, Bounds(above=0, below=1)]
"""A part of a whole, 0 < part < 1."""
Judge: TypeAlias = Literal["accuracy", "mae"]


@dataclass(frozen=True)
class Prune:
    """Structured pruning: of each layer's units, channels or states the weaker ones are taken out, so tensors get smaller."""

    keep: Part = 0.5
    """The share of each layer's units that stays; at least one does."""
    epochs: Whole = 5
    """Recovery: what is left learns on, from the labels and from the whole model. 0 is none."""


@dataclass(frozen=True)
class Int8:
    """Weights stored in eight bits, one scale for each row, filter or token; biases stay float32."""


@dataclass(frozen=True)
class Distill:
    """A smaller model learns from the labels and from a teacher's answers (https://arxiv.org/abs/1503.02531)."""

    student: Family
    epochs: Whole = 10
    temperature: Positive = 2.0
    """Chances are softened by it before they are compared; for numbers it has no say."""
    teacher: Path | None = None
    """An artifact's folder; without it, the run's own model teaches."""


Compression: TypeAlias = Prune | Int8 | Distill


@dataclass(frozen=True)
class Promise:
    """What the compressed model keeps, proved on test rows with 95 % certainty; otherwise the original stays."""

    metric: Judge
    loss: Positive
    """How much worse than the original's it may be: a share for accuracy (0.02 is two points), else in the label's unit."""
    reach: NotNegative | None = None
    """What the metric must reach on test rows, by the worse end of its interval: at least, or for an error at most."""
