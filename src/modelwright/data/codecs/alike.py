"""A fitted codec that reads rows as another does and writes what it learned itself: for a model that begins with weights."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeAlias

from modelwright.data.codecs.columns.table import Table
from modelwright.data.codecs.documents.passages import Passages
from modelwright.data.codecs.labels import Labels, NumberLabels
from modelwright.data.codecs.pictures.gallery import Gallery
from modelwright.data.codecs.sentences.vectors import Sentences
from modelwright.data.codecs.sounds.spectra import Spectra
from modelwright.data.codecs.tags.tagging import Tagging
from modelwright.data.codecs.words.subtexts import Subtexts
from modelwright.data.codecs.words.texts import Texts
from modelwright.nouns import Codec, Refused
from modelwright.reader import kind
from modelwright.wording import say

Labelled: TypeAlias = Table | Gallery | Spectra | Texts


def reading_as(codec: Codec, base: Codec) -> Codec:
    """Refused: the two do not read the same things."""
    match codec, base:
        case Table(), Table():
            _refuse_other_columns(codec, base)
            return replace(codec, columns=base.columns, labels=_labels(codec, base))
        case Gallery(), Gallery():
            return replace(codec, image=base.image, labels=_labels(codec, base))
        case Spectra(), Spectra():
            heard = replace(base.encoding, label=codec.encoding.label, column=codec.encoding.column)
            return replace(base, encoding=heard, labels=_labels(codec, base))
        case Texts(), Texts() if type(codec.encoding) is type(base.encoding):
            return replace(codec, vocabulary=base.vocabulary, labels=_labels(codec, base))
        case Sentences(), Sentences():
            _refuse_longer(codec.encoding.longest, base.encoding.places)
            theirs = {"width": base.encoding.width, "unit": base.encoding.unit, "places": base.encoding.places}
            encoding = replace(codec.encoding, tokenizer=base.encoding.tokenizer, **theirs)
            return replace(codec, encoding=encoding, tokenizer=base.tokenizer)
        case Sentences(), Subtexts() | Passages() | Tagging():
            _refuse_longer(codec.encoding.longest, base.places)
            encoding = replace(codec.encoding, tokenizer=base.encoding.tokenizer, places=base.places)
            return replace(codec, encoding=encoding, tokenizer=base.tokenizer)
        case Subtexts() | Passages() | Tagging(), Subtexts() | Passages() | Tagging() | Sentences():  # Talks are Passages
            places = base.encoding.places if isinstance(base, Sentences) else base.places
            _refuse_longer(codec.encoding.longest, places)
            encoding = replace(codec.encoding, tokenizer=base.encoding.tokenizer)
            return replace(codec, encoding=encoding, tokenizer=base.tokenizer, places=places)
        case _:
            facts = {"ours": kind(type(codec.encoding)), "theirs": kind(type(base.encoding))}
            told = say("codec {ours} cannot read rows as the base does, whose codec is {theirs}.", **facts)
            raise Refused(told, say("Give the recipe a codec of the kind that the base has."))


def _refuse_other_columns(codec: Table, base: Table) -> None:
    ours, theirs = ([column.name for column in one.columns] for one in (codec, base))
    if ours != theirs:
        facts = {"ours": ", ".join(ours), "theirs": ", ".join(theirs)}
        raise Refused(say("The base reads the columns {theirs}; the recipe has {ours}.", **facts))


def _refuse_longer(longest: int, places: int) -> None:
    if longest > places:
        told = say("codec.longest = {longest}, and the base reads {places} tokens at most.", longest=longest, places=places)
        raise Refused(told, say("Set codec.longest = {places}, or less.", places=places))


def _labels(codec: Labelled, base: Labelled) -> Labels:
    """Numbers are standardised as the base does it, where both answer the same column; classes are the recipe's own."""
    ours, theirs = codec.labels, base.labels
    same = isinstance(ours, NumberLabels) and isinstance(theirs, NumberLabels) and ours.column == theirs.column
    return theirs if same else ours
