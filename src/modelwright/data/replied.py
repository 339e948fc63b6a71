"""Pairs of texts as a person looks at them: how many there are, what is cut off them, which tokens bear loss."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from modelwright.nouns import Batch, Refused
from modelwright.wording import say, say_many

if TYPE_CHECKING:
    from modelwright.data.codecs.pairs.paired import Paired
    from modelwright.data.codecs.spans.gapped import Gapped


@dataclass(frozen=True)
class CountedPairs:
    """What pairs became."""

    pairs: int
    read: int
    """Tokens of texts, ends among them."""
    borne: int
    """Tokens of replies that bear loss."""
    unborne: int
    """Tokens of replies that are unknown."""
    cut: int
    """Texts whose end is not read."""
    cut_replies: int
    """Replies whose end is not learned."""

    @property
    def sentence(self) -> str:
        told = say("{pairs} pairs, of which {read} tokens are read", pairs=f"{self.pairs:,}", read=f"{self.read:,}")
        told += " · " + say("{borne} tokens bear loss", borne=f"{self.borne:,}")
        told += " · " + say("{n} are unknown and bear none", n=f"{self.unborne:,}") if self.unborne else ""
        if self.cut:
            told += " · " + say_many(
                "{n} text is read as far as codec.longest", "{n} texts are read as far as codec.longest", self.cut
            )
        if self.cut_replies:
            told += " · " + say_many(
                "{n} reply is learned as far as codec.reply", "{n} replies are learned as far as codec.reply", self.cut_replies
            )
        return told


def counted(batch: Batch, codec: Paired) -> CountedPairs:
    """Refused where nothing bears loss: then nothing could be learned."""
    import torch

    borne, real = int(batch["bears"].sum()), int(batch["before_mask"].sum())
    if not borne:
        raise Refused(say("Not one token of these rows bears loss: there is nothing to learn."))

    def unended(tokens: str, mask: str, ends: tuple[int, ...]) -> int:
        last = batch[tokens].gather(1, batch[mask].sum(1, keepdim=True) - 1)
        return int((~torch.isin(last, torch.tensor(ends))).sum())

    cut = unended("inputs", "mask", codec.tokenizer.controls.end)
    cut_replies = unended("next", "before_mask", codec.controls.end)
    return CountedPairs(len(batch["row"]), int(batch["mask"].sum()), borne, real - borne, cut, cut_replies)


@dataclass(frozen=True)
class ExamplePair:
    """A pair as it is learned."""

    row: int
    read: tuple[str, ...]
    """As spelled, token by token."""
    tokens: tuple[tuple[str, bool], ...]
    """Of the reply, and whether each bears loss."""

    @property
    def line(self) -> str:
        """Tokens between bars; what bears no loss in brackets: all that is read."""
        shown = "|".join(text if bears else f"[{text}]" for text, bears in self.tokens)
        return say("row {row}:  [{read}]  →  {tokens}", row=f"{self.row:,}", read="|".join(self.read), tokens=shown)


def examples(codec: Paired | Gapped, batch: Batch, most: int) -> list[ExamplePair]:
    """Pairs from all of the batch, evenly."""
    count = len(batch["row"])
    found: list[ExamplePair] = []
    for place in sorted({place * count // most for place in range(most)}) if count > most else range(count):
        read = batch["inputs"][place][batch["mask"][place]].tolist()
        real = batch["before_mask"][place]
        said = zip(batch["next"][place][real].tolist(), batch["bears"][place][real].tolist())
        tokens = tuple((codec.named(token), bears) for token, bears in said)
        found.append(ExamplePair(int(batch["row"][place]), tuple(map(codec.named_read, read)), tokens))
    return found
