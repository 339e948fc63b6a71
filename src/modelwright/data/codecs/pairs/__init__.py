"""Pairs of texts as a recipe orders them: one is read, the other is said in reply. paired.py does the work."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from modelwright.data.codecs.documents import Character, Tokenizer
from modelwright.nouns import Count, Reply, Rows, State, Tokens

if TYPE_CHECKING:
    from modelwright.data.codecs.pairs.paired import Paired


@dataclass(frozen=True)
class Pairs:
    """A text and what is to be said to it: a translation, a summary, an answer."""

    makes: ClassVar[tuple[type, ...]] = (Tokens,)

    column: str = "source"
    """The text that is read."""
    label: str = "target"
    """The text that is said in reply."""
    longest: Count = 128
    """Tokens at the beginning of a text that are read, its end counted as one."""
    reply: Count = 128
    """Tokens of a reply at most, its end counted as one: longer ones are learned as far as that, without an end."""
    tokenizer: Tokenizer = Character()
    replies: Tokenizer | None = None
    """The replies' own tokenizer; without it one is learned from both and shared."""

    @property
    def wants(self) -> type:
        return Reply

    def fit(self, chunks: Callable[[], Iterator[Rows]]) -> Paired:
        from modelwright.data.codecs.pairs.paired import fit

        return fit(self, chunks)

    def load(self, state: State) -> Paired:
        from modelwright.data.codecs.pairs.paired import load

        return load(self, state)
