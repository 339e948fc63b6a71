"""Blocks of a network that looks at sequences: attention, then a feed-forward net. B batch, T time, S steps, D width."""

from __future__ import annotations

from torch import Tensor, nn

from modelwright.models.networks.attention import Attention, Memory, RootMeanSquare
from modelwright.models.networks.heads import Dropout
from modelwright.models.networks.initialisation import start_layer
from modelwright.models.networks.recomputing import Recomputable
from modelwright.models.networks.views import View
from modelwright.models.shapes import GATED, Attending


class Block(Recomputable):
    """Attention, then a feed-forward net; each adds to what it read."""

    def __init__(self, shape: Attending) -> None:
        super().__init__()
        self.pre = shape.order == "pre"
        self.attention, self.feed = Attention(shape), _feed(shape)
        self.norms = nn.ModuleList((normal(shape), normal(shape)))
        self.dropout = Dropout(shape.dropout)

    def forward(self, x: Tensor, view: View, memory: Memory | None = None) -> Tensor:
        first, second = self.norms
        if self.pre:
            x = x + self.dropout(self.attention(first(x), view, memory))
            return x + self.dropout(self.feed(second(x)))
        x = first(x + self.dropout(self.attention(x, view, memory)))
        return second(x + self.dropout(self.feed(x)))


class CrossBlock(Recomputable):
    """Attention among its own steps, then to something else, then a feed-forward net; each adds to what it read."""

    def __init__(self, shape: Attending) -> None:
        super().__init__()
        self.pre = shape.order == "pre"
        self.attention, self.cross, self.feed = Attention(shape), Attention(shape), _feed(shape)
        self.norms = nn.ModuleList((normal(shape), normal(shape), normal(shape)))
        self.dropout = Dropout(shape.dropout)

    def forward(
        self, x: Tensor, view: View, other: tuple[Tensor, Tensor], across: View, memory: Memory | None = None
    ) -> Tensor:
        """other: what cross.pair() made of the something else; across: who sees what of it."""
        first, second, third = self.norms
        if self.pre:
            x = x + self.dropout(self.attention(first(x), view, memory))
            x = x + self.dropout(self.cross.across(second(x), other, across))
            return x + self.dropout(self.feed(third(x)))
        x = first(x + self.dropout(self.attention(x, view, memory)))
        x = second(x + self.dropout(self.cross.across(x, other, across)))
        return third(x + self.dropout(self.feed(x)))


def normal(shape: Attending) -> nn.Module:
    kind = nn.LayerNorm if shape.norm == "layer" else RootMeanSquare
    return kind(shape.width, eps=shape.epsilon)


class Gated(nn.Module):
    """W (f(U x) * V x), f silu or gelu by tanh (https://arxiv.org/abs/2002.05202)."""

    def __init__(self, shape: Attending) -> None:
        super().__init__()
        self.gate = nn.Linear(shape.width, shape.hidden, bias=shape.bias is True)
        self.up = nn.Linear(shape.width, shape.hidden, bias=shape.bias is True)
        self.down = nn.Linear(shape.hidden, shape.width, bias=shape.bias is True)
        for layer in (self.gate, self.up, self.down):
            start_layer(layer)
        self.bend: nn.Module = nn.SiLU() if shape.feed == "swiglu" else nn.GELU("tanh")

    def forward(self, x: Tensor) -> Tensor:
        return self.down(self.bend(self.gate(x)) * self.up(x))


def _feed(shape: Attending) -> nn.Module:
    if shape.feed in GATED:
        return Gated(shape)
    up = nn.Linear(shape.width, shape.hidden, bias=shape.bias is True)
    down = nn.Linear(shape.hidden, shape.width, bias=shape.bias is True)
    start_layer(up)
    start_layer(down)
    middle = {"gelu": nn.GELU(), "gelu_tanh": nn.GELU("tanh"), "relu": nn.ReLU()}[shape.feed]
    return nn.Sequential(up, middle, down)


def adding(block: nn.Module) -> list[nn.Linear]:
    """The two layers whose answers a block adds to what it read."""
    assert isinstance(block, Block)
    last = block.feed.down if isinstance(block.feed, Gated) else list(block.feed.modules())[-1]
    assert isinstance(last, nn.Linear)
    return [block.attention.out, last]
