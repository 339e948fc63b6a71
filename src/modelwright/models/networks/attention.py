"""Blocks in which every step looks at others. B batch, T time, S steps looked at, D width, H heads, G groups, E width of each.

Knows no word: what is read are vectors (B, T, D), the place of each step (B, T), and who may see whom, bool (B, 1, T, S).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from modelwright.models.networks.heads import Dropout
from modelwright.models.networks.initialisation import start_layer
from modelwright.models.networks.looking import SHORT, hidden, looked, turned, turns
from modelwright.models.networks.recomputing import Recomputable
from modelwright.models.shapes import GATED, Attending


@dataclass(frozen=True)
class View:
    """What each step may look at."""

    places: Tensor
    """int64 (B, T): counted from 0 at the first real step."""
    seen: Tensor | None
    """bool (B, 1, T, S). Every step sees one at least, so that a row without a real step is a number too. None: itself and
    all before it."""
    bias: Tensor | None = None
    """float (B, H, T, S), added to each likeness; -inf where nothing is seen."""
    later: bool = True
    """Whether a step may see one that comes after it."""
    _turns: dict[tuple[int, float], tuple[Tensor, Tensor]] = field(default_factory=dict[Any, Any], repr=False, compare=False)

    @classmethod
    def of(cls, mask: Tensor, fresh: int) -> View:
        """Each of `fresh` steps sees every real one of something else, mask bool (B, S); places there mean nothing."""
        rest = cls.whole(mask)
        assert rest.seen is not None
        return cls(rest.places[:, :1].expand(-1, fresh), rest.seen[:, :, :1].expand(-1, -1, fresh, -1))

    def biased(self, bias: Tensor) -> View:
        """bias float (B, H, T, S)."""
        assert self.seen is not None
        return View(self.places, self.seen, bias.masked_fill(~self.seen, -torch.inf), self.later)

    @classmethod
    def whole(cls, mask: Tensor, document: Tensor | None = None) -> View:
        """Each step sees every real one, of its own document where passages hold several. mask bool (B, T)."""
        steps = torch.arange(mask.shape[1], device=mask.device)
        if document is not None:
            seen = (mask[:, None, :] & _alike(document)) | (steps[:, None] == steps)
            return cls(_anew(document), seen[:, None])
        seen = (mask | (steps == 0))[:, None, None, :].expand(-1, 1, mask.shape[1], -1)
        return cls(steps.expand_as(mask), seen)

    @classmethod
    def begun(cls, mask: Tensor) -> View:
        """Each step sees itself and all before it: enough where padding stands at the end, for nobody looks back at that."""
        return cls(torch.arange(mask.shape[1], device=mask.device).expand_as(mask), None, later=False)

    @classmethod
    def back(cls, mask: Tensor, fresh: int, document: Tensor | None = None) -> View:
        """Each of the last `fresh` steps sees itself and the real ones before it; padding may stand on either side.

        document int (B, T): the number of the one that each step belongs to, where passages hold several. No step sees
        another document, and places begin anew in each."""
        total = mask.shape[1]
        steps = torch.arange(total, device=mask.device)
        asking = steps[total - fresh :, None]
        before = mask[:, None, :] & (asking >= steps)
        seen = (before if document is None else before & _alike(document)[:, total - fresh :]) | (asking == steps)  # (B, T, S)
        places = (mask.long().cumsum(1) - 1).clamp_min(0) if document is None else _anew(document)
        return cls(places[:, total - fresh :], seen[:, None], later=False)

    def turns(self, width: int, base: float) -> tuple[Tensor, Tensor]:
        """Cosines and sines (B, 1, T, E/2) for heads of this width; every block turns by the same, so they are told once."""
        if (width, base) not in self._turns:
            self._turns[width, base] = turns(self.places, width, base)
        return self._turns[width, base]


def _alike(document: Tensor) -> Tensor:
    """bool (B, T, T): whether two steps are of one document."""
    return document[:, :, None] == document[:, None, :]


def _anew(document: Tensor) -> Tensor:
    """int64 (B, T): places, counted from 0 at the first step of each document."""
    steps = torch.arange(document.shape[1], device=document.device).expand_as(document)
    begins = torch.ones_like(document, dtype=torch.bool)
    begins[:, 1:] = document[:, 1:] != document[:, :-1]
    return steps - torch.where(begins, steps, torch.zeros_like(steps)).cummax(1).values


class Memory:
    """Keys and values (B, G, S, E) of the steps that a block has read, so that none is read twice; with room for more."""

    def __init__(self) -> None:
        self.steps = 0
        self._room: tuple[Tensor, Tensor] | None = None

    def kept(self, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
        """All steps so far, these (B, G, T, E) among them: views of the room, good until the next step."""
        total = self.steps + key.shape[2]
        if self._room is None or total > self._room[0].shape[2]:
            self._room = (self._larger(key, total, 0), self._larger(value, total, 1))
        found = tuple(room[:, :, :total] for room in self._room)
        for kept, fresh in zip(found, (key, value), strict=True):
            kept[:, :, self.steps :] = fresh
        self.steps = total
        return found[0], found[1]

    def pick(self, rows: Tensor) -> None:
        """Goes on with these rows alone, some of them perhaps several times. rows int64."""
        if self._room is not None:
            key, value = (room.index_select(0, rows.to(room.device)) for room in self._room)
            self._room = key, value

    def _larger(self, fresh: Tensor, total: int, which: int) -> Tensor:
        """Room for half as many steps again, so that few tokens pay for a move."""
        room = fresh.new_empty(*fresh.shape[:2], max(total + total // 2, 64), fresh.shape[3])
        if self._room is not None:
            room[:, :, : self.steps] = self._room[which][:, :, : self.steps]
        return room


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


class Attention(nn.Module):
    """softmax(Q K' / sqrt(E)) V, in H heads whose keys and values come in G groups; the answers side by side, then mixed."""

    def __init__(self, shape: Attending) -> None:
        super().__init__()
        self.shape, self.each = shape, shape.head
        self.scale = self.each**-0.5 if shape.scaled else 1.0
        whole, shared, asks = shape.heads * self.each, shape.groups * self.each, bool(shape.bias)
        self.query = nn.Linear(shape.width, whole, bias=asks)
        self.key = nn.Linear(shape.width, shared, bias=asks)
        self.value = nn.Linear(shape.width, shared, bias=asks)
        self.out = nn.Linear(whole, shape.width, bias=shape.bias is True)
        self.query_norm, self.key_norm = (
            RootMeanSquare(self.each, eps=shape.epsilon) if shape.normed else nn.Identity() for _ in range(2)
        )
        for layer in (self.query, self.key, self.value, self.out):
            start_layer(layer)

    def forward(self, x: Tensor, view: View, memory: Memory | None = None) -> Tensor:
        query, key, value = self._heads(x, view)
        if memory is not None:
            key, value = memory.kept(key, value)
        return self._mixed(query, key, value, view)

    def across(self, x: Tensor, other: tuple[Tensor, Tensor], view: View) -> Tensor:
        """What the steps x (B, T, D) find in something else, whose keys and values (B, G, S, E) pair() made."""
        return self._mixed(self._split(self.query(x)), *other, view)

    def pair(self, states: Tensor) -> tuple[Tensor, Tensor]:
        """Keys and values (B, G, S, E) of something else (B, S, D), to be made once."""
        return self._split(self.key(states)), self._split(self.value(states))

    def _mixed(self, query: Tensor, key: Tensor, value: Tensor, view: View) -> Tensor:
        """(B, T, D)"""
        if torch.is_grad_enabled() and query.device.type == "cpu" and key.shape[2] <= SHORT:
            return self.out(looked(query * self.scale, key, value, view).transpose(1, 2).flatten(2))
        if query.shape[2] == 1 and view.bias is None:
            return self.out(self._one(query, key, value, view.seen))
        shared, alone = self.shape.groups < self.shape.heads, view.seen is None
        seen = view.seen if view.bias is None else view.bias.to(query.dtype)
        how: Any = {"is_causal": alone, "scale": self.scale, "enable_gqa": shared}
        found = F.scaled_dot_product_attention(query, key, value, seen, **how)
        return self.out(found.transpose(1, 2).flatten(2))

    def _one(self, query: Tensor, key: Tensor, value: Tensor, seen: Tensor | None) -> Tensor:
        """(B, 1, D) of one step (B, H, 1, E): the heads of a group look at its keys side by side, and none is copied."""
        whole = query.view(len(query), self.shape.groups, -1, self.each)
        found = F.scaled_dot_product_attention(whole, key, value, seen, scale=self.scale)
        return found.reshape(len(query), 1, -1)

    def weights(self, x: Tensor, view: View) -> Tensor:
        """(B, H, T, S), each row summing to 1: how much each step looks at each other one."""
        query, key, _ = self._heads(x, view)
        key = key.repeat_interleave(self.shape.heads // self.shape.groups, dim=1)
        likeness = query @ key.transpose(2, 3) * self.scale
        return (likeness + hidden(view, likeness, 0, x.shape[1])).softmax(-1)

    def _heads(self, x: Tensor, view: View) -> tuple[Tensor, Tensor, Tensor]:
        """queries (B, H, T, E), keys and values (B, G, T, E)."""
        query, key, value = (self._split(layer(x)) for layer in (self.query, self.key, self.value))
        query, key = self.query_norm(query), self.key_norm(key)
        if not self.shape.base:
            return query, key, value
        turn = view.turns(self.each, self.shape.base)
        return turned(query, *turn), turned(key, *turn), value

    def _split(self, x: Tensor) -> Tensor:
        """(B, T, H * E) -> (B, H, T, E)"""
        return x.unflatten(2, (-1, self.each)).transpose(1, 2)


class RootMeanSquare(nn.RMSNorm):
    """x / sqrt(mean(x ** 2) + epsilon) * weight (https://arxiv.org/abs/1910.07467), in the weights' own precision."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.to(self.weight.dtype))


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
