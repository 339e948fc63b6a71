"""Objective: the mean negative log likelihood of what follows. B batch, T time, A alphabet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from modelwright.nouns import Aim, Batch, Port, Reply, Tokens

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module


@dataclass(frozen=True)
class NextToken:
    """The mean over all tokens that bear loss of -log p(token | those before it), natural logarithm.

    A token counts as much as any other, in whatever passage it stands: so passages of unequal length, cut into micro-batches,
    have the loss that they have together."""

    fits: ClassVar[tuple[type, ...]] = (Tokens, Reply)

    def ready(self, writes: tuple[Port, ...]) -> Aim:
        (port,) = writes
        return Following({port.name: 1.0}, port.name)


@dataclass(frozen=True)
class Following:
    """Cross-entropy of one port of tokens, live."""

    weights: Mapping[str, float]
    name: str

    def counts(self, batch: Batch) -> Mapping[str, Tensor]:
        return {self.name: _weights(batch).sum()}

    def __call__(self, models: Mapping[str, Module], batch: Batch) -> Mapping[str, Tensor]:
        each = losses(models["model"](batch)[self.name], batch[self.name])
        return {self.name: (each * _weights(batch)).sum()}


def losses(logits: Tensor, follows: Tensor) -> Tensor:
    """(B, T, A) and int64 (B, T) -> (B, T), in nats; of padding too."""
    from torch.nn import functional as F  # noqa: N812 torch's own name for it

    return F.cross_entropy(logits.flatten(0, 1), follows.flatten(), reduction="none").view(follows.shape)


def _weights(batch: Batch) -> Tensor:
    """(B, T): 1 where loss is borne, or the row's weight; else 0."""
    bears = batch["bears"].float()
    return bears * batch["weight"].unsqueeze(1) if "weight" in batch else bears
