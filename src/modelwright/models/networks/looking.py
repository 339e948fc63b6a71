"""Attention by plain products, and places as angles. B batch, T time, S steps looked at, H heads, G groups, E width of each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from modelwright.models.networks.views import View
    from modelwright.models.rotary import Scaling

BLOCK = 256
"""Steps whose likeness to others is held at a time."""
SHORT = 1024
"""Steps of a window up to which plain products learn faster on a CPU; beyond it their memory is too dear."""


def looked(query: Tensor, key: Tensor, value: Tensor, view: View) -> Tensor:
    """softmax(Q K') V of queries (B, H, T, E), keys and values (B, G, S, E): some steps at a time, each of what it may see.

    On a CPU torch's fused kernel takes three times as long forward and back for a window of 256, eight times for one of 64."""
    total, heads = query.shape[2], query.shape[1]
    key, value = (x.repeat_interleave(heads // x.shape[1], dim=1) if x.shape[1] < heads else x for x in (key, value))
    key, before = key.transpose(2, 3), key.shape[2] - total
    found: list[Tensor] = []
    for start in range(0, total, BLOCK):
        stop = min(start + BLOCK, total)
        reach = before + (total if view.later else stop)
        likeness = query[:, :, start:stop] @ key[..., :reach]
        share = (likeness + hidden(view, likeness, start, stop)).softmax(-1)
        found.append(share.to(value.dtype) @ value[:, :, :reach])
    return found[0] if len(found) == 1 else torch.cat(found, dim=2)


def hidden(view: View, likeness: Tensor, start: int, stop: int) -> Tensor:
    """What is added to the likeness (B, H, stop - start, S) of these steps to the first S: -inf where nothing is seen."""
    reach = likeness.shape[3]
    if view.bias is not None:
        return view.bias[:, :, start:stop, :reach].to(likeness.dtype)
    if view.seen is not None:
        seen = view.seen[:, :, start:stop, :reach]
    else:
        steps = torch.arange(reach, device=likeness.device)
        seen = steps[start:stop, None] >= steps
    return likeness.new_zeros(()).where(seen, -torch.inf)


def turns(places: Tensor, width: int, base: float, scaling: Scaling | None = None) -> tuple[Tensor, Tensor]:
    """Cosines and sines (B, 1, T, E/2) of the angles place * base ** (-2i / E), E the width, stretched as ordered; float32."""
    half = width // 2
    pace = base ** (-torch.arange(half, device=places.device, dtype=torch.float32) / half)
    pace = pace if scaling is None else scaling.stretched(pace, base)
    angle = places[:, None, :, None] * pace
    if scaling is None or scaling.louder == 1:
        return angle.cos(), angle.sin()
    return angle.cos() * scaling.louder, angle.sin() * scaling.louder


def turned(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """(B, H, T, E): at each step numbers i and i + E/2 turned as a pair by its angle."""
    cos, sin, half = cos.to(x.dtype), sin.to(x.dtype), x.shape[-1] // 2
    left, right = x[..., :half], x[..., half:]
    return torch.cat([left * cos - right * sin, right * cos + left * sin], dim=-1)
