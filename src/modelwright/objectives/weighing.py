"""Rows that count: a batch may give each of its B rows a weight. Weight 2 is that row twice, 0 is that row not there (its loss
must be a number all the same)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelwright.nouns import Batch

if TYPE_CHECKING:
    from torch import Tensor


def rows(batch: Batch, name: str) -> Tensor:
    """() how many rows have this label, or the sum of their weights."""
    import torch

    return batch["weight"].sum() if "weight" in batch else torch.full((), float(len(batch[name])), device=batch[name].device)


def weighed(each: Tensor, batch: Batch) -> Tensor:
    """(B,) -> () the sum, each times its row's weight."""
    return (each * batch["weight"]).sum() if "weight" in batch else each.sum()
