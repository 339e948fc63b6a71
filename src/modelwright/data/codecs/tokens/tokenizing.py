"""Fitted tokenizers: texts to token numbers and back to bytes. A alphabet: every number is below it.

Some numbers are control tokens: padding, unknown, what stands before and after a text. No text can spell one of these: a user
who types their names types letters. Tokenizers that were learned here number V tokens of their own from FIRST; one that came
with somebody's weights (foreign.py) keeps its numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import polars as pl

from modelwright.data.codecs.documents import BPE, BYTES, Character, Foreign, Tokenizer
from modelwright.data.codecs.tokens.subwords import Unigram, WordPiece
from modelwright.data.codecs.words.texts import VOCABULARY, escaped, plain
from modelwright.nouns import Refused
from modelwright.wording import say

if TYPE_CHECKING:
    from collections.abc import Mapping

PADDING, UNKNOWN, END = 0, 1, 2
FIRST = 3
LIBRARY = "tokenizer.json"
"""The `tokenizers` library's own file, which others read too."""
CODES = 0x110000
"""Code points of Unicode."""


@dataclass(frozen=True)
class Controls:
    """The numbers of control tokens."""

    begin: tuple[int, ...]
    """What stands before a text that is gone on with; perhaps nothing."""
    end: tuple[int, ...]
    """What stands after a text."""
    stops: tuple[int, ...]
    """Each of them ends a text that a model says."""
    never: tuple[int, ...] = ()
    """What a model may not say."""
    padding: int | None = None
    unknown: int | None = None
    mask: int | None = None
    """What stands in place of a token that is hidden from a model."""
    start: int | None = None
    """What stands before a reply; None: what stands before any text."""

    @property
    def before(self) -> tuple[int, ...]:
        """What stands before a text of which every token is foretold: its beginning, or the end of what came before."""
        return self.begin or self.end


LEARNED = Controls(begin=(END,), end=(END,), stops=(END,), never=(PADDING, UNKNOWN), padding=PADDING, unknown=UNKNOWN)
"""Of tokenizers that were learned here."""
NOTHING = (b"",) * FIRST
"""What their control tokens spell."""


class Tokenizing(Protocol):
    """A tokenizer that was learned, here or elsewhere."""

    @property
    def controls(self) -> Controls: ...

    @property
    def pieces(self) -> tuple[bytes, ...]:
        """(A,) the UTF-8 bytes that each number stands for, perhaps a part of a character; of a control token none."""
        ...

    def numbers(self, texts: pl.Series) -> list[np.ndarray]:
        """For each text int64 (T,), 0 <= number < A: none of a control token, but perhaps that of what is unknown."""
        ...

    def files(self) -> Mapping[str, str]:
        """What must be kept of it: named text files."""
        ...


class Characters:
    """Each character is a token."""

    controls = LEARNED

    def __init__(self, vocabulary: tuple[str, ...]) -> None:
        self.vocabulary = vocabulary

    @property
    def pieces(self) -> tuple[bytes, ...]:
        return (*NOTHING, *(sign.encode() for sign in self.vocabulary))

    @cached_property
    def _table(self) -> np.ndarray:
        """int64 (CODES,)"""
        table = np.full(CODES, UNKNOWN)
        table[[ord(sign) for sign in self.vocabulary]] = np.arange(FIRST, FIRST + len(self.vocabulary))
        return table

    def numbers(self, texts: pl.Series) -> list[np.ndarray]:
        return [self._table[codes(text)] for text in texts]

    def files(self) -> Mapping[str, str]:
        return {VOCABULARY: "".join(f"{escaped(sign)}\n" for sign in self.vocabulary)}


class Pairs:
    """Byte pairs, by the library `tokenizers`."""

    controls = LEARNED

    def __init__(self, library: Any) -> None:
        self.library = library

    @property
    def pieces(self) -> tuple[bytes, ...]:
        return self._pieces

    @cached_property
    def _pieces(self) -> tuple[bytes, ...]:
        letters, size = spelled_bytes(), self.library.get_vocab_size()
        spelled = (bytes(letters[sign] for sign in self.library.id_to_token(place)) for place in range(size))
        return (*NOTHING, *spelled)

    def numbers(self, texts: pl.Series) -> list[np.ndarray]:
        found = self.library.encode_batch_fast(texts.to_list(), add_special_tokens=False)
        return [np.array(one.ids, np.int64) + FIRST for one in found]

    def files(self) -> Mapping[str, str]:
        return {LIBRARY: self.library.to_str()}


def fit(kind: Tokenizer, texts: Callable[[], Iterator[pl.Series]]) -> Tokenizing:
    """Of all these texts, none of them null. Refused: there is no character in them, or the library is not there."""
    if isinstance(kind, Foreign):
        from modelwright.data.codecs.tokens import foreign

        return foreign.read(kind.path)
    if isinstance(kind, WordPiece):
        from modelwright.data.codecs.tokens import wordpieces

        return wordpieces.fit(kind, texts)
    if isinstance(kind, Unigram):
        from modelwright.data.codecs.tokens import unigrams

        return unigrams.fit(kind, texts)
    return _fit_characters(kind, texts) if isinstance(kind, Character) else _fit_pairs(kind, texts)


def load(kind: Tokenizer, files: Mapping[str, str]) -> Tokenizing:
    """KeyError or ValueError where the files are damaged."""
    if isinstance(kind, Character):
        return Characters(tuple(plain(line) for line in files[VOCABULARY].split("\n")[:-1]))
    if isinstance(kind, (Foreign, WordPiece, Unigram)):
        from modelwright.data.codecs.tokens import foreign

        return foreign.load(files)
    return Pairs(parsed(files[LIBRARY]))


def parsed(told: str) -> Any:
    """What a tokenizer.json describes. ValueError where it describes none."""
    tokenizers = library()
    try:
        return tokenizers.Tokenizer.from_str(told)
    except Exception as error:  # the library raises no narrower class
        raise ValueError(f"{LIBRARY}: {error}") from error


def library() -> Any:
    """Refused where it is not installed."""
    try:
        import tokenizers
    except ImportError:
        raise Refused(say('{name} is not installed: pip install "modelwright[language]"', name="tokenizers")) from None
    return tokenizers


def codes(text: str) -> np.ndarray:
    """uint32 (T,): the code points."""
    return np.frombuffer(text.encode("utf-32-le"), "<u4")


def _fit_characters(kind: Character, texts: Callable[[], Iterator[pl.Series]]) -> Characters:
    """By count, then by code point."""
    counts = np.zeros(CODES, np.int64)
    for some in texts():
        for text in some:
            seen, times = np.unique(codes(text), return_counts=True)
            counts[seen] += times
    order = np.argsort(-counts, kind="stable")[: kind.vocabulary]
    return Characters(tuple(chr(code) for code in order[counts[order] > 0].tolist()))


def _fit_pairs(kind: BPE, texts: Callable[[], Iterator[pl.Series]]) -> Pairs:
    tokenizers = library()
    made = tokenizers.Tokenizer(tokenizers.models.BPE())
    made.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = tokenizers.decoders.ByteLevel()
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=kind.vocabulary, initial_alphabet=sorted(spelled_bytes()), show_progress=False
    )
    made.train_from_iterator((text for some in texts() for text in some), trainer)
    return Pairs(made)


def spelled_bytes() -> dict[str, int]:
    """The letter by which GPT-2 and its kin write each byte in their files: itself where it is printable, else one from 256."""
    shown = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    hidden = [byte for byte in range(BYTES) if byte not in shown]
    return {chr(byte): byte for byte in shown} | {chr(BYTES + place): byte for place, byte in enumerate(hidden)}
