"""Frozen matrices in bfloat16: half the memory. R rows and C columns of a matrix, A alphabet, D width.

Where autocast computes in bfloat16, the products are those of the wider matrices to the last bit, for it would round them so
each time. Where it does not, a matrix is widened for its product, once for each pass, and no wide one is kept.
"""

from __future__ import annotations

from collections.abc import Container
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812


def narrows(name: str, weight: Tensor, learned: Container[str]) -> bool:
    """Whether a weight of this name lies in bfloat16 where that is ordered: any frozen matrix but a head's, whose products are
    float32 always."""
    return weight.ndim == 2 and weight.is_floating_point() and name not in learned and not name.startswith("heads.")


def rounded(weight: Tensor) -> Tensor:
    """To the nearest number that bfloat16 has; in the type that it had."""
    return weight.bfloat16().to(weight.dtype)


def product(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """W x + b: (..., C) and (R, C), perhaps narrower than x, -> (..., R)."""
    if weight.dtype == x.dtype or torch.is_autocast_enabled(x.device.type):
        return F.linear(x, weight, bias)
    return _Product.apply(x, weight, bias)  # pyright: ignore[reportReturnType]


class _Product(torch.autograd.Function):
    """Else autograd would keep the wide matrix of every layer until the backward pass."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        ctx.save_for_backward(weight)
        return F.linear(x, weight.to(x.dtype), bias)

    @staticmethod
    def backward(ctx: Any, *slopes: Tensor) -> Any:
        (slope,), (weight,) = slopes, ctx.saved_tensors
        of_bias = slope.flatten(0, -2).sum(0) if ctx.needs_input_grad[2] else None
        return slope @ weight.to(slope.dtype), None, of_bias


class Narrow(nn.Linear):
    """A linear layer whose weight lies in bfloat16 and does not learn."""

    def __init__(self, layer: nn.Linear) -> None:
        biased = layer.bias is not None  # pyright: ignore[reportUnnecessaryComparison]
        super().__init__(layer.in_features, layer.out_features, biased, device="meta")
        self.weight, self.bias = layer.weight, layer.bias

    def forward(self, input: Tensor) -> Tensor:
        return product(input, self.weight, self.bias)


class NarrowTable(nn.Embedding):
    """A table (A, D) that lies in bfloat16 and does not learn; what is looked up in it is float32."""

    def __init__(self, table: nn.Embedding) -> None:
        size = table.num_embeddings, table.embedding_dim, table.padding_idx
        super().__init__(*size, _weight=table.weight.detach(), _freeze=True)

    def forward(self, input: Tensor) -> Tensor:
        return super().forward(input).float()


def put_narrow(module: nn.Module) -> None:
    """Layers whose weight lies in bfloat16 become ones that can compute with it, in place."""
    for name, layer in list(module.named_modules()):
        made = _narrow(layer)
        if made is not None:
            above, _, last = name.rpartition(".")
            setattr(module.get_submodule(above), last, made)


def _narrow(layer: nn.Module) -> nn.Module | None:
    if type(layer) is nn.Linear and layer.weight.dtype == torch.bfloat16:
        return Narrow(layer)
    return NarrowTable(layer) if type(layer) is nn.Embedding and layer.weight.dtype == torch.bfloat16 else None
