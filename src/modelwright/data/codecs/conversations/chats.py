"""A conversation as a model reads it: its makers' template around what was typed, in their tokens. T time.

Only the template's own words become control tokens. What people typed is letters, whatever it spells, and a control token that
would begin in the template and end in what was typed is none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import polars as pl

from modelwright.data.codecs.conversations.templates import rendered
from modelwright.data.codecs.tokens.foreign import Adopted
from modelwright.data.codecs.tokens.tokenizing import Tokenizing
from modelwright.nouns import Refused
from modelwright.wording import say

ROLES = ("system", "user", "assistant")


@dataclass(frozen=True)
class Message:
    role: str
    content: str


@dataclass(frozen=True)
class Read:
    """A conversation in tokens."""

    numbers: list[int]
    """(T,)"""
    answered: list[bool]
    """(T,): what an assistant said, and the control token that ends it: what is to be learned."""


@dataclass(frozen=True)
class Piece:
    """A part of the text: a control token, or letters."""

    text: str
    control: int | None
    answers: bool


def conversation(tokenizer: Tokenizing, messages: Sequence[Message], onward: bool = True) -> Read:
    """onward: up to where the assistant's next answer begins. Refused: no template, a role that is not known, a template that
    does not render."""
    if not isinstance(tokenizer, Adopted) or not tokenizer.template:
        told = say("This model brings no chat template: it does not say how a conversation is written.")
        raise Refused(told, say("Leave --chat out, and write the text as the model learned it."))
    _refuse_unknown_role(messages)
    numbers: list[int] = []
    answered: list[bool] = []
    ended = False
    for control, run in _runs(_pieces(tokenizer, messages, onward)):
        if control is not None:
            numbers.append(control)
            answered.append(ended)
            ended = False
            continue
        found, mine = _letters(tokenizer, run)
        numbers += found
        answered += mine
        ended = run[-1].answers
    return Read(numbers, answered)


def as_learned(tokenizer: Tokenizing, messages: Sequence[Message], onward: bool) -> Read:
    """In the tokenizer's own template; without one plainly: the role, a colon, the content, the end of a text.

    Refused as conversation() refuses."""
    if isinstance(tokenizer, Adopted) and tokenizer.template:
        return conversation(tokenizer, messages, onward)
    _refuse_unknown_role(messages)
    controls = tokenizer.controls
    texts = [part for one in messages for part in (f"{one.role}: ", one.content)] + ["assistant: "] * onward
    parts = tokenizer.numbers(pl.Series(texts, dtype=pl.String))
    numbers = list(controls.before)
    answered = [False] * len(numbers)
    for one, named, said in zip(messages, parts[::2], parts[1::2]):
        numbers += [*named.tolist(), *said.tolist(), *controls.end]
        answered += [False] * len(named) + [one.role == "assistant"] * (len(said) + len(controls.end))
    return Read(numbers + parts[-1].tolist(), answered + [False] * len(parts[-1])) if onward else Read(numbers, answered)


def _refuse_unknown_role(messages: Sequence[Message]) -> None:
    unknown = [one.role for one in messages if one.role not in ROLES]
    if unknown:
        raise Refused(say("A message is of {roles}, not of {role}.", roles=", ".join(ROLES), role=unknown[0]))


def _pieces(tokenizer: Adopted, messages: Sequence[Message], onward: bool) -> Iterator[Piece]:
    controls = {
        token.content: number for number, token in tokenizer.library.get_added_tokens_decoder().items() if token.special
    }
    spelled = {number: content for content, number in controls.items()}
    names = {
        role: spelled[numbers[0]]
        for role, numbers in (("bos_token", tokenizer.controls.begin), ("eos_token", tokenizer.controls.end))
        if numbers and numbers[0] in spelled
    }
    own = re.compile("|".join(map(re.escape, sorted(controls, key=len, reverse=True))) or "(?!)")
    told = [{"role": one.role, "content": one.content} for one in messages]
    for message, text in rendered(tokenizer.template, told, onward, **names):
        if message is not None:
            yield Piece(text, None, messages[message].role == "assistant")
            continue
        end = 0
        for found in own.finditer(text):
            yield Piece(text[end : found.start()], None, False)
            yield Piece(found[0], controls[found[0]], False)
            end = found.end()
        yield Piece(text[end:], None, False)


def _runs(pieces: Iterator[Piece]) -> Iterator[tuple[int | None, list[Piece]]]:
    """Each control token, and all letters between two of them."""
    run: list[Piece] = []
    for piece in pieces:
        if piece.control is None:
            run += [piece] if piece.text else []
            continue
        if run:
            yield None, run
        yield piece.control, []
        run = []
    if run:
        yield None, run


def _letters(tokenizer: Adopted, run: list[Piece]) -> tuple[list[int], list[bool]]:
    """The tokens of letters that stand side by side, cut as one text, and which of them begin in an answer."""
    found = tokenizer.library.encode("".join(piece.text for piece in run), add_special_tokens=False)
    mine = [piece.answers for piece in run for _ in piece.text]
    return list(found.ids), [mine[start] if start < len(mine) else False for start, _ in found.offsets]
