"""What stands at steps that are hidden, in the vectors that tokens are read with. P steps, D width, A alphabet."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from modelwright.models.networks.initialisation import start_layer
from modelwright.models.networks.narrow import product


class Guess(nn.Module):
    """As BERT has it: a layer, GELU and a norm, then the table of the tokens, and a bias for each.

    Of the steps that are asked for alone: one in seven or so, and the table is most of the work."""

    def __init__(self, width: int, alphabet: int, epsilon: float) -> None:
        super().__init__()
        self.layer, self.norm = nn.Linear(width, width), nn.LayerNorm(width, eps=epsilon)
        self.bias = nn.Parameter(torch.zeros(alphabet))
        start_layer(self.layer)

    def forward(self, states: Tensor, table: Tensor) -> Tensor:
        """(P, D) and (A, D) -> (P, A), float32 at least."""
        found = product(self.norm(F.gelu(self.layer(states))), table, self.bias)
        return found.to(torch.promote_types(found.dtype, torch.float32))
