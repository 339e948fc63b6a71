"""Objective: the mean negative log likelihood of tokens that are hidden. B batch, T time, P hidden steps, A alphabet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from modelwright.nouns import Aim, Batch, Hidden, Port
from modelwright.objectives.next_token import weights_of

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module


@dataclass(frozen=True)
class MaskedToken:
    """The mean over all hidden tokens of -log p(token | what is read around it), natural logarithm.

    Which are hidden, how many and behind what, the codec's `masking` says; every one counts as much as any other."""

    fits: ClassVar[tuple[type, ...]] = (Hidden,)

    def ready(self, writes: tuple[Port, ...]) -> Aim:
        (port,) = writes
        return Guessing({port.name: 1.0}, port.name)


@dataclass(frozen=True)
class Guessing:
    """Cross-entropy of one port of hidden tokens, live."""

    weights: Mapping[str, float]
    name: str

    def counts(self, batch: Batch) -> Mapping[str, Tensor]:
        return {self.name: weights_of(batch).sum()}

    def __call__(self, models: Mapping[str, Module], batch: Batch) -> Mapping[str, Tensor]:
        from torch.nn import functional as F  # noqa: N812 torch's own name for it

        bears = batch["bears"]
        each = F.cross_entropy(models["model"](batch)[self.name], batch[self.name][bears], reduction="none")
        return {self.name: (each * weights_of(batch)[bears]).sum()}
