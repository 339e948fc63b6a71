"""Words and their tags as a person looks at them: how many there are, what is not read, which tokens bear loss."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from modelwright.nouns import Batch, Refused
from modelwright.wording import say, say_many

if TYPE_CHECKING:
    from modelwright.data.codecs.tags.tagging import Tagging


@dataclass(frozen=True)
class CountedTags:
    """What rows of words became."""

    rows: int
    words: int
    borne: int
    """Words whose first token bears loss."""
    read: int
    """Tokens, those before and after each row among them."""
    cut: int
    """Rows of which some words are not read."""

    @property
    def sentence(self) -> str:
        told = say("{words} words in {rows} rows, read as {read} tokens", words=f"{self.words:,}", rows=f"{self.rows:,}",
                   read=f"{self.read:,}")  # fmt: skip
        told += " · " + say("{borne} tokens bear loss", borne=f"{self.borne:,}")
        if not self.cut:
            return told
        return told + " · " + say_many(
            "of {n} row some words are not read", "of {n} rows some words are not read", self.cut
        )  # fmt: skip


def counted(batch: Batch) -> CountedTags:
    """Refused where nothing bears loss: then nothing could be learned."""
    borne, read = int(batch["bears"].sum()), int(batch["mask"].sum())
    if not borne:
        raise Refused(say("Not one token of these rows bears loss: there is nothing to learn."))
    cut = int((batch["bears"].sum(1) < batch["count"]).sum())
    return CountedTags(len(batch["row"]), int(batch["count"].sum()), borne, read, cut)


@dataclass(frozen=True)
class ExampleTags:
    """A row as it is learned."""

    row: int
    tokens: tuple[tuple[str, str, bool], ...]
    """As spelled, its tag, and whether it bears loss."""

    @property
    def line(self) -> str:
        """Tokens between bars, each that bears loss with its tag; in brackets what bears none."""
        shown = "|".join(f"{text}={tag}" if bears else f"[{text}]" for text, tag, bears in self.tokens)
        return say("row {row}:  {tokens}", row=f"{self.row:,}", tokens=shown)


def examples(codec: Tagging, batch: Batch, most: int) -> list[ExampleTags]:
    """Rows from all of the batch, evenly."""
    count = len(batch["row"])
    found: list[ExampleTags] = []
    for place in sorted({place * count // most for place in range(most)}) if count > most else range(count):
        real = int(batch["mask"][place].sum())
        told = (batch[name][place][:real].tolist() for name in ("inputs", "tags", "bears"))
        tokens = tuple((codec.named(token), codec.names[tag], bears) for token, tag, bears in zip(*told, strict=True))
        found.append(ExampleTags(int(batch["row"][place]), tokens))
    return found
