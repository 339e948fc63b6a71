"""Words that each get a tag, as a recipe orders them: names in texts, parts of speech. tagging.py does the work."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from modelwright.data.codecs.documents import Tokenizer
from modelwright.data.codecs.tags.schemes import Scheme
from modelwright.data.codecs.tokens.subwords import WordPiece
from modelwright.nouns import Count, Rows, State, Tagged, Tokens

if TYPE_CHECKING:
    from modelwright.data.codecs.tags.tagging import Tagging


@dataclass(frozen=True)
class Tags:
    """Lists of words, and a tag for each. A word's first token bears loss, and answers for the word; no other does."""

    makes: ClassVar[tuple[type, ...]] = (Tokens,)

    column: str = "words"
    """Each cell a list of words in JSON."""
    label: str = "tags"
    """Each cell a list of as many tags in JSON."""
    scheme: Scheme = "iob2"
    """Strictly: B- begins an entity, I- goes on with it; in bioes E- ends it and S- is one of a single word. none: any tags."""
    between: str = " "
    """What stands between two words of a text; of Chinese nothing."""
    longest: Count = 256
    """Tokens of a row that are read, those before and after it among them; words beyond get no tag, and count as wrong."""
    tokenizer: Tokenizer = WordPiece()

    @property
    def wants(self) -> type:
        return Tagged

    def fit(self, chunks: Callable[[], Iterator[Rows]]) -> Tagging:
        from modelwright.data.codecs.tags.tagging import fit

        return fit(self, chunks)

    def load(self, state: State) -> Tagging:
        from modelwright.data.codecs.tags.tagging import load

        return load(self, state)
