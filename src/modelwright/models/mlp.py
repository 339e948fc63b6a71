"""Family: a multi-layer perceptron, dense layers one after another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from modelwright.models.activations import Activation
from modelwright.nouns import Cells, Count, Image, Numbers, Port, Series, Share, Tokens

if TYPE_CHECKING:
    from torch.nn import Module


@dataclass(frozen=True)
class MLP:
    """y = f(W x + b), as many times as there are widths, then a linear head. Dropout stands after each activation."""

    accepts: ClassVar[tuple[type, ...]] = (Numbers, Cells, Image, Tokens, Series)

    widths: tuple[Count, ...] = (128,)
    activation: Activation = "relu"
    dropout: Share = 0.0
    embedding: Count = 64
    """Numbers that stand for one token, where tokens are read."""

    def build(self, reads: tuple[Port, ...], writes: tuple[Port, ...]) -> Module:
        from modelwright.models.networks.dense import Dense

        return Dense(reads, writes, self)
