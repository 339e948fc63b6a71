"""Family: a Transformer decoder, every step looking at those before it; the shapes of GPT-2 and Llama as values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from modelwright.models.ports import only
from modelwright.models.rotary import Scaling
from modelwright.models.shapes import Attending, FeedForward, Normal, heads_of, hidden_of, width_of
from modelwright.nouns import Classes, Count, NotNegative, Numbers, Port, Positive, Share, Tokens

if TYPE_CHECKING:
    from torch.nn import Module


@dataclass(frozen=True)
class Decoder:
    """As it comes it has Llama's parts (https://arxiv.org/abs/2302.13971); GPT-2 is base = 0, layer, gelu_tanh, bias and tied.

    Asked for tokens it writes what may follow each step, asked for a label it answers from the last real step. depth is the
    one dial: what is "auto" follows it."""

    accepts: ClassVar[tuple[type, ...]] = (Tokens,)
    writes: ClassVar[tuple[type, ...]] = (Classes, Numbers, Tokens)

    depth: Count = 4
    width: Count | Literal["auto"] = "auto"
    """auto: 64 for each block."""
    heads: Count | Literal["auto"] = "auto"
    """auto: one for each 32 numbers of the width."""
    groups: Count | Literal["auto"] = "auto"
    """Heads of keys and values, each shared by some of queries (https://arxiv.org/abs/2305.13245). auto: as many as heads."""
    hidden: Count | Literal["auto"] = "auto"
    """The width of the feed-forward net. auto: 4 times that of the block, 8/3 with a gate."""
    base: NotNegative = 10_000.0
    """Of the rotary wavelengths (https://arxiv.org/abs/2104.09864). 0: a learned vector for each place instead."""
    norm: Normal = "rms"
    epsilon: Positive = 1e-5
    """Added under the root of a norm."""
    feed: FeedForward = "swiglu"
    bias: bool | Literal["queries"] = False
    """queries: in those of queries, keys and values alone, as Qwen2 (https://arxiv.org/abs/2407.10671)."""
    tied: bool = True
    """Tokens are written with the very vectors that they are read with."""
    dropout: Share = 0.0
    """After the embedding, on what each half of a block adds, and before the head of a label."""
    each: Count | Literal["auto"] = "auto"
    """The width of a head. auto: all of them together are as wide as the block."""
    normed: bool = False
    """Queries and keys are normalised, head by head (https://arxiv.org/abs/2010.04245), as Qwen3's."""
    scaling: Scaling | None = None
    """How rotary positions are stretched for texts longer than those that it first learned from."""

    @property
    def attending(self) -> Attending:
        """Its blocks' shape."""
        width = width_of(self.depth, self.width)
        heads = heads_of(width, self.heads)
        return Attending(
            width=width, heads=heads, groups=heads if self.groups == "auto" else self.groups,
            hidden=hidden_of(width, self.hidden, self.feed), base=self.base, norm=self.norm, epsilon=self.epsilon,
            order="pre", feed=self.feed, bias=self.bias, dropout=self.dropout,
            each=0 if self.each == "auto" else self.each, normed=self.normed, scaling=self.scaling,
        )  # fmt: skip

    def build(self, reads: tuple[Port, ...], writes: tuple[Port, ...]) -> Module:
        from modelwright.models.networks.decoding import Decoding

        return Decoding(only(reads, self), writes, self)
