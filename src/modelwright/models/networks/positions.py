"""How far apart steps are, without a turn of queries and keys. B batch, T time, S steps looked at, D width, H heads."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn


class Buckets(nn.Module):
    """T5's bias (https://arxiv.org/abs/1910.10683): for each head a number is learned for each bucket of distances. Near ones
    have a bucket each, farther ones share, more and more of them, and those from `far` on are all in one."""

    def __init__(self, count: int, far: int, heads: int, both_ways: bool) -> None:
        super().__init__()
        self.count, self.far, self.both_ways = count, far, both_ways
        self.table = nn.Embedding(count, heads)
        nn.init.normal_(self.table.weight, std=0.05)

    def forward(self, places: Tensor, seen: Tensor) -> Tensor:
        """Places int64 (B, T) of the steps that look and (B, S) of those looked at -> (B, H, T, S)."""
        return self.table(self._bucket(seen[:, None, :] - places[:, :, None])).permute(0, 3, 1, 2)

    def _bucket(self, after: Tensor) -> Tensor:
        """int64: how many places after the looking step the other stands -> the bucket of that distance."""
        count = self.count // 2 if self.both_ways else self.count
        side = (after > 0).long() * count if self.both_ways else torch.zeros_like(after)
        distance = after.abs() if self.both_ways else (-after).clamp_min(0)
        near = count // 2
        share = torch.log(distance.clamp_min(near).float() / near) / math.log(self.far / near)
        shared = (near + (share * (count - near)).long()).clamp_max(count - 1)
        return side + torch.where(distance < near, distance, shared)


class Waves(nn.Module):
    """Adds to each step the sines and cosines of its place (https://arxiv.org/abs/1706.03762, 3.5); nothing is learned."""

    def forward(self, x: Tensor, places: Tensor) -> Tensor:
        half = torch.arange(0, x.shape[-1], 2, device=x.device)
        pace = torch.exp(half.float() * (-math.log(10_000.0) / x.shape[-1]))
        angle = places.unsqueeze(-1).float() * pace  # (B, T, D/2)
        return x + torch.stack([angle.sin(), angle.cos()], dim=-1).flatten(2)[..., : x.shape[-1]].to(x.dtype)
