"""Objective: the mean negative log likelihood of the labels. B batch, C classes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from modelwright.nouns import Aim, Batch, Classes, Port, Share
from modelwright.objectives.weighing import rows, weighed

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module


@dataclass(frozen=True)
class CrossEntropy:
    """The mean over rows of -log p(label): p by softmax over C logits, or of the second of two classes by the sigmoid of one.

    Natural logarithm, from logits and never from chances, so that a sure model's loss neither overflows nor is cut off."""

    fits: ClassVar[tuple[type, ...]] = (Classes,)

    smoothing: Share = 0.0
    """This share of each label is spread over all classes alike, its own too (https://arxiv.org/abs/1512.00567)."""

    def ready(self, writes: tuple[Port, ...]) -> Aim:
        (port,) = writes
        assert isinstance(port.kind, Classes)
        return LogLikelihood({port.name: 1.0}, port.name, port.kind.sigmoid, self.smoothing)


@dataclass(frozen=True)
class LogLikelihood:
    """Cross-entropy of one port, live."""

    weights: Mapping[str, float]
    name: str
    sigmoid: bool
    smoothing: float

    def counts(self, batch: Batch) -> Mapping[str, Tensor]:
        return {self.name: rows(batch, self.name)}

    def __call__(self, models: Mapping[str, Module], batch: Batch) -> Mapping[str, Tensor]:
        from torch.nn import functional as F  # noqa: N812 torch's own name for it

        logits, label = models["model"](batch)[self.name], batch[self.name]
        if self.sigmoid:
            target = label.to(logits.dtype) * (1 - self.smoothing) + self.smoothing / 2
            each = F.binary_cross_entropy_with_logits(logits[:, 0], target, reduction="none")
        else:
            each = F.cross_entropy(logits, label, reduction="none", label_smoothing=self.smoothing)
        return {self.name: weighed(each, batch)}
