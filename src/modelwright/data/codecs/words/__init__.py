"""Texts with a label as a recipe orders them: a row of words, of characters, or of what a tokenizer makes of it. Knows no text;
texts.py and subtexts.py do the work."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from modelwright.data.codecs.documents import Tokenizer
from modelwright.data.codecs.tokens.subwords import WordPiece
from modelwright.nouns import Classes, Count, Rows, State, Tokens

if TYPE_CHECKING:
    from modelwright.data.codecs.words.subtexts import Subtexts
    from modelwright.data.codecs.words.texts import Texts as Fitted


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

    def fit(self, chunks: Callable[[], Iterator[Rows]]) -> Fitted:
        from modelwright.data.codecs.words.texts import fit

        return fit(self, chunks)

    def load(self, state: State) -> Fitted:
        from modelwright.data.codecs.words.texts import load

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

    def fit(self, chunks: Callable[[], Iterator[Rows]]) -> Fitted:
        from modelwright.data.codecs.words.texts import fit

        return fit(self, chunks)

    def load(self, state: State) -> Fitted:
        from modelwright.data.codecs.words.texts import load

        return load(self, state)


@dataclass(frozen=True)
class Texts:
    """Tokens of any tokenizer, learned here or by others, with what it puts before and after a text."""

    makes: ClassVar[tuple[type, ...]] = (Tokens,)

    label: str
    column: str = "text"
    longest: Count = 256
    """Tokens of a text that are read, those before and after it among them."""
    tokenizer: Tokenizer = WordPiece()
    output: Literal["softmax", "sigmoid"] = "softmax"

    @property
    def wants(self) -> type:
        return Classes

    def fit(self, chunks: Callable[[], Iterator[Rows]]) -> Subtexts:
        from modelwright.data.codecs.words.subtexts import fit

        return fit(self, chunks)

    def load(self, state: State) -> Subtexts:
        from modelwright.data.codecs.words.subtexts import load

        return load(self, state)
