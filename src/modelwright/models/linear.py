"""Family: one linear map, the least a network can be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from modelwright.models.mlp import MLP
from modelwright.nouns import Cells, Count, Image, Numbers, Port, Series, Tokens

if TYPE_CHECKING:
    from torch.nn import Module


@dataclass(frozen=True)
class Linear:
    """y = W x + b. Pictures are flattened; texts and series are the mean of their steps."""

    accepts: ClassVar[tuple[type, ...]] = (Numbers, Cells, Image, Tokens, Series)

    embedding: Count = 64
    """Numbers that stand for one token, where tokens are read."""

    def build(self, reads: tuple[Port, ...], writes: tuple[Port, ...]) -> Module:
        from modelwright.models.networks.dense import Dense

        return Dense(reads, writes, MLP(widths=(), embedding=self.embedding))
