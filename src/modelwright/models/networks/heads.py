"""The last layer: one linear head for each port that is written. And the dropout of all networks."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from modelwright.models.networks.initialisation import start_layer
from modelwright.nouns import Batch, Classes, Numbers, Port, Tagged


class Heads(nn.Module):
    """(B, F) -> by name: logits (B, units) for classes, (P, units) for the tags of P words, standardised
    numbers (B, F) for numbers; float32 at least."""

    def __init__(self, width: int, writes: tuple[Port, ...]) -> None:
        super().__init__()
        self.ports = nn.ModuleDict({port.name: nn.Linear(width, units(port)) for port in writes})
        for head in self.ports.values():
            assert isinstance(head, nn.Linear)
            start_layer(head)

    def forward(self, features: Tensor) -> Batch:
        with torch.autocast(features.device.type, enabled=False):
            return {name: head(full(features)) for name, head in self.ports.items()}


def full(found: Tensor) -> Tensor:
    """What autocast made narrow (bfloat16) is float32 again; float64 stays what it is."""
    return found.to(torch.promote_types(found.dtype, torch.float32))


def units(port: Port) -> int:
    """How many numbers a model writes for this port."""
    if isinstance(port.kind, Classes):
        return port.kind.units
    if isinstance(port.kind, Tagged):
        return len(port.kind.tags)
    assert isinstance(port.kind, Numbers)
    return port.kind.count


class Dropout(nn.Module):
    """Inverted dropout (https://jmlr.org/papers/v15/srivastava14a.html). Drawn as one uniform tensor: on a CPU, where
    torch's own draws Bernoulli numbers one by one, this takes a third of the time for a small layer."""

    def __init__(self, share: float) -> None:
        super().__init__()
        self.share = share

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or self.share == 0:
            return x
        kept = torch.rand_like(x, dtype=torch.float32).ge_(self.share).mul_(1 / (1 - self.share))
        return x * kept.to(x.dtype)
