"""Convolutions over a series, as over a picture one channel deep. B batch, C channels, T time, F features.

Steps that the mask calls padding are set to zero after every layer, so they are what lies beyond the edge of any picture: how
many there are changes no answer. Pooling keeps the odd last step; the last maps are averaged over the real steps.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from modelwright.models.activations import made
from modelwright.models.cnn import CNN
from modelwright.models.networks.dense import stack
from modelwright.models.networks.heads import Dropout, Heads
from modelwright.models.networks.initialisation import start_layer
from modelwright.nouns import Batch, Port, Series


class SpectrumConvolution(nn.Module):
    """A series, stages of convolutions and pooling, the mean over time, hidden layers, heads."""

    def __init__(self, name: str, series: Series, writes: tuple[Port, ...], family: CNN) -> None:
        super().__init__()
        self.name = name
        channels, features = 1, series.count
        stages: list[nn.Module] = []
        for widths in family.stages:
            stages.append(Stage(channels, widths, family))
            channels, features = widths[-1] if widths else channels, -(-features // 2)
        self.stages = nn.ModuleList(stages)
        self.hidden, wide = stack(channels * features, family.head, family.activation, family.dropout)
        for layer in self.hidden:
            if isinstance(layer, nn.Linear):
                start_layer(layer)
        self.heads = Heads(wide, writes)

    def forward(self, batch: Batch) -> Batch:
        real = batch["mask"][:, None, :, None]  # (B, 1, T, 1)
        maps = shown(batch[self.name].unsqueeze(1), real)
        for stage in self.stages:
            maps, real = stage(maps, real)
        many = real.sum(2).clamp_min(1).to(maps.dtype)  # (B, 1, 1)
        return self.heads(self.hidden((maps.sum(2) / many).flatten(1)))


class Stage(nn.Module):
    """Convolutions 3x3, then the largest of 2x2: (B, C, T, F) -> (B, C', T / 2, F / 2), rounded up; and so their mask."""

    def __init__(self, channels: int, widths: tuple[int, ...], family: CNN) -> None:
        super().__init__()
        self.layers = nn.ModuleList()
        for wide in widths:
            layer = nn.Conv2d(channels, wide, kernel_size=3, padding=1)
            start_layer(layer)
            self.layers.append(layer)
            channels = wide
        self.activation = made(family.activation)
        self.pool = nn.MaxPool2d(2, ceil_mode=True)
        self.dropout = Dropout(family.dropout / 4)

    def forward(self, maps: Tensor, real: Tensor) -> tuple[Tensor, Tensor]:
        for layer in self.layers:
            maps = shown(self.activation(layer(maps)), real)
        least = torch.finfo(maps.dtype).min
        maps = self.pool(torch.where(real, maps, torch.full_like(maps, least)))  # a real step is larger than any padding
        real = real[:, :, ::2]
        return self.dropout(shown(maps, real)), real


def shown(maps: Tensor, real: Tensor) -> Tensor:
    """Zero where a step is not real, whatever lies there."""
    return torch.where(real, maps, torch.zeros_like(maps))
