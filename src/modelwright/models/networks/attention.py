"""Every step looks at others, and remembers what it has read. B batch, T time, S steps looked at, D width, H heads, G groups,
E width of each.

Knows no word: what is read are vectors (B, T, D), the place of each step (B, T), and who may see whom, bool (B, 1, T, S).
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from modelwright.models.networks.initialisation import start_layer
from modelwright.models.networks.looking import SHORT, hidden, looked, turned
from modelwright.models.networks.views import View
from modelwright.models.shapes import Attending


class RootMeanSquare(nn.RMSNorm):
    """x / sqrt(mean(x ** 2) + epsilon) * weight (https://arxiv.org/abs/1910.07467), in the weights' own precision."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.to(self.weight.dtype))


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
        turn = view.turns(self.each, self.shape.base, self.shape.scaling)
        return turned(query, *turn), turned(key, *turn), value

    def _split(self, x: Tensor) -> Tensor:
        """(B, T, H * E) -> (B, H, T, E)"""
        return x.unflatten(2, (-1, self.each)).transpose(1, 2)
