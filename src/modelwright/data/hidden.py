"""Rows whose tokens are hidden from a model: what they become, as a person looks at it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from modelwright.nouns import Batch, Refused
from modelwright.wording import say

if TYPE_CHECKING:
    from modelwright.data.codecs.documents.passages import Passages


@dataclass(frozen=True)
class CountedHidden:
    """What documents became; of an epoch, since each hides other tokens and as many."""

    passages: int
    read: int
    """Tokens, those before and after each document among them."""
    borne: int
    """Those that are hidden and bear loss."""
    unasked: int
    """Control tokens and unknown ones, which are never asked for."""
    filled: float
    """The share of all steps of the passages, as long as the longest, that is no padding."""

    @property
    def sentence(self) -> str:
        told = say("{read} tokens in {passages} passages", read=f"{self.read:,}", passages=f"{self.passages:,}")
        told += " · " + say("{share} of their steps filled", share=f"{self.filled:.1%}")
        told += " · " + say("{borne} tokens are hidden and bear loss", borne=f"{self.borne:,}")
        return told + " · " + say("{n} are never asked for", n=f"{self.unasked:,}")


def counted(batch: Batch, codec: Passages) -> CountedHidden:
    """Refused where nothing is hidden: then nothing could be learned."""
    assert codec.hiding is not None
    borne, real = int(batch["bears"].sum()), batch["mask"]
    if not borne:
        raise Refused(say("Not one token of these rows bears loss: there is nothing to learn."))
    read = int(real.sum())
    askable = int(codec.hiding.askable[batch["next"][real].numpy()].sum())
    return CountedHidden(len(real), read, borne, read - askable, read / real.numel())


@dataclass(frozen=True)
class ExampleHidden:
    """A passage as it is learned."""

    row: int
    place: int
    tokens: tuple[tuple[str, str, bool], ...]
    """What stands there in truth, what is read, and whether it bears loss."""

    @property
    def line(self) -> str:
        """Tokens between bars; a hidden one with what is read in its place, in brackets what bears no loss."""
        shown = "|".join(f"{truth}={read}" if bears else f"[{truth}]" for truth, read, bears in self.tokens)
        return say("row {row}, from token {place}:  {tokens}", row=f"{self.row:,}", place=f"{self.place:,}", tokens=shown)


def examples(codec: Passages, batch: Batch, most: int) -> list[ExampleHidden]:
    """Passages from all of the batch, evenly."""
    count = len(batch["row"])
    picked = sorted({place * count // most for place in range(most)}) if count > most else range(count)
    found: list[ExampleHidden] = []
    for place in picked:
        real = int(batch["mask"][place].sum())
        told = (batch[name][place][:real].tolist() for name in ("next", "inputs", "bears"))
        tokens = tuple((codec.named(truth), codec.named(read), bears) for truth, read, bears in zip(*told, strict=True))
        found.append(ExampleHidden(int(batch["row"][place]), int(batch["place"][place]), tokens))
    return found
