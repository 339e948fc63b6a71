"""Texts as a recipe orders them: a row of words, or of characters. Knows no text; texts.py does the work."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from modelwright.nouns import Classes, Count, Rows, State, Tokens

if TYPE_CHECKING:
    from modelwright.data.codecs.texts import Texts


@dataclass(frozen=True)
class Words:
    """Lower-cased words, with apostrophes and without punctuation; of Chinese, Japanese and Korean each character is one."""

    makes: ClassVar[tuple[type, ...]] = (Tokens,)

    label: str
    column: str = "text"
    vocabulary: Count = 10_000
    """The most frequent words of the training rows that get a number of their own; all others count as unknown."""
    longest: Count = 200
    """A text's first words that are read."""
    output: Literal["softmax", "sigmoid"] = "softmax"

    @property
    def wants(self) -> type:
        return Classes

    def fit(self, chunks: Callable[[], Iterator[Rows]]) -> Texts:
        from modelwright.data.codecs.texts import fit

        return fit(self, chunks)

    def load(self, state: State) -> Texts:
        from modelwright.data.codecs.texts import load

        return load(self, state)


@dataclass(frozen=True)
class Characters:
    """Every character, as it is written, spaces and line ends too."""

    makes: ClassVar[tuple[type, ...]] = (Tokens,)

    label: str
    column: str = "text"
    vocabulary: Count = 5000
    longest: Count = 500
    output: Literal["softmax", "sigmoid"] = "softmax"

    @property
    def wants(self) -> type:
        return Classes

    def fit(self, chunks: Callable[[], Iterator[Rows]]) -> Texts:
        from modelwright.data.codecs.texts import fit

        return fit(self, chunks)

    def load(self, state: State) -> Texts:
        from modelwright.data.codecs.texts import load

        return load(self, state)
