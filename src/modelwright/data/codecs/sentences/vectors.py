"""The fitted codec of sentences: a text to token numbers int64 (B, T), a vector (B, D) to an answer; of pairs both texts.

B rows, T time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
import torch
from torch import Tensor

from modelwright.data.codecs import sentences
from modelwright.data.codecs.cells import (
    blank_texts,
    faults,
    gone_since_training,
    joined,
    missing_faults,
    never_there,
    numbered,
    require,
)
from modelwright.data.codecs.cells import texts as as_text
from modelwright.data.codecs.columns import BLANKS
from modelwright.data.codecs.documents import plain
from modelwright.data.codecs.tokens import tokenizing
from modelwright.data.codecs.tokens.tokenizing import Tokenizing
from modelwright.nouns import Batch, Faults, Port, Refused, Rows, State, Tokens, Vector
from modelwright.wording import say


@dataclass(frozen=True)
class Sentences:
    encoding: sentences.Sentences
    tokenizer: Tokenizing

    @property
    def reads(self) -> tuple[Port, ...]:
        return (Port("inputs", Tokens(len(self.tokenizer.pieces), self.encoding.places, self.tokenizer.controls.padding)),)

    @property
    def writes(self) -> tuple[Port, ...]:
        return (Port("vector", Vector(self.encoding.width, self.encoding.unit, self.encoding.score is not None)),)

    def encode(self, rows: Rows) -> tuple[Batch, Faults]:
        """inputs int64 (B, T) padded on the right, mask bool (B, T), row int64 (B,); T is the longest here.

        Where positives are there other and other_mask as well, where negatives are against and against_mask, each of a T of its
        own; key, other_key and against_key int64 (B,), equal where texts are; alike bool (B,) and, where it is told, score
        float32 (B,)."""
        order, names = self.encoding, rows.columns.columns
        require(rows.columns, [order.column], gone_since_training)
        batch: Batch = {"row": torch.from_numpy(rows.ids), **self._side(rows, order.column, "inputs", "mask", "key")}
        paired = order.positive in names
        told = [_missing(rows, order.column, paired)]
        if not paired:
            return batch, joined(told)
        batch |= self._side(rows, order.positive, "other", "other_mask", "other_key")
        told.append(_missing(rows, order.positive))
        if order.negative is not None and order.negative in names:
            batch |= self._side(rows, order.negative, "against", "against_mask", "against_key")
            told.append(_missing(rows, order.negative))
        alike = torch.ones(len(rows), dtype=torch.bool)
        if order.score is not None and order.score in names:
            found = numbered(rows.columns[order.score], BLANKS)
            bad = found.missing | found.unparsable
            told.append(faults(rows.ids[bad], order.score, say("There is no number that says how alike the two are.")))
            score = torch.from_numpy(np.where(bad, np.nan, found.values).astype(np.float32))
            batch["score"], alike = score, score >= float(order.alike or 0.0)
        return {**batch, "alike": alike}, joined(told)

    def _side(self, rows: Rows, column: str, inputs: str, mask: str, key: str) -> Batch:
        """One text of each row, under these names."""
        text = as_text(rows.columns[column]).fill_null("")
        numbers, real = self._laid([self._around(one) for one in self.tokenizer.numbers(text)])
        return {inputs: numbers, mask: real, key: torch.from_numpy(text.hash().to_numpy().view(np.int64).copy())}

    def _laid(self, found: list[np.ndarray]) -> tuple[Tensor, Tensor]:
        """int64 (T,) each -> int64 and bool (B, T)."""
        real = np.array([len(numbers) for numbers in found], np.int64)
        mask = np.arange(real.max(initial=1)) < real[:, None]
        inputs = np.full(mask.shape, self.tokenizer.controls.padding or 0, np.int64)
        for place, numbers in enumerate(found):
            inputs[place, : len(numbers)] = numbers
        return torch.from_numpy(inputs), torch.from_numpy(mask)

    def _around(self, numbers: np.ndarray) -> np.ndarray:
        """With what stands before and after a text; its end is cut where it is too long."""
        controls = self.tokenizer.controls
        return np.array([*controls.begin, *numbers[: max(0, self._own)], *controls.end], np.int64)

    @property
    def _own(self) -> int:
        """Tokens of a text itself that are read."""
        controls = self.tokenizer.controls
        return self.encoding.longest - len(controls.begin) - len(controls.end)

    def cut(self, rows: Rows) -> np.ndarray:
        """bool (N,): in which rows a text is longer than what is read of it."""
        order, found = self.encoding, np.zeros(len(rows), bool)
        for column in {order.column, order.positive, order.negative or order.column} & set(rows.columns.columns):
            text = as_text(rows.columns[column]).fill_null("")
            found |= np.fromiter((len(numbers) > self._own for numbers in self.tokenizer.numbers(text)), bool, len(rows))
        return found

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
    """The tokenizer, of all texts. Refused: no such column, scores without a least one, or no pair in any training row."""
    _refuse_unfit(encoding)
    columns = [name for name in (encoding.column, encoding.positive, encoding.negative) if name is not None]

    def texts() -> Iterator[pl.Series]:
        for chunk in chunks():
            require(chunk.columns, [*columns, *([encoding.score] if encoding.score else [])], never_there)
            good = ~(blank_texts(as_text(chunk.columns[columns[0]])) | blank_texts(as_text(chunk.columns[columns[1]])))
            yield from (as_text(chunk.columns[name]).filter(good).drop_nulls() for name in columns)

    if not any(map(len, texts())):
        facts = {"column": encoding.column, "label": encoding.positive}
        raise Refused(say('No training row has a text both in "{column}" and in "{label}".', **facts))
    return Sentences(replace(encoding, tokenizer=plain(encoding.tokenizer)), tokenizing.fit(encoding.tokenizer, texts))


def load(encoding: sentences.Sentences, state: State) -> Sentences:
    return Sentences(encoding, tokenizing.load(encoding.tokenizer, state.texts))


def _refuse_unfit(encoding: sentences.Sentences) -> None:
    if (encoding.score is None) != (encoding.alike is None):
        told = say("codec.score and codec.alike come together: which column tells how alike two texts are, and from where on.")
        raise Refused(told, say("Give both, as score = \"score\" and alike = 4.0, or neither."))
    if encoding.longest > encoding.places:
        facts = {"longest": encoding.longest, "places": encoding.places}
        told = say("codec.longest = {longest}, and the model could read {places} tokens.", **facts)
        raise Refused(told, say("Set codec.places = {longest}, or more.", **facts))


def _missing(rows: Rows, column: str, blank: bool = True) -> Faults:
    """Where there is no text; a text without a word is one that can be answered, and means nothing in a pair."""
    text = as_text(rows.columns[column])
    return missing_faults(rows, column, (blank_texts(text) if blank else text.is_null()).to_numpy())
