"""Weights in eight bits: how they are rounded, how a layer stores them and how it gets them back. R rows of a weight.

Symmetric, one scale a row, as in https://arxiv.org/abs/1712.05877, but weights alone are rounded: products stay float32.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

STORED, SCALE = "_int8", "_scale"
"""What is added to a weight's name."""
MOST = 127


def rounded(name: str, weight: Tensor) -> dict[str, Tensor]:
    """(R, ...) -> int8 (R, ...) and float32 (R,): the error is at most half a scale."""
    rows = weight.detach().reshape(len(weight), -1)
    scale = (rows.abs().amax(1) / MOST).to(torch.float32)
    scale = torch.where(scale > 0, scale, torch.ones_like(scale))
    whole = (rows / scale.to(rows.dtype).unsqueeze(1)).round().clamp(-MOST, MOST).to(torch.int8)
    return {name + STORED: whole.reshape(weight.shape), name + SCALE: scale}


def unfolded(whole: Tensor, scale: Tensor) -> Tensor:
    """int8 (R, ...), (R,) -> float32 (R, ...)"""
    return whole.to(torch.float32) * scale.reshape(-1, *[1] * (whole.ndim - 1))


def fold(layer: nn.Module, name: str) -> None:
    """The layer stores this weight in eight bits from now on; a float32 copy is made when weights arrive, and never stored."""
    weight: Tensor = getattr(layer, name)
    stored = rounded(name, weight)
    delattr(layer, name)
    for one, tensor in stored.items():
        layer.register_buffer(one, tensor)
    layer.register_buffer(name, torch.empty_like(weight, dtype=torch.float32), persistent=False)
    layer.register_load_state_dict_post_hook(partial(_arrived, name=name))
    _unfold(layer, name)


def _arrived(layer: nn.Module, missing: Any, name: str) -> None:
    _unfold(layer, name)


def _unfold(layer: nn.Module, name: str) -> None:
    setattr(layer, name, unfolded(getattr(layer, name + STORED), getattr(layer, name + SCALE)))
