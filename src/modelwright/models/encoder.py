"""Family: a Transformer encoder, every step looking at every other one; the shape of BERT, with today's parts as values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from modelwright.models.ports import only
from modelwright.models.shapes import Attending, FeedForward, Normal, heads_of, hidden_of, width_of
from modelwright.nouns import Classes, Count, Hidden, Numbers, Port, Positive, Refused, Series, Share, Tagged, Tokens, Vector
from modelwright.wording import say

if TYPE_CHECKING:
    from torch.nn import Module


@dataclass(frozen=True)
class Encoder:
    """Blocks of self-attention and a feed-forward net (https://arxiv.org/abs/1706.03762, https://arxiv.org/abs/1810.04805).

    Asked for a vector it answers what its heads would read, the mean or the first step, without a head; asked for hidden tokens
    it writes them with the vectors that it reads tokens with, asked for tags it answers from each word's first step.
    depth is the one dial: what is "auto" follows it."""

    accepts: ClassVar[tuple[type, ...]] = (Tokens, Series)
    writes: ClassVar[tuple[type, ...]] = (Classes, Numbers, Vector, Hidden, Tagged)

    depth: Count = 2
    width: Count | Literal["auto"] = "auto"
    """auto: 64 for each block."""
    heads: Count | Literal["auto"] = "auto"
    """auto: one for each 32 numbers of the width."""
    hidden: Count | Literal["auto"] = "auto"
    """The width of the feed-forward net. auto: 4 times that of the block, 8/3 with a gate."""
    positions: Literal["rotary", "learned"] = "rotary"
    """rotary knows how far apart two steps are; learned has a vector for each place."""
    norm: Normal = "layer"
    epsilon: Positive = 1e-5
    """Added under the root of a norm."""
    order: Literal["pre", "post"] = "pre"
    """Whether a block normalises what it reads (https://arxiv.org/abs/2002.04745) or, as BERT does, what it wrote."""
    feed: FeedForward = "gelu"
    answer: Literal["mean", "first"] = "mean"
    """The heads read the mean over the real steps, or the first step alone."""
    pooler: Literal["none", "tanh", "relu"] = "none"
    """A layer as wide as the block, and what bends it, between that answer and a head of labels: tanh as BERT, relu as
    DistilBERT."""
    dropout: Share = 0.0
    """After the embedding, on what each half of a block adds, and before the head."""

    @property
    def attending(self) -> Attending:
        """Its blocks' shape."""
        width = width_of(self.depth, self.width)
        heads = heads_of(width, self.heads)
        return Attending(
            width=width, heads=heads, groups=heads, hidden=hidden_of(width, self.hidden, self.feed),
            base=10_000.0 if self.positions == "rotary" else 0.0, norm=self.norm, epsilon=self.epsilon,
            order=self.order, feed=self.feed, bias=True, dropout=self.dropout,
        )  # fmt: skip

    def build(self, reads: tuple[Port, ...], writes: tuple[Port, ...]) -> Module:
        from modelwright.models.networks.encoding import Encoding

        for port in writes:
            if isinstance(port.kind, Vector) and port.kind.width != self.attending.width:
                facts = {"asked": port.kind.width, "width": self.attending.width}
                raise Refused(say("The codec asks for a vector of {asked} numbers; this encoder's has {width}.", **facts))
        return Encoding(only(reads, self), writes, self)
