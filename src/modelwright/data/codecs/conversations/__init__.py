"""Conversations as a recipe orders them: what the assistant says in them is learned. talks.py does the work."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from string import Formatter
from typing import TYPE_CHECKING, ClassVar

from modelwright.data.codecs.documents import Character, Tokenizer
from modelwright.nouns import Count, Refused, Rows, State, Tokens
from modelwright.wording import say

if TYPE_CHECKING:
    from modelwright.data.codecs.conversations.talks import Talks


@dataclass(frozen=True)
class Conversations:
    """Lists of messages with role (system, user, assistant) and content. All is read; what the assistant says, and that it has
    ended, bears loss.

    They are written in the chat template that came with the base's tokenizer; without one each message is its role, a colon,
    its content and the end of a text."""

    makes: ClassVar[tuple[type, ...]] = (Tokens,)

    column: str = "messages"
    """Each cell a list of messages in JSON."""
    asked: str = ""
    """In place of such a column: what a user asks, {name} standing for the cell of the column of that name."""
    answered: str = ""
    """And what the assistant answers; with asked, or neither."""
    longest: Count = 256
    """Tokens of a conversation that are read; of a longer one, its beginning."""
    tokenizer: Tokenizer = Character()
    packing: bool = True
    """Whether short conversations share a passage in training. None sees another: what is learned is the same."""

    def __post_init__(self) -> None:
        if bool(self.asked) != bool(self.answered):
            raise Refused(say("codec.asked and codec.answered go together: a question and its answer."))
        if not all(map(_well_formed, (self.asked, self.answered))):
            told = say("codec.asked and codec.answered name columns in braces, as {text}; two braces stand for one.")
            raise Refused(told)

    @property
    def columns(self) -> tuple[str, ...]:
        """Those that are read."""
        named = dict.fromkeys(name for text in (self.asked, self.answered) for _, name, _, _ in Formatter().parse(text) if name)
        return tuple(named) if self.asked else (self.column,)

    @property
    def label(self) -> None:
        return None

    @property
    def wants(self) -> type:
        return Tokens

    def fit(self, chunks: Callable[[], Iterator[Rows]]) -> Talks:
        from modelwright.data.codecs.conversations.talks import fit

        return fit(self, chunks)

    def load(self, state: State) -> Talks:
        from modelwright.data.codecs.conversations.talks import load

        return load(self, state)


def _well_formed(text: str) -> bool:
    """Braces hold the name of a column and nothing else."""
    try:
        return all(name is None or (name and not more and how is None) for _, name, more, how in Formatter().parse(text))
    except ValueError:
        return False
