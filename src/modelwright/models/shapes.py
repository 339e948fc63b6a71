"""The shape of a block of attention: what encoders and decoders have in common. Knows no word, picture or sound."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from modelwright.models.rotary import Scaling
from modelwright.nouns import Refused
from modelwright.wording import say

Normal: TypeAlias = Literal["layer", "rms"]
"""layer (https://arxiv.org/abs/1607.06450); rms (https://arxiv.org/abs/1910.07467) leaves out the mean and the bias."""
FeedForward: TypeAlias = Literal["gelu", "gelu_tanh", "relu", "swiglu", "geglu"]
"""gelu, exact or by tanh as in GPT-2 (https://arxiv.org/abs/1606.08415); with a gate swiglu, and geglu by tanh as in T5 1.1
(https://arxiv.org/abs/2002.05202)."""
GATED: frozenset[FeedForward] = frozenset(("swiglu", "geglu"))
HEAD = 32
"""The width of a head where none is given."""
EACH = 64
"""The width for each block where none is given: depth is the one dial."""


@dataclass(frozen=True)
class Attending:
    """One block's values; a network is so many blocks of one shape."""

    width: int
    heads: int
    groups: int
    """Heads of keys and values, each shared by heads / groups heads of queries (https://arxiv.org/abs/2305.13245)."""
    hidden: int
    """The width of the feed-forward net."""
    base: float
    """Of the wavelengths by which queries and keys are turned (https://arxiv.org/abs/2104.09864); 0: they are not."""
    norm: Normal
    epsilon: float
    order: Literal["pre", "post"]
    feed: FeedForward
    bias: bool | Literal["queries"]
    """queries: in those of queries, keys and values alone."""
    dropout: float
    each: int = 0
    """The width of a head; 0: that of the block falls into the heads."""
    scaled: bool = True
    """Whether likenesses are divided by the root of a head's width."""
    normed: bool = False
    """Whether queries and keys are normalised, head by head (https://arxiv.org/abs/2010.04245)."""
    scaling: Scaling | None = None
    """Of rotary positions."""

    @property
    def head(self) -> int:
        """The width of a head."""
        return self.each or self.width // self.heads

    def __post_init__(self) -> None:
        if self.scaling and not self.base:
            told = say("model.scaling stretches rotary positions, and model.base = 0 has none.")
            raise Refused(told, say("Give a base above 0, or no scaling."))
        if self.base and self.each % 2:
            told = say("model.each = {each} is odd, and rotary positions turn numbers by pairs.", each=self.each)
            raise Refused(told, say("Give an even number."))
        if not self.each and (self.width % self.heads or (self.base and self.head % 2)):
            facts = {"width": self.width, "heads": self.heads}
            told = say("model.width = {width} does not fall into {heads} heads of equal, even width.", **facts)
            raise Refused(told, say("Give a width that is a multiple of twice the heads."))
        if self.heads % self.groups:
            told = say("model.heads = {heads} cannot share {groups} groups evenly.", heads=self.heads, groups=self.groups)
            raise Refused(told, say("Give a number of groups that divides the heads."))


def width_of(depth: int, width: int | Literal["auto"]) -> int:
    return EACH * depth if width == "auto" else width


def heads_of(width: int, heads: int | Literal["auto"]) -> int:
    return max(1, width // HEAD) if heads == "auto" else heads


def hidden_of(width: int, hidden: int | Literal["auto"], feed: FeedForward) -> int:
    """4 times the width; with a gate 8/3, in multiples of 8, so that the weights are as many."""
    if hidden != "auto":
        return hidden
    return -(-8 * width // 3 // 8) * 8 if feed in GATED else 4 * width
