"""Sequences read step by step. B batch, T time, D width of a step. Padding stands on the right and is never seen in an answer.

torch's own kernels read padding too, but only after the real steps; the answer is taken at the last real one.
"""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

from modelwright.models.networks.heads import Dropout, Heads
from modelwright.models.networks.initialisation import start_recurrent
from modelwright.models.networks.inputs import Steps
from modelwright.models.recurrent import Recurrent
from modelwright.nouns import Batch, Port, Series, Tokens


class Recurrence(nn.Module):
    """Steps, layers that read them, the state after the last real step, heads."""

    def __init__(self, port: Port, writes: tuple[Port, ...], family: Recurrent) -> None:
        super().__init__()
        assert isinstance(port.kind, (Tokens, Series))
        self.name = port.name
        self.steps = Steps(port.kind, family.embedding)
        ways = 1 + family.both_ways
        widths = [self.steps.width] + [family.width * ways] * (family.depth - 1)
        self.layers = nn.ModuleList(Layer(family, wide) for wide in widths)
        self.dropout = Dropout(family.dropout)
        self.heads = Heads(family.width * ways, writes)

    def forward(self, batch: Batch) -> Batch:
        length = batch["mask"].sum(1)  # (B,)
        steps = self.dropout(self.steps(batch[self.name], batch["mask"]))  # (B, T, D)
        for layer in self.layers[:-1]:
            steps = self.dropout(layer(steps, length))
        state = self._last(self.layers[-1](steps, length), length)
        return self.heads(self.dropout(state))

    def _last(self, steps: Tensor, length: Tensor) -> Tensor:
        """(B, D): the way there as it stands at the last real step, the way back as it stands at the first."""
        rows = torch.arange(steps.shape[0], device=steps.device)
        width = cast(Layer, self.layers[-1]).there.hidden_size  # not the family's: pruning may have taken states out
        there = steps[rows, (length - 1).clamp_min(0), :width]
        state = torch.cat([there, steps[:, 0, width:]], dim=1)
        return torch.where(length.unsqueeze(1) > 0, state, torch.zeros_like(state))


class Layer(nn.Module):
    """One layer, in one way or both: (B, T, D) -> (B, T, width * ways); step t of the way back has read steps t to the last."""

    def __init__(self, family: Recurrent, width: int) -> None:
        super().__init__()
        cell = {"RNN": nn.RNN, "GRU": nn.GRU, "LSTM": nn.LSTM}[family.cell]
        self.there: nn.RNNBase = cell(width, family.width, batch_first=True)
        self.back: nn.RNNBase | None = cell(width, family.width, batch_first=True) if family.both_ways else None
        for way in (self.there, self.back):
            if way is not None:
                start_recurrent(way)

    def forward(self, steps: Tensor, length: Tensor) -> Tensor:
        there = self.there(steps)[0]
        if self.back is None:
            return there
        turned = _turned(length, steps.shape[1])
        back = _taken(self.back(_taken(steps, turned))[0], turned)
        return torch.cat([there, back], dim=2)


def _turned(length: Tensor, time: int) -> Tensor:
    """int64 (B, T): the place of each step when the real steps are read from last to first; padding stays where it is."""
    place = torch.arange(time, device=length.device).unsqueeze(0)
    mirrored = length.unsqueeze(1) - 1 - place
    return torch.where(mirrored >= 0, mirrored, place)


def _taken(steps: Tensor, places: Tensor) -> Tensor:
    """steps (B, T, D) at places (B, T)."""
    return steps.gather(1, places.unsqueeze(-1).expand(-1, -1, steps.shape[2]))
