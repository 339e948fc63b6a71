"""Texts of which spans are cut out: what they become, as a person looks at it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from modelwright.nouns import Batch, Refused
from modelwright.wording import say

if TYPE_CHECKING:
    from modelwright.data.codecs.spans.gapped import Gapped


@dataclass(frozen=True)
class CountedGaps:
    """What texts became; of an epoch, since each cuts out others and as many."""

    passages: int
    tokens: int
    """Of the whole passages."""
    cut: int
    """Of these, are cut out."""
    borne: int
    """Tokens that bear loss: those that are cut out and known, a mark before each span, the end."""

    @property
    def sentence(self) -> str:
        told = say("{read} tokens in {passages} passages", read=f"{self.tokens:,}", passages=f"{self.passages:,}")
        told += " · " + say("{n} are cut out", n=f"{self.cut:,}")
        return told + " · " + say("{borne} tokens bear loss", borne=f"{self.borne:,}")


def counted(batch: Batch, codec: Gapped) -> CountedGaps:
    """Refused where nothing bears loss: then nothing could be learned."""
    borne, lengths = int(batch["bears"].sum()), batch["whole_mask"].sum(1).tolist()
    if not borne:
        raise Refused(say("Not one token of these rows bears loss: there is nothing to learn."))
    return CountedGaps(len(lengths), sum(lengths), sum(codec.encoding.counts(length)[0] for length in lengths), borne)
