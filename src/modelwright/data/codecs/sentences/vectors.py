"""The fitted codec of sentences: a text to token numbers int64 (B, T), a vector (B, D) to an answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
import torch

from modelwright.data.codecs import sentences
from modelwright.data.codecs.cells import gone_since_training, missing_faults, never_there, no_faults, require
from modelwright.data.codecs.cells import texts as as_text
from modelwright.data.codecs.documents import plain
from modelwright.data.codecs.tokens import tokenizing
from modelwright.data.codecs.tokens.tokenizing import Tokenizing
from modelwright.nouns import Batch, Faults, Port, Rows, State, Tokens, Vector


@dataclass(frozen=True)
class Sentences:
    encoding: sentences.Sentences
    tokenizer: Tokenizing

    @property
    def reads(self) -> tuple[Port, ...]:
        return (Port("inputs", Tokens(len(self.tokenizer.pieces), self.encoding.places, self.tokenizer.controls.padding)),)

    @property
    def writes(self) -> tuple[Port, ...]:
        return (Port("vector", Vector(self.encoding.width, self.encoding.unit)),)

    def encode(self, rows: Rows) -> tuple[Batch, Faults]:
        """inputs int64 (B, T) padded on the right, mask bool (B, T), row int64 (B,); T is the longest here."""
        require(rows.columns, [self.encoding.column], gone_since_training)
        text = as_text(rows.columns[self.encoding.column])
        missing = text.is_null()
        found = [self._around(numbers) for numbers in self.tokenizer.numbers(text.fill_null(""))]
        real = np.array([len(numbers) for numbers in found], np.int64)
        mask = np.arange(real.max(initial=1)) < real[:, None]
        inputs = np.full(mask.shape, self.tokenizer.controls.padding or 0, np.int64)
        for place, numbers in enumerate(found):
            inputs[place, : len(numbers)] = numbers
        columns = {"inputs": inputs, "mask": mask, "row": rows.ids}
        faults = missing_faults(rows, self.encoding.column, missing.to_numpy()) if missing.any() else no_faults()
        return {name: torch.from_numpy(column) for name, column in columns.items()}, faults

    def _around(self, numbers: np.ndarray) -> np.ndarray:
        """With what stands before and after a text; its end is cut where it is too long."""
        controls = self.tokenizer.controls
        own = max(0, self.encoding.longest - len(controls.begin) - len(controls.end))
        return np.array([*controls.begin, *numbers[:own], *controls.end], np.int64)

    def cut(self, rows: Rows) -> np.ndarray:
        """bool (N,): which texts are longer than what is read of them."""
        controls = self.tokenizer.controls
        own = self.encoding.longest - len(controls.begin) - len(controls.end)
        text = as_text(rows.columns[self.encoding.column]).fill_null("")
        return np.fromiter((len(numbers) > own for numbers in self.tokenizer.numbers(text)), bool, len(rows))

    def decode(self, outputs: Batch) -> pl.DataFrame:
        """answer: the vector."""
        vectors = outputs["vector"].float().numpy()
        return pl.DataFrame({"answer": pl.Series(vectors, dtype=pl.Array(pl.Float32, self.encoding.width))})

    def repairs(self, rows: Rows) -> int:
        """Nothing is filled in."""
        return 0

    def state(self) -> State:
        return State({}, texts=self.tokenizer.files())


def fit(encoding: sentences.Sentences, chunks: Callable[[], Iterator[Rows]]) -> Sentences:
    def texts() -> Iterator[pl.Series]:
        for chunk in chunks():
            require(chunk.columns, [encoding.column], never_there)
            yield as_text(chunk.columns[encoding.column]).drop_nulls()

    return Sentences(replace(encoding, tokenizer=plain(encoding.tokenizer)), tokenizing.fit(encoding.tokenizer, texts))


def load(encoding: sentences.Sentences, state: State) -> Sentences:
    return Sentences(encoding, tokenizing.load(encoding.tokenizer, state.texts))
