"""Convolutions in stages. B batch, C channels, H height, W width."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from modelwright.models.activations import made
from modelwright.models.cnn import CNN
from modelwright.models.networks.dense import stack
from modelwright.models.networks.heads import Dropout, Heads
from modelwright.models.networks.initialisation import start_layer
from modelwright.models.networks.inputs import Scaled
from modelwright.nouns import Batch, Image, Port


class Convolution(nn.Module):
    """Pictures, stages of convolutions and pooling, hidden layers, heads."""

    def __init__(self, name: str, image: Image, writes: tuple[Port, ...], family: CNN) -> None:
        super().__init__()
        self.name = name
        self.inputs = Scaled(image)
        layers: list[nn.Module] = []
        channels, height, width = image.channels, image.height, image.width
        for stage in family.stages:
            for wide in stage:
                layer = nn.Conv2d(channels, wide, kernel_size=3, padding=1)
                layers += [layer, made(family.activation)]
                channels = wide
            layers += [nn.MaxPool2d(2), *([Dropout(family.dropout / 4)] if family.dropout else [])]
            height, width = height // 2, width // 2
        self.stages = nn.Sequential(*layers)
        self.hidden, features = stack(channels * height * width, family.head, family.activation, family.dropout)
        for layer in (*self.stages, *self.hidden):
            if isinstance(layer, (nn.Conv2d, nn.Linear)):
                start_layer(layer)
        self.heads = Heads(features, writes)

    def forward(self, batch: Batch) -> Batch:
        maps = self.stages(self._laid(self.inputs(batch[self.name])))  # (B, C, H, W)
        return self.heads(self.hidden(maps.flatten(1)))

    def _laid(self, pixels: Tensor) -> Tensor:
        """Answering, channels lie innermost: half the time of convolution and pooling on a CPU. Learning, tuning decides."""
        return pixels if self.training else pixels.contiguous(memory_format=torch.channels_last)
