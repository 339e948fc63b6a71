"""Penalties on the size of weights. They enter once per update, whatever the batch and however many micro-batches it has.

Biases, and all else with one axis, are left alone: they say where a layer stands, not how wildly it turns.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from modelwright.nouns import NotNegative

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class L1:
    """weight * sum |w|, which drives weights to zero (Tibshirani's lasso, JRSS B 58, 1996)."""

    weight: NotNegative = 1e-5

    def __call__(self, weights: Sequence[Tensor]) -> Tensor:
        return self.weight * _sum([w.abs().sum() for w in weights])


@dataclass(frozen=True)
class L2:
    """weight * sum w^2, which keeps weights small (Hoerl and Kennard's ridge, 1970): as Keras' l2, and not half of it.

    Not AdamW's decay either, which is not in the loss (https://arxiv.org/abs/1711.05101)."""

    weight: NotNegative = 1e-4

    def __call__(self, weights: Sequence[Tensor]) -> Tensor:
        return self.weight * _sum([w.square().sum() for w in weights])


Penalty: TypeAlias = L1 | L2


def penalized(penalties: Iterable[Penalty], weights: Iterable[Tensor]) -> Tensor | None:
    """() the sum of all penalties on the tensors of two axes or more, differentiable; None where there is nothing to add."""
    matrices = [weight for weight in weights if weight.ndim > 1]
    found = [penalty(matrices) for penalty in penalties] if matrices else []
    return _sum(found) if found else None


def _sum(parts: Sequence[Tensor]) -> Tensor:
    import torch

    return torch.stack(list(parts)).sum()
