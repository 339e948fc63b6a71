"""Arithmetic of one forward pass, counted kernel by kernel with torch's own formulas. B batch, T time, D width of a step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor
from torch.nn import Module, RNNBase
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from modelwright.nouns import Batch


def flops(module: Module, batch: Batch) -> float:
    """Of one forward pass in evaluation; recurrent layers by our own formula: torch has none for some of their kernels."""
    counter = _Counter(flop_registry)
    hooks = [hook for part in module.modules() if isinstance(part, RNNBase) for hook in counter.watch(part)]
    training = {part: part.training for part in module.modules()}
    try:
        with torch.no_grad(), counter:
            module.eval()(batch)
    finally:
        for part, was in training.items():
            part.training = was
        for hook in hooks:
            hook.remove()
    return counter.total


def recurrent_flops(layer: RNNBase, steps: Tensor) -> float:
    """Every matrix is multiplied with a vector once for each step (B, T, D)."""
    matrices = (weight for name, weight in layer.named_parameters() if name.startswith("weight"))
    return 2.0 * steps.shape[0] * steps.shape[1] * sum(matrix.numel() for matrix in matrices)


class _Counter(TorchDispatchMode):
    """What torch's FlopCounterMode counts, without its tree of modules, for which torch loads its compiler."""

    def __init__(self, formulas: Mapping[Any, Any]) -> None:
        super().__init__()
        self.formulas, self.total, self.silent = formulas, 0.0, False

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # else torch loads its compiler, which takes a second, to tell it to keep away

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        formula = self.formulas.get(func.overloadpacket)
        if formula is not None and not self.silent:
            self.total += formula(*args, **(kwargs or {}), out_val=result)
        return result

    def watch(self, layer: RNNBase) -> tuple[Any, Any]:
        """Hooks that count this layer by formula, and not its kernels."""

        def before(layer: Any, given: tuple[Tensor, ...]) -> None:
            self.total, self.silent = self.total + recurrent_flops(layer, given[0]), True

        def after(layer: Any, given: object, found: object) -> None:
            self.silent = False

        return layer.register_forward_pre_hook(before), layer.register_forward_hook(after)
