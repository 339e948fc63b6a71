"""Family: a Transformer encoder, every step looking at every other one; the shape of BERT, with today's parts as values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from modelwright.models.ports import only
from modelwright.models.shapes import Attending
from modelwright.nouns import Count, Port, Series, Share, Tokens

if TYPE_CHECKING:
    from torch.nn import Module


@dataclass(frozen=True)
class Encoder:
    """Blocks of self-attention and a feed-forward net (https://arxiv.org/abs/1706.03762, https://arxiv.org/abs/1810.04805).

    depth is the one dial: the width and the heads follow it unless they are given."""

    accepts: ClassVar[tuple[type, ...]] = (Tokens, Series)

    depth: Count = 2
    width: Count | Literal["auto"] = "auto"
    """auto: 64 for each block."""
    heads: Count | Literal["auto"] = "auto"
    """auto: one for each 32 numbers of the width."""
    positions: Literal["rotary", "learned"] = "rotary"
    """rotary (https://arxiv.org/abs/2104.09864) knows how far apart two steps are; learned has a vector for each place."""
    norm: Literal["layer", "rms"] = "layer"
    order: Literal["pre", "post"] = "pre"
    """Whether a block normalises what it reads (https://arxiv.org/abs/2002.04745) or, as BERT does, what it wrote."""
    feed: Literal["gelu", "relu", "swiglu"] = "gelu"
    """The feed-forward net: 4 times as wide as the block; swiglu (https://arxiv.org/abs/2002.05202) has a gate, and 8/3."""
    answer: Literal["mean", "first"] = "mean"
    """The heads read the mean over the real steps, or the first step alone."""
    dropout: Share = 0.0
    """After the embedding, on what each half of a block adds, and before the head."""

    @property
    def attending(self) -> Attending:
        """Its blocks' shape."""
        width = 64 * self.depth if self.width == "auto" else self.width
        heads = max(1, width // 32) if self.heads == "auto" else self.heads
        return Attending(width, heads, heads, self.positions == "rotary", self.norm, self.order, self.feed, True, self.dropout)

    def build(self, reads: tuple[Port, ...], writes: tuple[Port, ...]) -> Module:
        from modelwright.models.networks.encoding import Encoding

        return Encoding(only(reads, self), writes, self)
