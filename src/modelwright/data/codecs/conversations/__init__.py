"""Conversations as a recipe orders them: what the assistant says in them is learned. talks.py does the work."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from modelwright.data.codecs.documents import Character, Tokenizer
from modelwright.nouns import Count, Rows, State, Tokens

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
    longest: Count = 256
    """Tokens of a conversation that are read; of a longer one, its beginning."""
    tokenizer: Tokenizer = Character()
    packing: bool = True
    """Whether short conversations share a passage in training. None sees another: what is learned is the same."""

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
