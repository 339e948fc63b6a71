"""Whole texts as a recipe orders them, without a label: what follows in them is learned. passages.py does the work."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar, TypeAlias

from modelwright.data.codecs.documents.masking import Masking
from modelwright.data.codecs.tokens.subwords import Unigram, WordPiece
from modelwright.nouns import Bounds, Count, Hidden, Rows, State, Tokens

if TYPE_CHECKING:
    from modelwright.data.codecs.documents.passages import Passages

BYTES = 256


@dataclass(frozen=True)
class Character:
    """Every character is a token, as it is written: nothing is folded."""

    vocabulary: Count = 5000
    """The most frequent characters of the training rows; all others are unknown and bear no loss."""


@dataclass(frozen=True)
class BPE:
    """Byte-level byte pair encoding, as GPT-2's (https://arxiv.org/abs/1508.07909): no text is unknown to it."""

    vocabulary: Annotated[int, Bounds(least=BYTES)] = 1000
    """The 256 bytes, and pairs of tokens that stand side by side most often, each pair a new token."""


@dataclass(frozen=True)
class Foreign:
    """A tokenizer that others learned, with their numbers: a tokenizer.json of the library `tokenizers`."""

    path: Path
    """The file, or a folder in which it lies. What stands beside it under the names of Hugging Face tells which tokens begin
    and end a text."""


Tokenizer: TypeAlias = Character | BPE | WordPiece | Unigram | Foreign


def plain(tokenizer: Tokenizer) -> Tokenizer:
    """As an artifact tells of it: of a path the last name alone."""
    return Foreign(Path(tokenizer.path.name)) if isinstance(tokenizer, Foreign) else tokenizer


@dataclass(frozen=True)
class Documents:
    """Texts of any length, each cut into passages of `longest` tokens; the last of a text is shorter. None overlap and none is
    left out: every token is read once and, the end of the text too, foretold once."""

    makes: ClassVar[tuple[type, ...]] = (Tokens,)

    column: str = "text"
    longest: Count = 256
    """Tokens that a model looks back on at most."""
    tokenizer: Tokenizer = Character()
    packing: bool = True
    """Whether short texts share a passage in training, as many as it holds. None sees another, and each begins at place 0:
    what is learned is the same, with next to no padding."""
    masking: Masking | None = None
    """With it tokens that are hidden are asked for, not what follows; the passage is read from both sides."""

    @property
    def columns(self) -> tuple[str, ...]:
        """Those that are read."""
        return (self.column,)

    @property
    def label(self) -> None:
        return None

    @property
    def wants(self) -> type:
        return Tokens if self.masking is None else Hidden

    def fit(self, chunks: Callable[[], Iterator[Rows]]) -> Passages:
        from modelwright.data.codecs.documents.passages import fit

        return fit(self, chunks)

    def load(self, state: State) -> Passages:
        from modelwright.data.codecs.documents.passages import load

        return load(self, state)
