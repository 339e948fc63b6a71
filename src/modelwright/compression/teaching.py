"""A model learns from another's answers: the teacher's outputs lie in the batch, and an aim asks for both label and likeness.

G. Hinton, O. Vinyals and J. Dean, Distilling the Knowledge in a Neural Network (https://arxiv.org/abs/1503.02531).
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 torch's own name for it

from modelwright import data
from modelwright.evaluation.resting import at_rest
from modelwright.nouns import Aim, Batch, Classes, Port, Tuning
from modelwright.objectives.weighing import rows, weighed
from modelwright.training.descent import arithmetic
from modelwright.training.running import settle

TAUGHT = "taught"
"""The name under which the teacher's outputs (B, units) lie in a batch."""
LABELS, LIKENESS = 0.5, 0.5
"""What each term weighs."""


class Taught:
    """A feed whose every batch has the teacher's answers to that very batch, augmented as it is."""

    def __init__(self, feed: data.Feed, teacher: Teacher) -> None:
        self.feed, self.teacher = feed, teacher

    @property
    def steps_per_epoch(self) -> int:
        return self.feed.steps_per_epoch

    @property
    def micros(self) -> int:
        return self.feed.micros

    def batch(self, step: int, micro: int = 0) -> Batch:
        batch = self.feed.batch(step, micro)
        return {**batch, TAUGHT: self.teacher(batch)}


class Teacher:
    """A copy of a model that answers the way the student learns: as fast, and to as many digits."""

    def __init__(self, module: nn.Module, name: str, tuning: Tuning) -> None:
        self.module, self.name, self.tuning = copy.deepcopy(module).eval(), name, tuning
        settle(self.module, tuning)

    def __call__(self, batch: Batch) -> Tensor:
        """(B, units) what the teacher writes for a batch."""
        with at_rest(self.module), arithmetic(self.tuning):
            written: Tensor = self.module({name: tensor.to(self.tuning.device) for name, tensor in batch.items()})[self.name]
        return written.float().clone()  # one that autograd may keep

    def beside(self, batch: Batch, size: int = 1024) -> Batch:
        """All rows with the teacher's answers: where nothing is augmented, they need to be asked for only once."""
        return {**batch, TAUGHT: torch.cat([self(part) for part in data.batches(batch, size)]).cpu()}


@dataclass(frozen=True)
class Likeness:
    """The objective's own terms, and beside them how far the answers lie from the teacher's."""

    aim: Aim
    port: Port
    temperature: float

    @property
    def weights(self) -> Mapping[str, float]:
        return {**{term: LABELS * weight for term, weight in self.aim.weights.items()}, TAUGHT: LIKENESS}

    def counts(self, batch: Batch) -> Mapping[str, Tensor]:
        return {**self.aim.counts(batch), TAUGHT: rows(batch, TAUGHT)}

    def __call__(self, models: Mapping[str, nn.Module], batch: Batch) -> Mapping[str, Tensor]:
        written = models["model"](batch)
        found = written[self.port.name]
        own = self.aim({"model": _Said(written)}, batch)
        each = likeness(found, batch[TAUGHT], self.port.kind, self.temperature)
        return {**own, TAUGHT: weighed(each, batch)}


class _Said(nn.Module):
    """What a model has written already, as a model: one forward pass serves both terms."""

    def __init__(self, written: Batch) -> None:
        super().__init__()
        self.written = written

    def forward(self, batch: Batch) -> Batch:
        return self.written


def likeness(found: Tensor, wanted: Tensor, kind: object, temperature: float) -> Tensor:
    """(B, units), (B, units) -> (B,): T^2 times the cross-entropy of softened chances, or for numbers the squared error."""
    if not isinstance(kind, Classes):
        return (found - wanted).square().mean(1)
    soft, hard = found / temperature, wanted / temperature
    if kind.sigmoid:
        each = F.binary_cross_entropy_with_logits(soft[:, 0], hard[:, 0].sigmoid(), reduction="none")
    else:
        each = -(hard.softmax(1) * soft.log_softmax(1)).sum(1)
    return temperature**2 * each
