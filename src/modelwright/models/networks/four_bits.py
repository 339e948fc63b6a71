"""Weights in four bits, and products with them. R rows and C columns of a matrix, G groups of 64 of its numbers.

NF4 (https://arxiv.org/abs/2305.14314, appendix E): each group is divided by its largest magnitude, then each number becomes the
nearest of 16, which hold equal shares of a normal distribution.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

GROUP = 64
TABLE = (
    -1.0, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453, -0.28444138169288635, -0.18477343022823334,
    -0.09105003625154495, 0.0, 0.07958029955625534, 0.16093020141124725, 0.24611230194568634, 0.33791524171829224,
    0.44070982933044434, 0.5626170039176941, 0.7229568362236023, 1.0,
)  # fmt: skip


def folded(weight: Tensor) -> tuple[Tensor, Tensor]:
    """float32 (R, C) -> uint8 (G, 32), two numbers in each, and float32 (G,); the last group is filled up with zeros."""
    flat = F.pad(weight.detach().reshape(-1).float(), (0, -weight.numel() % GROUP)).reshape(-1, GROUP)
    scale = flat.abs().amax(1)
    scale = torch.where(scale > 0, scale, torch.ones_like(scale))
    table = torch.tensor(TABLE, device=weight.device)
    between = (table[1:] + table[:-1]) / 2
    which = torch.bucketize(flat / scale.unsqueeze(1), between).to(torch.uint8)
    return which[:, ::2] << 4 | which[:, 1::2], scale


def unfolded(pairs: Tensor, scale: Tensor, rows: int, columns: int) -> Tensor:
    """The inverse of folded(), as near as 16 numbers a group allow: float32 (R, C)."""
    table = torch.tensor(TABLE, device=pairs.device)
    which = torch.stack((pairs >> 4, pairs & 15), dim=2).reshape(len(pairs), GROUP)
    return (table[which.long()] * scale.unsqueeze(1)).reshape(-1)[: rows * columns].reshape(rows, columns)


def product(x: Tensor, pairs: Tensor, scale: Tensor, rows: int) -> Tensor:
    """(..., C) -> (..., R). The matrix is unfolded once for each pass and kept for none."""
    return _Product.apply(x, pairs, scale, rows)  # pyright: ignore[reportReturnType]


class _Product(torch.autograd.Function):
    """Else autograd would keep the unfolded matrix of every layer until the backward pass."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, pairs: Tensor, scale: Tensor, rows: int) -> Tensor:
        ctx.save_for_backward(pairs, scale)
        ctx.shape = rows, x.shape[-1]
        return F.linear(x, unfolded(pairs, scale, *ctx.shape))

    @staticmethod
    def backward(ctx: Any, *slopes: Tensor) -> Any:
        (slope,) = slopes
        pairs, scale = ctx.saved_tensors
        return slope @ unfolded(pairs, scale, *ctx.shape).to(slope.dtype), None, None, None
