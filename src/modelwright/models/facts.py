"""How large a module is and what one row costs it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from modelwright.nouns import Batch

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module, RNNBase


@dataclass(frozen=True)
class Facts:
    """A module's size, and its work on one row of a batch."""

    parameters: int
    layers: int
    """Modules that hold weights of their own."""
    weight_bytes: int
    flops_per_row: float
    """Forward, a multiplication and an addition counted as two; padding is work too. Learning costs three times as much:
    the backward pass forms two products for each one of the forward pass."""


def facts(module: Module, batch: Batch) -> Facts:
    """Counted on one forward pass of this batch."""
    weights = list(module.parameters())
    layers = sum(any(True for _ in part.parameters(recurse=False)) for part in module.modules())
    rows = len(next(iter(batch.values())))
    return Facts(sum(w.numel() for w in weights), layers, sum(w.nbytes for w in weights), flops(module, batch) / rows)


def flops(module: Module, batch: Batch) -> float:
    """Of one forward pass in evaluation, by torch's counter; recurrent layers by formula: it misses some of their kernels."""
    import torch
    from torch.nn import RNNBase
    from torch.utils.flop_counter import FlopCounterMode

    counter = FlopCounterMode(display=False)
    recurrent = {name: part for name, part in module.named_modules() if isinstance(part, RNNBase)}
    by_formula: list[float] = []

    def note(part: Any, given: tuple[Tensor, ...], _: object) -> None:
        by_formula.append(recurrent_flops(part, given[0]))

    hooks = [part.register_forward_hook(note) for part in recurrent.values()]
    training = {part: part.training for part in module.modules()}
    try:
        with torch.no_grad(), counter:
            module.eval()(batch)
    finally:
        for part, was in training.items():
            part.training = was
        for hook in hooks:
            hook.remove()
    counts, root = counter.get_flop_counts(), type(module).__name__
    seen = sum(sum(counts.get(f"{root}.{name}", {}).values()) for name in recurrent)
    return counter.get_total_flops() - seen + sum(by_formula)


def recurrent_flops(layer: RNNBase, steps: Tensor) -> float:
    """Every matrix is multiplied with a vector once for each step (B, T, D)."""
    matrices = (weight for name, weight in layer.named_parameters() if name.startswith("weight"))
    return 2.0 * steps.shape[0] * steps.shape[1] * sum(matrix.numel() for matrix in matrices)
