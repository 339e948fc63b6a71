"""How large a module is and what one row costs it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from modelwright.nouns import Batch

if TYPE_CHECKING:
    from torch.nn import Module


@dataclass(frozen=True)
class Facts:
    parameters: int
    layers: int
    """Modules that hold weights of their own."""
    weight_bytes: int
    flops_per_row: float
    """Forward, a multiplication and an addition counted as two; learning costs three times as much."""


def facts(module: Module, batch: Batch) -> Facts:
    """Counted on one forward pass of this batch."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    weights = list(module.parameters())
    counter = FlopCounterMode(display=False)
    training = module.training
    module.eval()
    with torch.no_grad(), counter:
        module(batch)
    module.train(training)
    rows = len(next(iter(batch.values())))
    layers = sum(any(True for _ in part.parameters(recurse=False)) for part in module.modules())
    flops = counter.get_total_flops() + lstm_flops(module, batch)
    return Facts(sum(w.numel() for w in weights), layers, sum(w.nbytes for w in weights), flops / rows)


def lstm_flops(module: Module, batch: Batch) -> float:
    """What torch's counter does not see on a CPU: an LSTM multiplies every weight once a step, for the steps of this batch."""
    from torch import nn

    if "mask" not in batch:
        return 0.0
    steps = batch["mask"].numel()
    cells = (part for part in module.modules() if isinstance(part, nn.LSTM))
    return float(sum(2 * steps * weight.numel() for cell in cells for name, weight in cell.named_parameters() if "weight" in name))
