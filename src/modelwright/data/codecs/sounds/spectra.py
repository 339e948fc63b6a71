"""The fitted codec of recordings: a column of WAV bytes or paths to float32 (B, T, F) with a mask. Knows no model.

B recordings, T frames, F bands of the mel scale.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl
import torch

from modelwright.data.codecs.cells import HOLE, faults, gone_since_training, never_there, no_faults, require
from modelwright.data.codecs.cells import texts as as_text
from modelwright.data.codecs.columns import BLANKS
from modelwright.data.codecs.labels import Labels, labelled, learn_labels, load_labels
from modelwright.data.codecs.sounds import LogMel
from modelwright.data.codecs.sounds.mel import Scale, scale, spectra
from modelwright.data.codecs.sounds.recordings import RecordingError, cells, content, head, heard
from modelwright.nouns import Batch, Faults, Port, Refused, Rows, Series, State
from modelwright.wording import say

PROBLEM = 400
"""Characters of what is wrong with a recording."""


@dataclass(frozen=True)
class Spectra:
    encoding: LogMel
    rate: int
    """Hz"""
    mean: tuple[float, ...]
    """(F,) of the training rows' logarithms."""
    spread: tuple[float, ...]
    labels: Labels

    @cached_property
    def scale(self) -> Scale:
        return scaled(self.encoding, self.rate)

    @property
    def reads(self) -> tuple[Port, ...]:
        longest = self.scale.frames(round(self.encoding.longest * self.rate))
        return (Port("inputs", Series(self.encoding.mels, longest)),)

    @property
    def writes(self) -> tuple[Port, ...]:
        return (self.labels.port,)

    def encode(self, rows: Rows) -> tuple[Batch, Faults]:
        """inputs float32 (B, T, F), zero where padded on the right, mask bool (B, T); T is the longest here.

        A recording that cannot be read has no step, and a fault."""
        require(rows.columns, [self.encoding.column], gone_since_training)
        sounds, good, found = listened(rows, self.encoding, self.rate)
        values, counts = spectra(sounds, self.scale)
        length = np.zeros(len(rows), np.int64)
        length[good] = counts
        mask = np.arange(length.max(initial=1)) < length[:, None]
        inputs = np.zeros((*mask.shape, self.encoding.mels), np.float32)
        inputs[mask] = (values - self.mean) / self.spread
        return labelled({"inputs": torch.from_numpy(inputs), "mask": torch.from_numpy(mask)}, rows, self.labels, [found])

    def decode(self, outputs: Batch) -> pl.DataFrame:
        return self.labels.decode(outputs)

    def repairs(self, rows: Rows) -> int:
        """Nothing is filled in."""
        return 0

    def state(self) -> State:
        mel = {"rate": self.rate, "mean": list(self.mean), "spread": list(self.spread)}
        return State({"mel": mel, "label": self.labels.facts()})


def load(encoding: LogMel, state: State) -> Spectra:
    mel = state.facts["mel"]
    return Spectra(encoding, mel["rate"], tuple(mel["mean"]), tuple(mel["spread"]), load_labels(state.facts["label"]))


def scaled(encoding: LogMel, rate: int) -> Scale:
    return scale(rate, encoding.window, encoding.hop, encoding.mels)


def listened(rows: Rows, encoding: LogMel, rate: int) -> tuple[list[np.ndarray], np.ndarray, Faults]:
    """The sounds that can be read, float32 (N,) each; which rows they are, bool (B,); the faults of the others."""
    sounds: list[np.ndarray] = []
    good = np.ones(len(rows), bool)
    problems: list[str] = []
    for place, cell in enumerate(cells(rows.columns[encoding.column])):
        try:
            sounds.append(heard(cell, rate, encoding.longest))
        except RecordingError as unreadable:
            good[place] = False
            problems.append(str(unreadable))
    if not problems:
        return sounds, good, no_faults()
    sentence = say("The recording cannot be read: {problem}.", problem=HOLE)
    told = pl.Series(problems, dtype=pl.String)
    return sounds, good, faults(rows.ids[~good], encoding.column, sentence, told, PROBLEM)


# --- learning --------------------------------------------------------------------------------------------------------------


def fit(encoding: LogMel, chunks: Callable[[], Iterator[Rows]]) -> Spectra:
    """The rate from the heads alone, where it is not ordered; then mean and spread of each band over all training frames."""
    rate = encoding.rate or _commonest(encoding, chunks)
    wide = scaled(encoding, rate)
    frames, total, square = 0, np.zeros(encoding.mels), np.zeros(encoding.mels)
    labels: list[pl.Series] = []
    for chunk in chunks():
        require(chunk.columns, [encoding.column, encoding.label], never_there)
        for start in range(0, len(chunk), 1024):
            sounds, _, _ = listened(chunk.take(np.arange(start, min(start + 1024, len(chunk)))), encoding, rate)
            values, counts = spectra(sounds, wide)
            frames, total, square = frames + len(values), _added(total, values, counts), _added(square, values**2, counts)
        labels.append(as_text(chunk.columns[encoding.label]))
    if not frames:
        raise Refused(_none(encoding))
    mean = total / frames
    spread = np.sqrt(np.maximum(square / frames - mean**2, 0))
    label = learn_labels(pl.concat(labels).to_frame(), encoding.label, BLANKS, sigmoid=encoding.output == "sigmoid")
    return Spectra(encoding, rate, tuple(mean.tolist()), tuple(np.where(spread > 1e-6, spread, 1.0).tolist()), label)


def _added(total: np.ndarray, values: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """The total (F,) and each recording's sum on top, one after the other: chunks change no bit."""
    if not len(counts):
        return total
    sums = np.add.reduceat(values, np.cumsum(counts) - counts, axis=0)
    return np.cumsum(np.vstack([total, sums]), axis=0)[-1]


def _commonest(encoding: LogMel, chunks: Callable[[], Iterator[Rows]]) -> int:
    """Of rates that come equally often, the highest."""
    rates: Counter[int] = Counter()
    for chunk in chunks():
        require(chunk.columns, [encoding.column, encoding.label], never_there)
        for cell in cells(chunk.columns[encoding.column]):
            try:
                rates[head(content(cell)).rate] += 1
            except RecordingError:
                continue
    if not rates:
        raise Refused(_none(encoding))
    return max(rates, key=lambda rate: (rates[rate], rate))


def _none(encoding: LogMel) -> str:
    return say('No training recording in column "{column}" can be read.', column=encoding.column)
