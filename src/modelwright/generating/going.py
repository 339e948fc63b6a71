"""Prompts in, texts out: one as it is said, or many side by side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, cast

from modelwright.data.codecs import Conversations
from modelwright.generating import replies
from modelwright.generating.begun import Begun
from modelwright.generating.keeping import Keeping
from modelwright.generating.ordering import Said, ordered, passages, searched, started, writer_of
from modelwright.nouns import Artifact, Encoding, Reply, Tokens, Unkept
from modelwright.wording import say

if TYPE_CHECKING:

    from modelwright.data.codecs.conversations.chats import Message
    from modelwright.data.codecs.documents.passages import Passages
    from modelwright.data.codecs.pairs.paired import Paired
    from modelwright.models.sampling import Sampling



def speaks(encoding: Encoding) -> bool:
    """Whether a model with this codec says texts: goes on with them, or replies."""
    return encoding.wants in (Tokens, Reply)


def chats(artifact: Artifact) -> bool:
    """Whether it knows how a conversation is written."""
    from modelwright.data.codecs.tokens.foreign import Adopted

    codec = artifact.codec
    if codec.encoding.wants is not Tokens:
        return False
    tokenizer = cast("Passages", codec).tokenizer
    return isinstance(codec.encoding, Conversations) or (isinstance(tokenizer, Adopted) and bool(tokenizer.template))


def begin(artifact: Artifact, prompt: str) -> Begun:
    """Refused: a model that neither goes on with texts nor replies to them."""
    if artifact.codec.encoding.wants is Reply:
        return replies.begin(cast("Paired", artifact.codec), prompt)
    return begin_tokens(passages(artifact), passages(artifact).begin(prompt))


def converse(artifact: Artifact, asked: str, system: str | None = None) -> Begun:
    """A question, as talk() reads it."""
    from modelwright.data.codecs.conversations.chats import Message

    before = [Message("system", system)] if system is not None else []
    return talk(artifact, [*before, Message("user", asked)])


def talk(artifact: Artifact, messages: Sequence[Message]) -> Begun:
    """A conversation in the chat template that came with the model, or as it learned from conversations, up to where the next
    answer begins. Refused: it brings no template, and learned from none."""
    from modelwright.data.codecs.conversations.chats import as_learned, conversation

    codec = passages(artifact)
    write = as_learned if isinstance(codec.encoding, Conversations) else conversation
    return begin_tokens(codec, write(codec.tokenizer, messages, True).numbers)


def begin_tokens(codec: Passages, tokens: list[int]) -> Begun:
    from modelwright.models.generation import kept

    longest, unknown = codec.encoding.longest, codec.controls.unknown
    read = kept(tokens, longest)
    return Begun(read, 0 if unknown is None else tokens.count(unknown), len(tokens) - len(read), longest)


def generate(artifact: Artifact, begun: Begun, how: Sampling, keeping: Keeping = Keeping()) -> Iterator[str]:  # noqa: B008
    """What the model says, piece by piece, until it ends the text or has said enough. Unkept: too early for the form."""
    from modelwright.models.generation import onward

    how, (saying,) = ordered(artifact, how, keeping, 1)
    if how.beams > 1:
        yield searched(artifact, begun, how, saying).text
    else:
        text = started(begun, how, saying)
        for _ in onward(writer_of(artifact, [begun]), [text], how):
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

    how, sayings = ordered(artifact, how, keeping, len(prompts))
    order = sorted(range(len(prompts)), key=lambda place: len(prompts[place].tokens))
    if how.beams > 1:
        yield from ((place, searched(artifact, prompts[place], how, sayings[place])) for place in order)
        return
    for start in range(0, len(order), batch):
        places = order[start : start + batch]
        texts = [started(prompts[place], how, sayings[place]) for place in places]
        for _ in onward(writer_of(artifact, [prompts[place] for place in places]), texts, how):
            pass
        for place, text in zip(places, texts, strict=True):
            saying = sayings[place]
            shown = saying.finish()
            yield place, Said(shown, len(text.tokens) - len(prompts[place].spoken), saying.whole)
