"""Family: a convolutional network of stages, as in VGG (https://arxiv.org/abs/1409.1556)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from modelwright.models.activations import Activation
from modelwright.nouns import Count, Image, Port, Refused, Share
from modelwright.wording import say

if TYPE_CHECKING:
    from torch.nn import Module


@dataclass(frozen=True)
class CNN:
    """Each stage: 3x3 convolutions of these widths, then 2x2 max pooling. Then dense layers of the head's widths."""

    accepts: ClassVar[tuple[type, ...]] = (Image,)

    stages: tuple[tuple[Count, ...], ...] = ((32, 32), (64, 64))
    head: tuple[Count, ...] = (256,)
    activation: Activation = "relu"
    dropout: Share = 0.0
    """After each stage's pooling a quarter of it, in the head all of it."""

    def build(self, reads: tuple[Port, ...], writes: tuple[Port, ...]) -> Module:
        from modelwright.models.networks.convolution import Convolution

        (port,) = reads
        image = port.kind
        assert isinstance(image, Image)
        least = 2 ** len(self.stages)
        if min(image.height, image.width) < least:
            facts = {"height": image.height, "width": image.width, "stages": len(self.stages), "least": least}
            told = say("model.stages: {stages} stages halve a picture to nothing if a side is under {least}; these have {height} x {width}.", **facts)
            raise Refused(told)
        return Convolution(port.name, image, writes, self)
