"""Family: a Transformer that reads one sequence as a whole and writes another; the shapes of 2017 and of T5 as values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from modelwright.models.shapes import Attending, FeedForward, Normal, heads_of, hidden_of, width_of
from modelwright.nouns import Count, Gaps, Port, Positive, Refused, Reply, Share, Tokens
from modelwright.wording import say

if TYPE_CHECKING:
    from torch.nn import Module


@dataclass(frozen=True)
class EncoderDecoder:
    """As it comes it is near T5 1.1 (https://arxiv.org/abs/1910.10683). T5 itself has feed relu, heads of 64, not scaled, and
    balance writing; the Transformer of 2017 (https://arxiv.org/abs/1706.03762) has sinusoidal positions, norm layer, order
    post, feed relu and a bias. depth is the one dial: what is "auto" follows it."""

    accepts: ClassVar[tuple[type, ...]] = (Tokens,)
    writes: ClassVar[tuple[type, ...]] = (Reply, Gaps)

    depth: Count = 2
    """Blocks that read."""
    writing: Count | Literal["auto"] = "auto"
    """Blocks that write. auto: as many as read."""
    width: Count | Literal["auto"] = "auto"
    """auto: 64 for each block that reads."""
    heads: Count | Literal["auto"] = "auto"
    """auto: one for each 32 numbers of the width."""
    head: Count | Literal["auto"] = "auto"
    """The width of a head. auto: that of the block falls into the heads."""
    hidden: Count | Literal["auto"] = "auto"
    """The width of the feed-forward net. auto: 4 times that of the block, 8/3 with a gate."""
    positions: Literal["buckets", "sinusoidal", "rotary"] = "buckets"
    """buckets: distances are told in groups, by a bias of each head; sinusoidal: waves are added to what is read."""
    buckets: Count = 32
    far: Count = 128
    """The distance from which on all are in the last bucket."""
    norm: Normal = "rms"
    epsilon: Positive = 1e-6
    """Added under the root of a norm."""
    order: Literal["pre", "post"] = "pre"
    """Whether a part of a block normalises what it reads (https://arxiv.org/abs/2002.04745) or what it wrote."""
    feed: FeedForward = "geglu"
    bias: bool = False
    scaled: bool = True
    """Whether likenesses are divided by the root of a head's width."""
    tied: bool = True
    """Tokens are written with the very vectors that they are read with."""
    balance: Literal["reading", "writing", "none"] = "reading"
    """Vectors are multiplied by the root of the width as they are read, or states divided by it before they are written."""
    dropout: Share = 0.0
    """After the embedding, on what each part of a block adds, and before what is written."""

    @property
    def attending(self) -> Attending:
        """Its blocks' shape."""
        width = width_of(self.depth, self.width)
        heads = heads_of(width, self.heads)
        return Attending(
            width=width, heads=heads, groups=heads, hidden=hidden_of(width, self.hidden, self.feed),
            base=10_000.0 if self.positions == "rotary" else 0.0, norm=self.norm, epsilon=self.epsilon,
            order=self.order, feed=self.feed, bias=self.bias, dropout=self.dropout,
            each=0 if self.head == "auto" else self.head, scaled=self.scaled,
        )  # fmt: skip

    def build(self, reads: tuple[Port, ...], writes: tuple[Port, ...]) -> Module:
        from modelwright.models.networks.replying import Replying

        if len(reads) != 2 or len(writes) != 1:
            names = ", ".join(port.name for port in (*reads, *writes))
            told = say("model encoder_decoder reads a text and what was said in reply; the codec has {names}.", names=names)
            raise Refused(told, say('Give it pairs of texts:   [codec]  kind = "pairs"'))
        return Replying(*reads, *writes, self)
