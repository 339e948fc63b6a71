"""Prompts in, texts out: one as it is said, or many side by side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast
from weakref import WeakKeyDictionary

from modelwright.data.codecs import Conversations, Pairs
from modelwright.generating import replies
from modelwright.generating.begun import Begun
from modelwright.generating.keeping import Keeping
from modelwright.nouns import Artifact, Gaps, Hidden, Refused, Reply, Unkept, Vector
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


def begin(artifact: Artifact, prompt: str) -> Begun:
    """Refused: a model that neither goes on with texts nor replies to them."""
    if artifact.codec.encoding.wants is Reply:
        return replies.begin(cast("Paired", artifact.codec), prompt)
    return begin_tokens(passages(artifact), passages(artifact).begin(prompt))


def converse(artifact: Artifact, asked: str, system: str | None = None) -> Begun:
    """A question in the chat template that came with the model, or as it learned from conversations, up to where the answer
    begins. Refused: it brings no template, and learned from none."""
    from modelwright.data.codecs.conversations.chats import Message, as_learned, conversation

    messages = [Message("system", system)] if system is not None else []
    codec = passages(artifact)
    write = as_learned if isinstance(codec.encoding, Conversations) else conversation
    return begin_tokens(codec, write(codec.tokenizer, [*messages, Message("user", asked)], True).numbers)


def begin_tokens(codec: Passages, tokens: list[int]) -> Begun:
    from modelwright.models.generation import kept

    longest, unknown = codec.encoding.longest, codec.controls.unknown
    read = kept(tokens, longest)
    return Begun(read, 0 if unknown is None else tokens.count(unknown), len(tokens) - len(read), longest)


def generate(artifact: Artifact, begun: Begun, how: Sampling, keeping: Keeping = Keeping()) -> Iterator[str]:  # noqa: B008
    """What the model says, piece by piece, until it ends the text or has said enough. Unkept: too early for the form."""
    from modelwright.models.generation import onward

    how, (saying,) = _ordered(artifact, how, keeping, 1)
    if how.beams > 1:
        yield _searched(artifact, begun, how, saying).text
    else:
        text = _text(begun, how, saying)
        for _ in onward(_writer(artifact, [begun]), [text], how):
            if piece := saying.ready():
                yield piece
        if piece := saying.finish():
            yield piece
    if not saying.whole:
        raise Unkept(cut(how.most))


def cut(most: int) -> str:
    """What is said of an answer that was cut."""
    told = say("After {most} tokens the answer has not the form that was ordered yet, and was cut.", most=most)
    return f"{told} {say('Give it more: --tokens N')}"


def several(
    artifact: Artifact, prompts: Sequence[Begun], how: Sampling, keeping: Keeping, batch: int
) -> Iterator[tuple[int, Said]]:
    """Each prompt's place and answer, `batch` of them side by side, those of like length together; the tokens are those that
    it gets alone."""
    from modelwright.models.generation import onward

    how, sayings = _ordered(artifact, how, keeping, len(prompts))
    order = sorted(range(len(prompts)), key=lambda place: len(prompts[place].tokens))
    if how.beams > 1:
        yield from ((place, _searched(artifact, prompts[place], how, sayings[place])) for place in order)
        return
    for start in range(0, len(order), batch):
        places = order[start : start + batch]
        texts = [_text(prompts[place], how, sayings[place]) for place in places]
        for _ in onward(_writer(artifact, [prompts[place] for place in places]), texts, how):
            pass
        for place, text in zip(places, texts, strict=True):
            saying = sayings[place]
            shown = saying.finish()
            yield place, Said(shown, len(text.tokens) - len(prompts[place].spoken), saying.whole)


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


def _codec(artifact: Artifact) -> Passages | Paired:
    """Of a model that says texts. Refused: any other."""
    return cast("Paired", artifact.codec) if artifact.codec.encoding.wants is Reply else passages(artifact)


def _writer(artifact: Artifact, begun: Sequence[Begun]) -> Writer:
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


def _ordered(artifact: Artifact, how: Sampling, keeping: Keeping, count: int) -> tuple[Sampling, list[Saying]]:
    """How tokens are chosen for this model, and what each of `count` answers keeps to."""
    from modelwright.generating.saying import Saying

    codec = _codec(artifact)
    how = replace(how, stop=(*how.stop, *codec.controls.stops), never=(*how.never, *codec.controls.never))
    if isinstance(codec.encoding, Pairs):  # a reply ends where its places do, and is not read again from its middle
        how = replace(how, most=min(how.most, codec.encoding.reply - 1))
    pieces = codec.said.pieces
    if not keeping.form:
        return how, [Saying(pieces, keeping.stops) for _ in range(count)]
    from modelwright.generating.grammars import grammar

    form = grammar(codec, keeping)
    return how, [Saying(pieces, keeping.stops, form.fork()) for _ in range(count)]


def _text(begun: Begun, how: Sampling, saying: Saying) -> Text:
    from modelwright.models import generation

    return generation.begun(begun.spoken, how, saying)


def _searched(artifact: Artifact, begun: Begun, how: Sampling, saying: Saying) -> Said:
    """By beams."""
    from modelwright.models.beams import beams

    tokens = beams(_writer(artifact, [begun]), begun.spoken, how, saying.fork())
    for token in tokens:
        saying.told(token)
    return Said(saying.finish(), len(tokens), saying.whole)
