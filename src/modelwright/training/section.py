"""The recipe's section [training]."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from modelwright.nouns import Count, NotNegative
from modelwright.training.optimizers import Adam, Optimizer
from modelwright.training.schedules import Constant, Schedule


@dataclass(frozen=True)
class Stopping:
    """Training ends when validation has not got better for this many epochs. The best weights are kept in any case."""

    patience: Count = 5
    by: Literal["score", "loss"] = "score"
    """score: the first metric of [evaluation]; loss: the objective."""


@dataclass(frozen=True)
class Training:
    """How a model learns."""

    epochs: Count
    batch: Count | Literal["all"] = 32
    """Rows behind one update, whatever the number of processes and micro-batches. all: gradient descent on the full batch."""
    accumulate: Count = 1
    """Micro-batches that an update is cut into, to save memory; the result is the same."""
    optimizer: Optimizer = Adam()
    schedule: Schedule = Constant()
    clip: NotNegative = 0.0
    """The longest gradient allowed; 0 is no limit."""
    stopping: Stopping | None = None
    snapshot_every: NotNegative = 30.0
    """Seconds between two places that training can come back to; 0 is after each epoch."""
