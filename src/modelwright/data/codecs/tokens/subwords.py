"""Tokenizers of pieces of words as a recipe orders them, learned from training rows. wordpieces.py and unigrams.py learn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from modelwright.nouns import Bounds

LEAST = 32
"""Tokens of a vocabulary of words, at least: the control tokens, and some to learn."""
BYTES = 5 + 256
"""The control tokens, and every byte."""


@dataclass(frozen=True)
class Folding:
    """What of a text is not told apart: all that a text decoded back may differ in."""

    form: Literal["as_is", "nfc", "nfkc"] = "as_is"
    """nfc: a letter and its accent are one sign, however they were typed; nfkc: full-width, ligatures and other compatible
    forms are their plain ones too (Unicode Annex 15)."""
    lowercase: bool = False
    accents: bool = True
    """Whether accents are kept; without them é is e. In Indic scripts these signs are vowels: keep them."""


@dataclass(frozen=True)
class WordPiece:
    """Words cut into their longest known pieces, as BERT's (https://arxiv.org/abs/1810.04805): ## stands before what goes on
    with a word, punctuation stands alone, and so does each Chinese character.

    Of white space it keeps only where it was; a word with a character that training rows rarely have is unknown."""

    vocabulary: Annotated[int, Bounds(least=LEAST)] = 8000
    """Control tokens, characters (half of it at most), and pieces that stand side by side most often."""
    folding: Folding = Folding("nfkc", lowercase=True)


@dataclass(frozen=True)
class Unigram:
    """Each text cut so that its pieces are likeliest together (https://arxiv.org/abs/1804.10959). Of bytes, as BPE: no text is
    unknown, and white space is kept."""

    vocabulary: Annotated[int, Bounds(least=BYTES)] = 8000
    """Control tokens, the 256 bytes, and pieces of words."""
    folding: Folding = Folding()
