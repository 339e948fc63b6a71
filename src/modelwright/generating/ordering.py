"""What it takes to say an answer: who says it, how tokens are chosen for this model, and what each answer keeps to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast
from weakref import WeakKeyDictionary

from modelwright.data.codecs import Pairs
from modelwright.generating import replies
from modelwright.generating.begun import Begun
from modelwright.generating.keeping import Keeping
from modelwright.nouns import Artifact, Gaps, Hidden, Refused, Reply, Vector
from modelwright.wording import say

if TYPE_CHECKING:
    from torch.nn import Module

    from modelwright.data.codecs.documents.passages import Passages
    from modelwright.data.codecs.pairs.paired import Paired
    from modelwright.generating.saying import Saying
    from modelwright.models.generation import Text
    from modelwright.models.networks.decoding import Decoding
    from modelwright.models.reading import Writer
    from modelwright.models.sampling import Sampling

_laid_out: WeakKeyDictionary[Module, Writer] = WeakKeyDictionary()


@dataclass(frozen=True)
class Said:
    """A whole answer."""

    text: str
    tokens: int
    """What was said, a stop word among it."""
    whole: bool
    """It has the form that was ordered; one that was cut has not."""


def passages(artifact: Artifact) -> Passages:
    """The codec of a model that goes on with texts. Refused: any other."""
    if artifact.codec.encoding.wants is Vector:
        told = say("This model answers each text with a vector and does not go on with it.")
        raise Refused(told, say("Let it answer: modelwright predict ARTIFACT rows.csv -o vectors.parquet"))
    if artifact.codec.encoding.wants is Gaps:
        raise Refused(say("This model says what was cut out of texts and does not go on with them."))
    if artifact.codec.encoding.wants is Hidden:
        raise Refused(say("This model finds hidden tokens and does not go on with texts."))
    if artifact.codec.encoding.label is not None:
        told = say("This model answers {label} and does not go on with texts.", label=artifact.codec.encoding.label)
        raise Refused(told, say("Give it rows: modelwright predict ARTIFACT rows.csv -o answers.csv"))
    return cast("Passages", artifact.codec)


def speller(artifact: Artifact) -> Passages | Paired:
    """Of a model that says texts. Refused: any other."""
    return cast("Paired", artifact.codec) if artifact.codec.encoding.wants is Reply else passages(artifact)


def writer_of(artifact: Artifact, begun: Sequence[Begun]) -> Writer:
    """What says the next token of each: the model itself, or one that has read them and replies."""
    if artifact.codec.encoding.wants is Reply:
        return replies.writer(artifact.module, [one.tokens for one in begun])
    return quick(artifact.module)


def quick(module: Module) -> Writer:
    """The same decoder, laid out for one token at a time where this machine gains by that; made once for each module."""
    from modelwright.models.networks.packed import Saying, packable

    if not packable(module):
        return cast("Decoding", module)
    if module not in _laid_out:
        _laid_out[module] = Saying(cast("Decoding", module))
    return _laid_out[module]


def ordered(artifact: Artifact, how: Sampling, keeping: Keeping, count: int) -> tuple[Sampling, list[Saying]]:
    """How tokens are chosen for this model, and what each of `count` answers keeps to."""
    from modelwright.generating.saying import Saying

    codec = speller(artifact)
    how = replace(how, stop=(*how.stop, *codec.controls.stops), never=(*how.never, *codec.controls.never))
    if isinstance(codec.encoding, Pairs):  # a reply ends where its places do, and is not read again from its middle
        how = replace(how, most=min(how.most, codec.encoding.reply - 1))
    pieces = codec.said.pieces
    if not keeping.form:
        return how, [Saying(pieces, keeping.stops) for _ in range(count)]
    from modelwright.generating.grammars import grammar

    form = grammar(codec, keeping)
    return how, [Saying(pieces, keeping.stops, form.fork()) for _ in range(count)]


def started(begun: Begun, how: Sampling, saying: Saying) -> Text:
    from modelwright.models import generation

    return generation.begun(begun.spoken, how, saying)


def searched(artifact: Artifact, begun: Begun, how: Sampling, saying: Saying) -> Said:
    """By beams."""
    from modelwright.models.beams import beams

    tokens = beams(writer_of(artifact, [begun]), begun.spoken, how, saying.fork())
    for token in tokens:
        saying.told(token)
    return Said(saying.finish(), len(tokens), saying.whole)
