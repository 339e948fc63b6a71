"""Dense layers. B batch, F features."""

from __future__ import annotations

from torch import nn

from modelwright.models.activations import Activation, made
from modelwright.models.mlp import MLP
from modelwright.models.networks.heads import Dropout, Heads
from modelwright.models.networks.initialisation import start_hidden
from modelwright.models.networks.inputs import Flat
from modelwright.nouns import Batch, Port


def stack(width: int, widths: tuple[int, ...], activation: Activation, dropout: float) -> tuple[nn.Sequential, int]:
    """Dense layers (B, width) -> (B, last of widths), and that last width. Their weights still have to begin."""
    layers: list[nn.Module] = []
    for wide in widths:
        layer = nn.Linear(width, wide)
        layers += [layer, made(activation), *([Dropout(dropout)] if dropout else [])]
        width = wide
    return nn.Sequential(*layers), width


class Dense(nn.Module):
    """All that is read as one vector, hidden layers, heads. Without a hidden layer it is the linear map."""

    def __init__(self, reads: tuple[Port, ...], writes: tuple[Port, ...], family: MLP) -> None:
        super().__init__()
        self.inputs = Flat(reads, family.embedding)
        self.hidden, width = stack(self.inputs.width, family.widths, family.activation, family.dropout)
        for layer in self.hidden:
            if isinstance(layer, nn.Linear):
                start_hidden(layer, family.activation)
        self.heads = Heads(width, writes)

    def forward(self, batch: Batch) -> Batch:
        return self.heads(self.hidden(self.inputs(batch)))
