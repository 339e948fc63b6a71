"""How large a module is and what one row costs it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from modelwright.nouns import Batch

if TYPE_CHECKING:
    from torch.nn import Module


@dataclass(frozen=True)
class Facts:
    """A module's size, and its work on one row of a batch."""

    parameters: int
    layers: int
    """Modules that hold weights of their own."""
    weight_bytes: int
    flops_per_row: float
    """Forward, a multiplication and an addition counted as two; padding is work too. Learning costs three times as much:
    the backward pass forms two products for each one of the forward pass."""


def facts(module: Module, batch: Batch) -> Facts:
    """Counted on one forward pass of this batch."""
    from modelwright.models.counting import flops

    weights = list(module.parameters())
    layers = sum(any(True for _ in part.parameters(recurse=False)) for part in module.modules())
    rows = len(next(iter(batch.values())))
    return Facts(sum(w.numel() for w in weights), layers, sum(w.nbytes for w in weights), flops(module, batch) / rows)
