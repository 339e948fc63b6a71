"""What a live module spends its time in: the machine is asked other questions for each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from torch.nn import Module


def layers(module: Module) -> Literal["dense", "convolutional", "recurrent", "attending"]:
    """By the heaviest kind of layer that is in it."""
    from torch.nn import RNNBase

    from modelwright.models.networks.attention import Attention

    if any(weight.ndim == 4 for weight in module.parameters()):
        return "convolutional"
    if any(isinstance(part, RNNBase) for part in module.modules()):
        return "recurrent"
    return "attending" if any(isinstance(part, Attention) for part in module.modules()) else "dense"
