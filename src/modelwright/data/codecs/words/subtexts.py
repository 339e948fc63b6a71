"""The fitted codec of texts through a tokenizer: columns of text to token numbers int64 (B, T) with a mask, and labels."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
import torch

from modelwright.data.codecs.cells import gone_since_training, never_there, require
from modelwright.data.codecs.cells import texts as as_text
from modelwright.data.codecs.columns import BLANKS
from modelwright.data.codecs.documents import plain
from modelwright.data.codecs.labels import Labels, labelled, learn_labels, load_labels
from modelwright.data.codecs.tokens import tokenizing
from modelwright.data.codecs.tokens.tokenizing import Tokenizing
from modelwright.data.codecs.words import Texts
from modelwright.nouns import Batch, Faults, Port, Rows, State, Tokens


@dataclass(frozen=True)
class Subtexts:
    encoding: Texts
    tokenizer: Tokenizing
    labels: Labels
    places: int
    """Tokens that the model could read: encoding.longest, or more where it began with the weights of another."""

    @property
    def reads(self) -> tuple[Port, ...]:
        return (Port("inputs", Tokens(len(self.tokenizer.pieces), self.places, self.tokenizer.controls.padding)),)

    @property
    def writes(self) -> tuple[Port, ...]:
        return (self.labels.port,)

    @property
    def own(self) -> int:
        """Tokens of a text itself that are read."""
        controls = self.tokenizer.controls
        return max(0, self.encoding.longest - len(controls.begin) - len(controls.end))

    def encode(self, rows: Rows) -> tuple[Batch, Faults]:
        """inputs int64 (B, T) padded on the right, mask bool (B, T); T is the longest here. No text is an empty one."""
        found = [self._around(numbers) for numbers in self._numbers(rows)]
        real = np.array([len(numbers) for numbers in found], np.int64)
        mask = np.arange(real.max(initial=1)) < real[:, None]
        inputs = np.full(mask.shape, self.tokenizer.controls.padding or 0, np.int64)
        for place, numbers in enumerate(found):
            inputs[place, : len(numbers)] = numbers
        return labelled({"inputs": torch.from_numpy(inputs), "mask": torch.from_numpy(mask)}, rows, self.labels, [])

    def cut(self, rows: Rows) -> np.ndarray:
        """bool (N,): of which texts the end is not read."""
        return np.fromiter((len(numbers) > self.own for numbers in self._numbers(rows)), bool, len(rows))

    def pieces_of(self, text: str) -> tuple[str, ...]:
        """What each token that is read of a text spells; what stands around it spells nothing."""
        numbers = self._around(self.tokenizer.numbers(pl.Series([text], dtype=pl.String))[0])
        return tuple(self.tokenizer.pieces[number].decode(errors="replace").strip() for number in numbers.tolist())

    def decode(self, outputs: Batch) -> pl.DataFrame:
        return self.labels.decode(outputs)

    def repairs(self, rows: Rows) -> int:
        """Nothing is filled in."""
        return 0

    def state(self) -> State:
        return State({"label": self.labels.facts(), "places": self.places}, texts=self.tokenizer.files())

    def _numbers(self, rows: Rows) -> list[np.ndarray]:
        """Of each text int64 (T,), whole."""
        require(rows.columns, [self.encoding.column], gone_since_training)
        return self.tokenizer.numbers(as_text(rows.columns[self.encoding.column]).fill_null(""))

    def _around(self, numbers: np.ndarray) -> np.ndarray:
        """With what stands before and after a text, its own end cut where it is too long; of nothing at all one unknown."""
        controls = self.tokenizer.controls
        whole = [*controls.begin, *numbers[: self.own], *controls.end][: self.encoding.longest]
        return np.array(whole or [controls.unknown or controls.padding or 0], np.int64)


def fit(encoding: Texts, chunks: Callable[[], Iterator[Rows]]) -> Subtexts:
    """The tokenizer and the labels, of training rows. Refused: no such column, or what either of them refuses."""
    labels: list[pl.Series] = []
    for chunk in chunks():
        require(chunk.columns, [encoding.column, encoding.label], never_there)
        labels.append(as_text(chunk.columns[encoding.label]))
    label = learn_labels(pl.concat(labels).to_frame(), encoding.label, BLANKS, sigmoid=encoding.output == "sigmoid")

    def texts() -> Iterator[pl.Series]:
        for chunk in chunks():
            yield as_text(chunk.columns[encoding.column]).drop_nulls()

    tokenizer = tokenizing.fit(encoding.tokenizer, texts)
    return Subtexts(replace(encoding, tokenizer=plain(encoding.tokenizer)), tokenizer, label, encoding.longest)


def load(encoding: Texts, state: State) -> Subtexts:
    tokenizer = tokenizing.load(encoding.tokenizer, state.texts)
    return Subtexts(encoding, tokenizer, load_labels(state.facts["label"]), state.facts["places"])
