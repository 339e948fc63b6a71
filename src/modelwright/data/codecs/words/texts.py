"""The fitted codec of texts: whole columns of text to token numbers int64 (B, T) with a mask. Knows no grammar.

Full-width and other compatible forms count as their plain ones (Unicode NFKC).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import polars as pl
import torch

from modelwright.data.codecs.cells import gone_since_training, never_there, require
from modelwright.data.codecs.cells import texts as as_text
from modelwright.data.codecs.columns import BLANKS
from modelwright.data.codecs.labels import Labels, labelled, learn_labels, load_labels
from modelwright.data.codecs.words import Characters, Words
from modelwright.nouns import Batch, Faults, Port, Rows, State, Tokens

PADDING, UNKNOWN = 0, 1
FIRST = 2
"""The number of the first word of the vocabulary."""
IDEOGRAPHS = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}"
WORD = rf"[{IDEOGRAPHS}]|[\w--[{IDEOGRAPHS}]]+(?:['’][\w--[{IDEOGRAPHS}]]+)*"
CHARACTER = r"(?s)."
VOCABULARY = "vocabulary.txt"

TextEncoding: TypeAlias = Words | Characters


@dataclass(frozen=True)
class Texts:
    encoding: TextEncoding
    vocabulary: pl.Series
    """String (V,), the most frequent first; word i has the number i + FIRST."""
    labels: Labels

    @property
    def reads(self) -> tuple[Port, ...]:
        return (Port("inputs", Tokens(len(self.vocabulary) + FIRST, self.encoding.longest)),)

    @property
    def writes(self) -> tuple[Port, ...]:
        return (self.labels.port,)

    def encode(self, rows: Rows) -> tuple[Batch, Faults]:
        """inputs int64 (B, T) padded on the right, mask bool (B, T); T is the longest here. No text is one unknown word."""
        require(rows.columns, [self.encoding.column], gone_since_training)
        words = tokens(self.encoding, rows.columns[self.encoding.column])
        found = words.list.len().fill_null(0).to_numpy()
        numbers = self._numbers(one_by_one(words)).to_numpy()
        real = np.maximum(found, 1)
        mask = np.arange(real.max(initial=1)) < real[:, None]
        inputs = np.full(mask.shape, PADDING, np.int64)
        inputs[np.arange(mask.shape[1]) < found[:, None]] = numbers
        inputs[found == 0, 0] = UNKNOWN
        return labelled({"inputs": torch.from_numpy(inputs), "mask": torch.from_numpy(mask)}, rows, self.labels, [])

    def decode(self, outputs: Batch) -> pl.DataFrame:
        return self.labels.decode(outputs)

    def repairs(self, rows: Rows) -> int:
        """Nothing is filled in."""
        return 0

    def state(self) -> State:
        words = "".join(f"{escaped(word)}\n" for word in self.vocabulary)
        return State({"label": self.labels.facts()}, texts={VOCABULARY: words})

    def _numbers(self, words: pl.Series) -> pl.Series:
        numbers = range(FIRST, FIRST + len(self.vocabulary))
        return words.replace_strict(self.vocabulary, pl.Series(numbers, dtype=pl.Int64), default=UNKNOWN, return_dtype=pl.Int64)


def tokens(encoding: TextEncoding, column: pl.Series) -> pl.Series:
    """List(String) (B,): the first `longest` words or characters of each text; null where there is no text."""
    text = as_text(column).str.normalize("NFKC")
    split = text.str.to_lowercase().str.extract_all(WORD) if isinstance(encoding, Words) else text.str.extract_all(CHARACTER)
    return split.list.head(encoding.longest)


def counted(encoding: TextEncoding, column: pl.Series) -> pl.Series:
    """UInt32 (B,): the words or characters of each whole text; null where there is no text."""
    text = as_text(column).str.normalize("NFKC")
    return text.str.to_lowercase().str.count_matches(WORD) if isinstance(encoding, Words) else text.str.len_chars()


def one_by_one(words: pl.Series) -> pl.Series:
    """String: the words of all texts in their order."""
    return words.filter(words.list.len() > 0).explode()


def fit(encoding: TextEncoding, chunks: Callable[[], Iterator[Rows]]) -> Texts:
    """The vocabulary of what will be read of the training rows: by count, then by alphabet."""
    counts: list[pl.DataFrame] = []
    labels: list[pl.Series] = []
    for chunk in chunks():
        require(chunk.columns, [encoding.column, encoding.label], never_there)
        words = one_by_one(tokens(encoding, chunk.columns[encoding.column]))
        counts.append(words.alias("word").to_frame().group_by("word").len("count"))
        labels.append(as_text(chunk.columns[encoding.label]))
    counted = pl.concat(counts).group_by("word").agg(pl.col("count").sum())
    vocabulary = counted.sort(["count", "word"], descending=[True, False])["word"].head(encoding.vocabulary)
    label = learn_labels(pl.concat(labels).to_frame(), encoding.label, BLANKS, sigmoid=encoding.output == "sigmoid")
    return Texts(encoding, vocabulary, label)


def load(encoding: TextEncoding, state: State) -> Texts:
    words = [plain(line) for line in state.texts[VOCABULARY].split("\n")[:-1]]
    return Texts(encoding, pl.Series("word", words, dtype=pl.String), load_labels(state.facts["label"]))


def escaped(word: str) -> str:
    """The word on one line: a line end as \\n."""
    return word.replace("\\", "\\\\").replace("\n", "\\n")


def plain(line: str) -> str:
    """The inverse of escaped()."""
    return re.sub(r"\\(.)", lambda found: "\n" if found[1] == "n" else found[1], line)
