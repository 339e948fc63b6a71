"""Texts that are each answered by one vector, so that those which mean alike can be found. vectors.py does the work."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from modelwright.data.codecs.documents import Tokenizer
from modelwright.data.codecs.tokens.subwords import WordPiece
from modelwright.nouns import Count, Rows, State, Tokens, Vector

if TYPE_CHECKING:
    from modelwright.data.codecs.sentences.vectors import Sentences as Fitted


@dataclass(frozen=True)
class Sentences:
    """Pairs of texts that mean alike are learned from; of any text alone a vector is answered."""

    makes: ClassVar[tuple[type, ...]] = (Tokens,)

    width: Count = 128
    """Numbers of a vector: the width of the encoder; of a base that has vectors already, theirs."""
    unit: bool = True
    """Whether its length is 1."""
    tokenizer: Tokenizer = WordPiece()
    column: str = "text"
    longest: Count = 256
    """Tokens that are read of a text, those before and after it too."""
    places: Count = 512
    """Tokens that the model could read."""
    positive: str = "positive"
    """The text that means the same; another's positive is a negative. Only pairs that have it are learned from or judged."""
    negative: str | None = None
    """A text that means something else, where there is one for each row: one more negative for all of a batch."""
    score: str | None = None
    """How alike the two are, where that is told: what the vectors' likeness is judged by."""
    alike: float | None = None
    """With scores: the least of a pair that is learned as alike, and is to be found; others are learned from as negatives."""

    @property
    def label(self) -> None:
        return None

    @property
    def wants(self) -> type:
        return Vector

    def fit(self, chunks: Callable[[], Iterator[Rows]]) -> Fitted:
        from modelwright.data.codecs.sentences.vectors import fit

        return fit(self, chunks)

    def load(self, state: State) -> Fitted:
        from modelwright.data.codecs.sentences.vectors import load

        return load(self, state)
