"""Family: a convolutional network of stages, as in VGG (https://arxiv.org/abs/1409.1556)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from modelwright.models.activations import Activation
from modelwright.models.ports import only
from modelwright.nouns import Count, Image, Port, Refused, Series, Share
from modelwright.wording import say

if TYPE_CHECKING:
    from torch.nn import Module


@dataclass(frozen=True)
class CNN:
    """Each stage: 3x3 convolutions of these widths, then 2x2 max pooling. Then dense layers of the head's widths.

    A series is a picture of time by features, one channel deep, whose last maps are averaged over the real steps."""

    accepts: ClassVar[tuple[type, ...]] = (Image, Series)

    stages: tuple[tuple[Count, ...], ...] = ((32, 32), (64, 64))
    head: tuple[Count, ...] = (256,)
    activation: Activation = "relu"
    dropout: Share = 0.0
    """After each stage's pooling a quarter of it, in the head all of it."""

    def build(self, reads: tuple[Port, ...], writes: tuple[Port, ...]) -> Module:
        from modelwright.models.networks.convolution import Convolution
        from modelwright.models.networks.spectrum import SpectrumConvolution

        port = only(reads, self)
        if isinstance(port.kind, Series):
            return SpectrumConvolution(port.name, port.kind, writes, self)
        image = port.kind
        assert isinstance(image, Image)
        least = 2 ** len(self.stages)
        if min(image.height, image.width) < least:
            size = f"{image.height} x {image.width}"
            many = len(self.stages)
            told = say("Pictures of {size} are too small for {stages} stages, each halves them.", size=size, stages=many)
            raise Refused(told, say("Give fewer model.stages, or pictures of {least} x {least} at least.", least=least))
        return Convolution(port.name, image, writes, self)
