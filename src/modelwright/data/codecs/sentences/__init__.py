"""Texts that are each answered by one vector, so that those which mean alike can be found. vectors.py does the work.

No recipe asks for it yet: it comes with a model that others trained.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from modelwright.data.codecs.documents import Tokenizer
from modelwright.nouns import Count, Rows, State, Tokens, Vector

if TYPE_CHECKING:
    from modelwright.data.codecs.sentences.vectors import Sentences as Fitted


@dataclass(frozen=True)
class Sentences:
    makes: ClassVar[tuple[type, ...]] = (Tokens,)

    width: Count
    """Numbers of a vector."""
    unit: bool
    """Whether its length is 1."""
    tokenizer: Tokenizer
    column: str = "text"
    longest: Count = 256
    """Tokens that are read of a text, those before and after it too."""
    places: Count = 512
    """Tokens that the model could read."""

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
