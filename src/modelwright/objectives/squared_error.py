"""Objective: mean squared error. B batch, F numbers to a row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from modelwright.nouns import Aim, Batch, Numbers, Port
from modelwright.objectives.weighing import rows, weighed

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module


@dataclass(frozen=True)
class SquaredError:
    """The mean over rows and numbers of (found - wanted)^2, on the codec's standardised scale.

    The mean itself: some books write half of a sum, 1/2 * sum (found - wanted)^2, and call it the mean. That one grows with
    the batch, and so would the step it asks for."""

    fits: ClassVar[tuple[type, ...]] = (Numbers,)

    def ready(self, writes: tuple[Port, ...]) -> Aim:
        (port,) = writes
        return Squares({port.name: 1.0}, port.name)


@dataclass(frozen=True)
class Squares:
    """Squared error of one port, live."""

    weights: Mapping[str, float]
    name: str

    def counts(self, batch: Batch) -> Mapping[str, Tensor]:
        return {self.name: rows(batch, self.name)}

    def __call__(self, models: Mapping[str, Module], batch: Batch) -> Mapping[str, Tensor]:
        found = models["model"](batch)[self.name]
        each = (found - batch[self.name].reshape(found.shape)).square().mean(1)  # (B,)
        return {self.name: weighed(each, batch)}
