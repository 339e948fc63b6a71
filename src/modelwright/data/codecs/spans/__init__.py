"""Texts with gaps as a recipe orders them: parts are cut out, and a model that reads the rest learns to say them. gapped.py
does the work."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from modelwright.data.codecs.documents import Character, Tokenizer
from modelwright.nouns import Bounds, Count, Gaps, Rows, State, Tokens

if TYPE_CHECKING:
    from modelwright.data.codecs.spans.gapped import Gapped


@dataclass(frozen=True)
class Spans:
    """Span corruption, as T5 learns from texts without a label (https://arxiv.org/abs/1910.10683, 3.1.4): in place of each span
    that is cut out stands a mark of its own; the reply is each mark and what stood there. Other spans in every epoch."""

    makes: ClassVar[tuple[type, ...]] = (Tokens,)

    column: str = "text"
    longest: Count = 256
    """Tokens of a passage before anything is cut out; a text becomes as many passages as it needs."""
    tokenizer: Tokenizer = Character()
    share: Annotated[float, Bounds(above=0, below=1)] = 0.15
    """Of a passage's tokens, that are cut out; one at least."""
    span: Annotated[float, Bounds(least=1)] = 3.0
    """Tokens of a span, in the mean."""

    @property
    def label(self) -> None:
        return None

    @property
    def wants(self) -> type:
        return Gaps

    def counts(self, tokens: int) -> tuple[int, int]:
        """How many of so many tokens are cut out, and in how many spans; of one token alone none."""
        if tokens < 2:
            return 0, 0
        gone = min(max(round(tokens * self.share), 1), tokens - 1)
        return gone, min(max(round(gone / self.span), 1), gone, tokens - gone)

    def fit(self, chunks: Callable[[], Iterator[Rows]]) -> Gapped:
        from modelwright.data.codecs.spans.gapped import fit

        return fit(self, chunks)

    def load(self, state: State) -> Gapped:
        from modelwright.data.codecs.spans.gapped import load

        return load(self, state)
