"""The activations by their word in a recipe."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from torch.nn import Module

Activation: TypeAlias = Literal["relu", "gelu", "tanh", "sigmoid"]


def made(activation: Activation) -> Module:
    """relu max(x, 0); gelu x * Phi(x), exact (https://arxiv.org/abs/1606.08415); tanh; sigmoid 1 / (1 + e^-x)."""
    from torch import nn

    return {"relu": nn.ReLU, "gelu": nn.GELU, "tanh": nn.Tanh, "sigmoid": nn.Sigmoid}[activation]()
