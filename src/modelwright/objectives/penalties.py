"""Penalties on the size of weights; they enter once per update, whatever the batch. Biases are left alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from modelwright.nouns import NotNegative

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class L1:
    """weight * sum |w|, which drives weights to zero (lasso)."""

    weight: NotNegative = 1e-5

    def __call__(self, weights: Sequence[Tensor]) -> Tensor:
        return self.weight * _sum([w.abs().sum() for w in weights])


@dataclass(frozen=True)
class L2:
    """weight * sum w^2, which keeps weights small (ridge). Not AdamW's decay, which is not in the loss."""

    weight: NotNegative = 1e-4

    def __call__(self, weights: Sequence[Tensor]) -> Tensor:
        return self.weight * _sum([w.square().sum() for w in weights])


Penalty: TypeAlias = L1 | L2


def penalized(penalties: Iterable[Penalty], weights: Iterable[Tensor]) -> Tensor | None:
    """() the sum of all penalties on the tensors of two axes or more, differentiable; None without a penalty."""
    matrices = [weight for weight in weights if weight.ndim > 1]
    found = [penalty(matrices) for penalty in penalties]
    return _sum(found) if found else None


def _sum(parts: Sequence[Tensor]) -> Tensor:
    import torch

    return torch.stack(list(parts)).sum()
