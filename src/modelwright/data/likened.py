"""Pairs of texts that mean alike as a person looks at them: how many there are, and what is read of each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from modelwright.nouns import Batch, Refused
from modelwright.wording import say

if TYPE_CHECKING:
    from modelwright.data.codecs.sentences.vectors import Sentences

SIDES = (("inputs", "mask"), ("other", "other_mask"), ("against", "against_mask"))


@dataclass(frozen=True)
class CountedLikes:
    """What pairs became."""

    pairs: int
    read: int
    """Tokens of all texts, those before and after each among them."""
    borne: int
    """Pairs that are alike and bear loss."""

    @property
    def sentence(self) -> str:
        told = say("{pairs} pairs, of which {read} tokens are read", pairs=f"{self.pairs:,}", read=f"{self.read:,}")
        told += " · " + say("{n} pairs bear loss", n=f"{self.borne:,}")
        less = self.pairs - self.borne
        return told + (" · " + say("{n} are less alike and serve as negatives", n=f"{less:,}") if less else "")


def counted(batch: Batch) -> CountedLikes:
    """Refused where no pair is alike: then nothing could be learned."""
    borne = int(batch["alike"].sum())
    if not borne:
        raise Refused(say("Not one pair of these rows is alike: there is nothing to learn."))
    return CountedLikes(len(batch["row"]), sum(int(batch[mask].sum()) for _, mask in SIDES if mask in batch), borne)


@dataclass(frozen=True)
class ExampleLikes:
    """A pair as it is learned."""

    row: int
    texts: tuple[tuple[str, ...], ...]
    """Anchor, positive, and the negative where there is one: tokens as spelled."""
    bears: bool
    """Whether the pair is alike and bears loss."""

    @property
    def line(self) -> str:
        """Tokens between bars; the sign between two texts says whether they are alike."""
        anchor, positive, *negative = ("|".join(tokens) for tokens in self.texts)
        shown = f"{anchor}  {'=' if self.bears else '≠'}  {positive}" + "".join(f"  ≠  {one}" for one in negative)
        return say("row {row}:  {tokens}", row=f"{self.row:,}", tokens=shown)


def examples(codec: Sentences, batch: Batch, most: int) -> list[ExampleLikes]:
    """Pairs from all of the batch, evenly."""
    from modelwright.data.codecs.documents.passages import named

    count = len(batch["row"])
    found: list[ExampleLikes] = []
    for place in sorted({place * count // most for place in range(most)}) if count > most else range(count):
        read = (batch[side][place][batch[mask][place]].tolist() for side, mask in SIDES if side in batch)
        texts = tuple(tuple(named(token, codec.tokenizer) for token in tokens) for tokens in read)
        found.append(ExampleLikes(int(batch["row"][place]), texts, bool(batch["alike"][place])))
    return found
