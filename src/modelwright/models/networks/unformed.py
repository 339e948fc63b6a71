"""Answers whose logits of tokens are not formed yet. B batch, T time, D width, A alphabet.

A window of 1,024 tokens over an alphabet of 50,000 is 205 MB of logits, and as much again for their slopes: who wants only the
loss does better with what they are a product of.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, cast

import torch
from torch import Tensor
from torch.utils._pytree import register_pytree_node

from modelwright.models.networks.narrow import product


class Unformed(Mapping[str, Tensor]):
    """By name, as any module's answers. The logits of these names are formed, float32 at least, when somebody looks at them."""

    def __init__(self, states: Tensor, table: Tensor, names: tuple[str, ...], others: Mapping[str, Tensor]) -> None:
        self.states, self.table = states, table
        """(B, T, D) and (A, D): logits are states @ table.T"""
        self.names, self.others = names, others

    def __getitem__(self, name: str) -> Tensor:
        return formed(self.states, self.table) if name in self.names else self.others[name]

    def __iter__(self) -> Iterator[str]:
        return iter((*self.names, *self.others))

    def __len__(self) -> int:
        return len(self.names) + len(self.others)


def formed(states: Tensor, table: Tensor) -> Tensor:
    """(B, T, A), float32 at least."""
    found = product(states, table)
    return found.to(torch.promote_types(found.dtype, torch.float32))


def _flat(found: Unformed) -> tuple[list[Tensor], tuple[str, ...]]:
    return list(found.values()), tuple(found)


def _named(tensors: Iterable[Tensor], names: tuple[str, ...]) -> dict[str, Tensor]:
    return dict(zip(names, tensors))


register_pytree_node(Unformed, _flat, cast(Any, _named))  # what torch.export sees of it: the logits
