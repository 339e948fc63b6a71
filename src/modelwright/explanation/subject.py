"""One row, or one word's tag in it, as methods see it: features that are there or not, and what the model then says. Knows no
method.

The row goes through the artifact's own codec once; features are mixed as tensors, exactly as encoding mixed rows would: a
column fills its own numbers and no other's. N questions, K features, M rows of background, P words, C classes or tags.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from modelwright.data.codecs.tags.schemes import OUTSIDE
from modelwright.data.reading import evenly
from modelwright.evaluation.resting import at_rest
from modelwright.explanation.features import Features, features_of
from modelwright.nouns import Batch, Classes, Codec, Numbers, Refused, Rows, Tagged
from modelwright.wording import say

if TYPE_CHECKING:
    from torch.nn import Module

AT_ONCE = 1024
"""Rows that the model is asked about at a time."""
NUMBERS_AT_ONCE = 2**22
"""And numbers, where rows are wide."""
BACKGROUND = 16
"""Rows of background at most: what is absent is averaged over them."""


@dataclass(frozen=True)
class Subject:
    """ask(present) is what the model says where only some features are the row's own."""

    module: Module
    codec: Codec
    batch: Batch
    """The row, B = 1."""
    background: Tensor
    """(M, ...) what stands where a feature is absent."""
    features: Features
    answer: int | None
    """The place of the class, or of the tag, whose chance is explained; None: the number itself, in its own unit."""
    word: int | None = None
    """Of tags: the place of the word whose tag it is."""

    @property
    def count(self) -> int:
        return len(self.features.names)

    def ask(self, present: np.ndarray) -> np.ndarray:
        """bool (N, K) -> float64 (N,), the mean over the background."""
        each = len(self.background)
        wide = max(1, self.batch[self.features.port].numel() * each)
        at_once = max(1, min(AT_ONCE // each, NUMBERS_AT_ONCE // wide))
        with at_rest(self.module):
            told = [self._told(present[start : start + at_once]) for start in range(0, len(present), at_once)]
        return np.concatenate(told) if told else np.zeros(0)

    def whole(self) -> float:
        """What the model says of the row."""
        return float(self.ask(np.ones((1, self.count), bool))[0])

    def none(self) -> float:
        """What it says where every feature is absent."""
        return float(self.ask(np.zeros((1, self.count), bool))[0])

    def _told(self, present: np.ndarray) -> np.ndarray:
        own = self.batch[self.features.port]
        always = np.concatenate([present, np.ones((len(present), 1), bool)], axis=1)  # padding is what it is
        there = torch.from_numpy(always)[:, self.features.places]  # (N, ...)
        mixed = torch.where(there.unsqueeze(1), own.unsqueeze(0), self.background.unsqueeze(0))  # (N, M, ...)
        return self.said(mixed.flatten(0, 1)).reshape(len(present), -1).mean(1)

    def said(self, inputs: Tensor) -> np.ndarray:
        """float64 (B,): what is explained, for rows that are tensors already."""
        with torch.autocast(inputs.device.type, enabled=False):
            written = self._written(inputs)
        if self.word is not None:
            return written.softmax(1)[:, self.answer].double().numpy()
        told = self.codec.decode({self.codec.writes[0].name: written})
        found = told["answer"] if self.answer is None else told["chances"].arr.get(self.answer)
        return found.cast(float).to_numpy()

    def scalar(self, inputs: Tensor) -> Tensor:
        """(B,) as said(), differentiable: the chance of the class or tag, or the number in its own unit."""
        port, written = self.codec.writes[0], self._written(inputs)
        if self.answer is None:
            low, high = self.codec.decode({port.name: torch.tensor([[0.0], [1.0]])})["answer"].to_list()
            return low + (high - low) * written[:, 0]
        if isinstance(port.kind, Classes) and port.kind.sigmoid:
            return torch.sigmoid(written[:, 0] if self.answer else -written[:, 0])
        return written.softmax(1)[:, self.answer]

    def _written(self, inputs: Tensor) -> Tensor:
        """(B, C) of the row, or of its one word."""
        batch = {name: tensor.expand(len(inputs), *tensor.shape[1:]) for name, tensor in self.batch.items()}
        written = self.module({**batch, self.features.port: inputs})[self.codec.writes[0].name].float()
        return written if self.word is None else written.reshape(len(inputs), -1, written.shape[1])[:, self.word]


def subject(module: Module, codec: Codec, row: Rows, background: Rows, word: int | None = None) -> Subject:
    """The one row, its answered class explained; of tags that of one word, the first that is not outside where none is named.
    Refused: more rows than one, a row that cannot be read, or a word that is not there."""
    if len(row) != 1:
        raise Refused(say("One row is explained at a time, and here are {n}.", n=len(row)))
    batch, faults = codec.encode(row)
    told = faults.filter(faults["column"] != codec.encoding.label)
    if told.height:
        raise Refused(say("Row {row} cannot be explained: {why}", row=f"{row.ids[0]:,}", why=told["sentence"][0]))
    features, absent = features_of(codec, row, batch, _readable(codec, some(background)))
    port = codec.writes[0]
    kept = {name: tensor for name, tensor in batch.items() if name != port.name}
    if isinstance(port.kind, Tagged):
        place, tag = _tagged(module, codec, kept, word)
        return Subject(module, codec, kept, absent, features, tag, place)
    if word is not None:
        raise Refused(say("This model gives no tags to words: leave out which word is meant."))
    return Subject(module, codec, kept, absent, features, _answered(module, codec, kept))


def some(rows: Rows) -> Rows:
    """At most BACKGROUND of the rows, evenly from all of them."""
    return rows.take(evenly(np.arange(len(rows)), BACKGROUND))


def _readable(codec: Codec, rows: Rows) -> Rows:
    """The rows that have no fault but, perhaps, in the label: what could not be read is nobody's background."""
    if not len(rows):
        return rows
    faults = codec.encode(rows)[1]
    bad = faults.filter(faults["column"] != codec.encoding.label)["row"].to_numpy()
    return rows.take(np.flatnonzero(~np.isin(rows.ids, bad)))


def _answered(module: Module, codec: Codec, batch: Batch) -> int | None:
    port = codec.writes[0]
    if not isinstance(port.kind, Classes):
        assert isinstance(port.kind, Numbers)
        return None
    with at_rest(module):
        told = codec.decode({port.name: module(batch)[port.name].float()})
    return port.kind.names.index(told["answer"][0])


def _tagged(module: Module, codec: Codec, batch: Batch, word: int | None) -> tuple[int, int]:
    """The place of the word, and its tag's."""
    kind = codec.writes[0].kind
    assert isinstance(kind, Tagged)
    with at_rest(module):
        tags: list[int] = module(batch)[codec.writes[0].name].argmax(1).tolist()
    place = word if word is not None else next((place for place, tag in enumerate(tags) if kind.tags[tag] != OUTSIDE), 0)
    if not 0 <= place < len(tags):
        facts = {"row": f"{batch['row'][0]:,}", "n": f"{len(tags):,}", "word": place}
        raise Refused(say("Of row {row} {n} words are read: there is no word {word}, counted from 0.", **facts))
    return place, tags[place]


@contextmanager
def still(module: Module) -> Generator[None, None, None]:
    """The module as it answers, with slopes: dropout off, and afterwards each of its parts as it was."""
    modes = [(part, part.training) for part in module.modules()]
    module.eval()
    try:
        with torch.enable_grad():
            yield
    finally:
        for part, training in modes:
            part.training = training
