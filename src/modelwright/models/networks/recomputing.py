"""Parts of a network whose insides are not kept for the way back: they are computed once more when their turn comes
(https://arxiv.org/abs/1604.06174). The same bits, chance included; memory of one part at a time, for a third more work."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.utils.checkpoint import checkpoint


class Recomputable(nn.Module):
    """A part that can be computed once more: its forward has no effect but its answer."""

    recompute: bool = False

    def __call__(self, *given: Any) -> Any:
        if self.recompute and torch.is_grad_enabled():
            return checkpoint(super().__call__, *given, use_reentrant=False)
        return super().__call__(*given)


def recompute(module: nn.Module, whether: bool) -> int:
    """Orders it for all parts that can be; how many there are."""
    parts = [part for part in module.modules() if isinstance(part, Recomputable)]
    for part in parts:
        part.recompute = whether
    return len(parts)
