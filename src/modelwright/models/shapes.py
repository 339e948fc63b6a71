"""The shape of a block of attention: what encoders and decoders have in common. Knows no word, picture or sound."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from modelwright.nouns import Refused
from modelwright.wording import say


@dataclass(frozen=True)
class Attending:
    """One block's values; a network is so many blocks of one shape."""

    width: int
    heads: int
    groups: int
    """Heads of keys and values, each shared by heads / groups heads of queries (https://arxiv.org/abs/2305.13245)."""
    rotary: bool
    norm: Literal["layer", "rms"]
    order: Literal["pre", "post"]
    feed: Literal["gelu", "relu", "swiglu"]
    bias: bool
    dropout: float

    def __post_init__(self) -> None:
        if self.width % self.heads or (self.rotary and (self.width // self.heads) % 2):
            facts = {"width": self.width, "heads": self.heads}
            told = say("model.width = {width} does not fall into {heads} heads of equal, even width.", **facts)
            raise Refused(told, say("Give a width that is a multiple of twice the heads."))
        if self.heads % self.groups:
            told = say("model.heads = {heads} cannot share {groups} groups evenly.", heads=self.heads, groups=self.groups)
            raise Refused(told, say("Give a number of groups that divides the heads."))

    @property
    def hidden(self) -> int:
        """The width of the feed-forward net; with a gate a third less, in multiples of 8, so that the weights are as many."""
        return -(-8 * self.width // 3 // 8) * 8 if self.feed == "swiglu" else 4 * self.width
