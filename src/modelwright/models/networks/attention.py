"""Blocks in which every step looks at others. B batch, T time, S steps looked at, D width, H heads, G groups, E width of each.

Knows no word: what is read are vectors (B, T, D) and a mask (B, S), true where a step is real.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from modelwright.models.networks.heads import Dropout
from modelwright.models.networks.initialisation import start_layer
from modelwright.models.shapes import Attending

BASE = 10_000.0
"""Of the rotary wavelengths (https://arxiv.org/abs/2104.09864)."""


class Block(nn.Module):
    """Attention, then a feed-forward net; each adds to what it read."""

    def __init__(self, shape: Attending, causal: bool) -> None:
        super().__init__()
        self.pre = shape.order == "pre"
        self.attention, self.feed = Attention(shape, causal), _feed(shape)
        self.norms = nn.ModuleList((normal(shape), normal(shape)))
        self.dropout = Dropout(shape.dropout)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        first, second = self.norms
        if self.pre:
            x = x + self.dropout(self.attention(first(x), mask))
            return x + self.dropout(self.feed(second(x)))
        x = first(x + self.dropout(self.attention(x, mask)))
        return second(x + self.dropout(self.feed(x)))


class Attention(nn.Module):
    """softmax(Q K' / sqrt(E)) V, in H heads whose keys and values come in G groups; the answers side by side, then mixed."""

    def __init__(self, shape: Attending, causal: bool) -> None:
        super().__init__()
        self.shape, self.causal, self.each = shape, causal, shape.width // shape.heads
        shared = shape.groups * self.each
        self.query = nn.Linear(shape.width, shape.width, bias=shape.bias)
        self.key = nn.Linear(shape.width, shared, bias=shape.bias)
        self.value = nn.Linear(shape.width, shared, bias=shape.bias)
        self.out = nn.Linear(shape.width, shape.width, bias=shape.bias)
        for layer in (self.query, self.key, self.value, self.out):
            start_layer(layer)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        shared = self.shape.groups < self.shape.heads
        seen = F.scaled_dot_product_attention(*self._heads(x), self._seen(mask), enable_gqa=shared)
        return self.out(seen.transpose(1, 2).flatten(2))

    def weights(self, x: Tensor, mask: Tensor) -> Tensor:
        """(B, H, T, S), each row summing to 1: how much each step looks at each other one."""
        query, key, _ = self._heads(x)
        key = key.repeat_interleave(self.shape.heads // self.shape.groups, dim=1)
        likeness = query @ key.transpose(2, 3) / self.each**0.5
        return likeness.masked_fill(~self._seen(mask), -torch.inf).softmax(-1)

    def _heads(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """queries (B, H, T, E), keys and values (B, G, S, E)."""
        query, key, value = (
            layer(x).unflatten(2, (-1, self.each)).transpose(1, 2) for layer in (self.query, self.key, self.value)
        )
        return (rotated(query), rotated(key), value) if self.shape.rotary else (query, key, value)

    def _seen(self, mask: Tensor) -> Tensor:
        """bool (B, 1, T, S). The first step may always be seen, so that a row with no real step is a number too."""
        first = torch.arange(mask.shape[1], device=mask.device) == 0
        seen = (mask | first)[:, None, None, :].expand(-1, 1, mask.shape[1], -1)
        return seen.tril() if self.causal else seen


def rotated(x: Tensor) -> Tensor:
    """(B, H, T, E): at place t, numbers i and i + E/2 turned as a pair by the angle t * BASE ** (-2i / E)."""
    half = x.shape[-1] // 2
    pace = BASE ** (-torch.arange(half, device=x.device, dtype=torch.float64) / half)
    angle = torch.arange(x.shape[2], device=x.device, dtype=torch.float64)[:, None] * pace  # (T, E/2)
    cos, sin = angle.cos().to(x.dtype), angle.sin().to(x.dtype)
    left, right = x[..., :half], x[..., half:]
    return torch.cat([left * cos - right * sin, right * cos + left * sin], dim=-1)


class RootMeanSquare(nn.RMSNorm):
    """x / sqrt(mean(x ** 2) + 1e-5) * weight (https://arxiv.org/abs/1910.07467), in the weights' own digits under autocast."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.to(self.weight.dtype))


def normal(shape: Attending) -> nn.Module:
    return nn.LayerNorm(shape.width) if shape.norm == "layer" else RootMeanSquare(shape.width, eps=1e-5)


class Gated(nn.Module):
    """W (silu(U x) * V x) (https://arxiv.org/abs/2002.05202)."""

    def __init__(self, shape: Attending) -> None:
        super().__init__()
        self.gate = nn.Linear(shape.width, shape.hidden, bias=shape.bias)
        self.up = nn.Linear(shape.width, shape.hidden, bias=shape.bias)
        self.down = nn.Linear(shape.hidden, shape.width, bias=shape.bias)
        for layer in (self.gate, self.up, self.down):
            start_layer(layer)

    def forward(self, x: Tensor) -> Tensor:
        return self.down(F.silu(self.gate(x)) * self.up(x))


def _feed(shape: Attending) -> nn.Module:
    if shape.feed == "swiglu":
        return Gated(shape)
    up = nn.Linear(shape.width, shape.hidden, bias=shape.bias)
    down = nn.Linear(shape.hidden, shape.width, bias=shape.bias)
    start_layer(up)
    start_layer(down)
    return nn.Sequential(up, nn.GELU() if shape.feed == "gelu" else nn.ReLU(), down)
