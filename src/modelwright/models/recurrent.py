"""Families that read a sequence step by step: plain, gated (GRU) and long short-term memory (LSTM)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from modelwright.models.ports import only
from modelwright.nouns import Count, Port, Series, Share, Tokens

if TYPE_CHECKING:
    from torch.nn import Module


@dataclass(frozen=True)
class Recurrent:
    """What the three have in common. The state after the last real step goes to the head; of a row with no step, zeros."""

    accepts: ClassVar[tuple[type, ...]] = (Tokens, Series)
    cell: ClassVar[str]

    embedding: Count = 32
    """Numbers that stand for one token, where tokens are read."""
    width: Count = 64
    depth: Count = 1
    both_ways: bool = False
    """Read from the last real step to the first as well."""
    dropout: Share = 0.0
    """After the embedding, between layers and before the head."""

    def build(self, reads: tuple[Port, ...], writes: tuple[Port, ...]) -> Module:
        from modelwright.models.networks.recurrence import Recurrence

        return Recurrence(only(reads, self), writes, self)


@dataclass(frozen=True)
class RNN(Recurrent):
    """h_t = tanh(W x_t + U h_(t-1) + b) (Elman, Cognitive Science 14, 1990)."""

    cell: ClassVar[str] = "RNN"


@dataclass(frozen=True)
class GRU(Recurrent):
    """Gated recurrent unit (https://arxiv.org/abs/1406.1078), with torch's reset gate after the product."""

    cell: ClassVar[str] = "GRU"


@dataclass(frozen=True)
class LSTM(Recurrent):
    """Long short-term memory (Hochreiter and Schmidhuber, Neural Computation 9, 1997), a forget gate whose bias starts at 1."""

    cell: ClassVar[str] = "LSTM"
