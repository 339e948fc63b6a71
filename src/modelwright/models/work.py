"""What a live module spends its time in: the machine is asked other questions for each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from torch.nn import Module


def layers(module: Module) -> Literal["dense", "convolutional", "recurrent"]:
    """By the heaviest kind of layer that is in it."""
    from torch.nn import RNNBase

    if any(weight.ndim == 4 for weight in module.parameters()):
        return "convolutional"
    return "recurrent" if any(isinstance(part, RNNBase) for part in module.modules()) else "dense"
