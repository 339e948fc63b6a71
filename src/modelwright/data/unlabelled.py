"""Rows without a label: what they become, as a person looks at it; and what is asked of labelled ones is refused."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from modelwright.data import gaps, hidden, likened, replied, tagged
from modelwright.data.gaps import CountedGaps
from modelwright.data.hidden import CountedHidden, ExampleHidden
from modelwright.data.likened import CountedLikes, ExampleLikes
from modelwright.data.replied import CountedPairs, ExamplePair
from modelwright.data.tagged import CountedTags, ExampleTags
from modelwright.nouns import Batch, Codec, Encoding, Gaps, Hidden, Refused, Reply, Tagged, Tokens, Vector
from modelwright.wording import say

if TYPE_CHECKING:
    from modelwright.data.codecs.documents.passages import Passages
    from modelwright.data.codecs.pairs.paired import Paired
    from modelwright.data.codecs.sentences.vectors import Sentences
    from modelwright.data.codecs.spans.gapped import Gapped
    from modelwright.data.codecs.tags.tagging import Tagging


def refuse_unlabelled(encoding: Encoding) -> None:
    """Refused: a model that answers no class or number, but a vector or a text, or nothing since it learned to go on with
    texts."""
    if encoding.wants is Reply:
        told = say("This model replies with texts, and this is not done with it yet.")
        raise Refused(told, say("Let it reply to rows: modelwright predict ARTIFACT rows.csv -o answers.csv"))
    if encoding.wants is Tagged:
        told = say("This model tags words, and this is not done with it yet.")
        raise Refused(told, say("Let it tag rows: modelwright predict ARTIFACT rows.jsonl -o tags.jsonl"))
    if encoding.wants is Vector:
        told = say("This model answers each text with a vector: there is no label, and this is not done with it yet.")
        raise Refused(told, say("Let it answer: modelwright predict ARTIFACT rows.csv -o vectors.parquet"))
    refuse_going_on(encoding)


def refuse_going_on(encoding: Encoding) -> None:
    """Refused: a model that answers no row, since it learned to go on with texts."""
    if encoding.wants is Gaps:
        raise Refused(say("This model says what was cut out of texts: there is no label for it to answer."))
    if encoding.wants is Hidden:
        raise Refused(say("This model finds hidden tokens: there is no label for it to answer."))
    if encoding.wants is Tokens:
        told = say("This model goes on with texts: there is no label for it to answer, and this is not done with it yet.")
        raise Refused(told, say('Let it go on with a text: modelwright generate ARTIFACT "Once"'))


@dataclass(frozen=True)
class Counted:
    """What documents became."""

    documents: int
    passages: int
    read: int
    """Tokens, the one before the first of each document among them."""
    borne: int
    """Those of which what follows bears loss."""
    filled: float
    """The share of all steps of the passages, as long as the longest, that is no padding."""

    @property
    def sentence(self) -> str:
        facts = {"documents": f"{self.documents:,}", "passages": f"{self.passages:,}"}
        told = say("{documents} documents in {passages} passages", **facts)
        told += " · " + say("{share} of their steps filled", share=f"{self.filled:.1%}")
        told += " · " + say("{borne} tokens bear loss", borne=f"{self.borne:,}")
        unborne = self.read - self.borne
        return told + (" · " + say("{n} bear none", n=f"{unborne:,}") if unborne else "")


def became(
    batch: Batch, codec: Codec
) -> Counted | CountedPairs | CountedGaps | CountedHidden | CountedTags | CountedLikes:
    """What texts without a class became. Refused where nothing bears loss."""
    if isinstance(codec.writes[0].kind, Vector):
        return likened.counted(batch)
    if isinstance(codec.writes[0].kind, Tagged):
        return tagged.counted(batch)
    if isinstance(codec.writes[0].kind, Hidden):
        return hidden.counted(batch, cast("Passages", codec))
    if isinstance(codec.writes[0].kind, Gaps):
        return gaps.counted(batch, cast("Gapped", codec))
    return replied.counted(batch, cast("Paired", codec)) if isinstance(codec.writes[0].kind, Reply) else counted(batch)


def counted(batch: Batch) -> Counted:
    """Refused where nothing bears loss: then nothing could be learned."""
    borne = int(batch["bears"].sum())
    if not borne:
        raise Refused(say("Not one token of these rows bears loss: there is nothing to learn."))
    documents = int(batch["begun"].sum()) if "begun" in batch else int((batch["place"] == 0).sum())
    read, passages = int(batch["mask"].sum()), len(batch["row"])
    return Counted(documents, passages, read, borne, read / batch["mask"].numel())


@dataclass(frozen=True)
class Example:
    """A passage as it is learned: what follows, token by token."""

    row: int
    place: int
    tokens: tuple[tuple[str, bool], ...]
    """As spelled, and whether it bears loss."""

    @property
    def line(self) -> str:
        """Tokens between bars; what bears no loss in brackets."""
        shown = "|".join(text if bears else f"[{text}]" for text, bears in self.tokens)
        return say("row {row}, from token {place}:  {tokens}", row=f"{self.row:,}", place=f"{self.place:,}", tokens=shown)


def examples(
    codec: Codec, batch: Batch, most: int
) -> list[Example] | list[ExamplePair] | list[ExampleHidden] | list[ExampleTags] | list[ExampleLikes]:
    """Passages, pairs or rows of words from all of the batch, evenly."""
    if isinstance(codec.writes[0].kind, Vector):
        return likened.examples(cast("Sentences", codec), batch, most)
    if isinstance(codec.writes[0].kind, Tagged):
        return tagged.examples(cast("Tagging", codec), batch, most)
    if isinstance(codec.writes[0].kind, (Reply, Gaps)):
        return replied.examples(cast("Paired | Gapped", codec), batch, most)
    passages = cast("Passages", codec)
    if passages.hiding is not None:
        return hidden.examples(passages, batch, most)
    count = len(batch["row"])
    picked = sorted({place * count // most for place in range(most)}) if count > most else range(count)
    found: list[Example] = []
    for place in picked:
        real = int(batch["mask"][place].sum())
        pairs = zip(batch["next"][place][:real].tolist(), batch["bears"][place][:real].tolist())
        tokens = tuple((passages.named(token), bears) for token, bears in pairs)
        found.append(Example(int(batch["row"][place]), int(batch["place"][place]), tokens))
    return found
