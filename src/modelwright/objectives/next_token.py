"""Objective: the mean negative log likelihood of what follows. B batch, T time, A alphabet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from modelwright.nouns import Aim, Batch, Gaps, NotNegative, Port, Reply, Tokens

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module


@dataclass(frozen=True)
class NextToken:
    """The mean over all tokens that bear loss of -log p(token | those before it), natural logarithm.

    A token counts as much as any other, in whatever passage it stands: so passages of unequal length, cut into micro-batches,
    have the loss that they have together. Where a model hands over states and table, logits are never whole."""

    fits: ClassVar[tuple[type, ...]] = (Tokens, Reply, Gaps)

    z_loss: NotNegative = 0.0
    """For each token so many times the square of ln Z, the logarithm of softmax' divisor, is added: it keeps logits from
    drifting (https://arxiv.org/abs/2204.02311, with 0.0001)."""

    def ready(self, writes: tuple[Port, ...]) -> Aim:
        (port,) = writes
        return Following({port.name: 1.0}, port.name, self.z_loss)


@dataclass(frozen=True)
class Following:
    """Cross-entropy of one port of tokens, live."""

    weights: Mapping[str, float]
    name: str
    z_loss: float

    def counts(self, batch: Batch) -> Mapping[str, Tensor]:
        return {self.name: weights_of(batch).sum()}

    def __call__(self, models: Mapping[str, Module], batch: Batch) -> Mapping[str, Tensor]:
        from modelwright.models.networks.unformed import Unformed
        from modelwright.objectives.piecewise import summed

        written, follows, weights = models["model"](batch), batch[self.name], weights_of(batch)
        if isinstance(written, Unformed):
            return {self.name: summed(written.states, written.table, follows, weights, self.z_loss)}
        logits = written[self.name]
        found = losses({self.name: logits}, self.name, follows)
        if self.z_loss:
            found = found + self.z_loss * logits.logsumexp(-1).square()
        return {self.name: (found * weights).sum()}


def losses(written: Mapping[str, Tensor], name: str, follows: Tensor) -> Tensor:
    """int64 (B, T) -> (B, T): -ln p of what follows, in nats; of padding too. Of logits not yet formed no slope flows."""
    from torch.nn import functional as F  # noqa: N812 torch's own name for it

    from modelwright.models.networks.unformed import Unformed
    from modelwright.objectives.piecewise import each

    if isinstance(written, Unformed):
        return each(written.states, written.table, follows)
    return F.cross_entropy(written[name].flatten(0, 1), follows.flatten(), reduction="none").view(follows.shape)


def weights_of(batch: Batch) -> Tensor:
    """(B, T): 1 where loss is borne, or the row's weight; else 0."""
    bears = batch["bears"].float()
    return bears * batch["weight"].unsqueeze(1) if "weight" in batch else bears
