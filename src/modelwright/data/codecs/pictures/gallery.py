"""The fitted codec of pictures: a column of bytes, paths or arrays to uint8 (B, C, H, W). Knows no file format and no model."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl
import torch

from modelwright.data.codecs.cells import HOLE, faults, gone_since_training, never_there, no_faults, require
from modelwright.data.codecs.cells import texts as as_text
from modelwright.data.codecs.columns import BLANKS
from modelwright.data.codecs.labels import Labels, labelled, learn_labels, load_labels
from modelwright.data.codecs.pictures import Pictures
from modelwright.data.codecs.pictures.developing import Cell, PictureError, cells, developed, each, head
from modelwright.nouns import Batch, Faults, Image, Port, Refused, Rows, State
from modelwright.wording import say

PROBLEM = 400
"""Characters of what is wrong with a picture."""
LONGEST = 128
"""Pixels of a side of which a first network learns in minutes."""
BLOCK = 2**22
"""Bytes counted at a time."""


@dataclass(frozen=True)
class Gallery:
    encoding: Pictures
    image: Image
    labels: Labels

    @property
    def reads(self) -> tuple[Port, ...]:
        return (Port("inputs", self.image),)

    @property
    def writes(self) -> tuple[Port, ...]:
        return (self.labels.port,)

    def encode(self, rows: Rows) -> tuple[Batch, Faults]:
        """inputs uint8 (B, C, H, W); a picture that cannot be read is black, and a fault."""
        require(rows.columns, [self.encoding.column], gone_since_training)
        inputs, found = _developed(rows, self.encoding.column, self.image.channels, (self.image.height, self.image.width))
        return labelled({"inputs": torch.from_numpy(inputs)}, rows, self.labels, [found])

    def decode(self, outputs: Batch) -> pl.DataFrame:
        return self.labels.decode(outputs)

    def repairs(self, rows: Rows) -> int:
        """Nothing is filled in."""
        return 0

    def state(self) -> State:
        image: dict[str, Any] = {
            "channels": self.image.channels,
            "height": self.image.height,
            "width": self.image.width,
            "mean": list(self.image.mean),
            "spread": list(self.image.spread),
        }
        return State({"image": image, "label": self.labels.facts()})


def load(encoding: Pictures, state: State) -> Gallery:
    told = state.facts["image"]
    image = Image(told["channels"], told["height"], told["width"], tuple(told["mean"]), tuple(told["spread"]))
    return Gallery(encoding, image, load_labels(state.facts["label"]))


def _developed(rows: Rows, column: str, channels: int, size: tuple[int, int]) -> tuple[np.ndarray, Faults]:
    """uint8 (B, C, H, W), black where a picture cannot be read, and those faults."""
    pictures = cells(rows.columns[column])
    if isinstance(pictures, np.ndarray) and pictures.dtype == np.uint8 and pictures.shape[1:] in _plain_shapes(channels, size):
        return np.array(pictures.reshape(len(rows), channels, *size)), no_faults()
    out = np.zeros((len(rows), channels, *size), np.uint8)
    bad: dict[int, str] = {}
    for place, picture in enumerate(each(lambda cell: developed(cell, channels, size), pictures)):
        if isinstance(picture, PictureError):
            bad[place] = _with_path(str(picture), pictures[place])
        else:
            out[place] = picture
    if not bad:
        return out, no_faults()
    sentence = say("The picture cannot be read: {problem}.", problem=HOLE)
    return out, faults(rows.ids[list(bad)], column, sentence, pl.Series(bad.values(), dtype=pl.String), PROBLEM)


def _with_path(problem: str, picture: Cell) -> str:
    """What is wrong, and of which file."""
    return f"{problem} ({picture})" if isinstance(picture, str) and picture not in problem else problem


def _plain_shapes(channels: int, size: tuple[int, int]) -> tuple[tuple[int, ...], ...]:
    return ((channels, *size), size) if channels == 1 else ((channels, *size),)


# --- learning --------------------------------------------------------------------------------------------------------------


@dataclass
class Heads:
    """What the heads of training pictures say."""

    grey: bool = True
    sizes: dict[tuple[int, int], int] = field(default_factory=dict)

    def note(self, grey: bool, size: tuple[int, int]) -> None:
        self.grey &= grey
        self.sizes[size] = self.sizes.get(size, 0) + 1


def fit(encoding: Pictures, chunks: Callable[[], Iterator[Rows]]) -> Gallery:
    """First the heads alone: grey or colour, and the size; then mean and spread, exactly, from counts of the 256 values."""
    heads = Heads()
    labels: list[pl.Series] = []
    for chunk in chunks():
        require(chunk.columns, [encoding.column, encoding.label], never_there)
        _look(cells(chunk.columns[encoding.column]), heads)
        labels.append(as_text(chunk.columns[encoding.label]))
    channels, size = 1 if heads.grey else 3, encoding.size or _common_size(encoding, heads)
    counts = np.zeros((channels, 256), np.int64)
    for chunk in chunks():
        pictures, wrong = _developed(chunk, encoding.column, channels, size)
        counts += histogram(pictures[~np.isin(chunk.ids, wrong["row"].to_numpy())])
    mean, spread = _mean_and_spread(counts)
    label = learn_labels(pl.concat(labels).to_frame(), encoding.label, BLANKS, sigmoid=encoding.output == "sigmoid")
    return Gallery(encoding, Image(channels, *size, mean, spread), label)


def _look(pictures: Any, heads: Heads) -> None:
    if isinstance(pictures, np.ndarray):
        grey = pictures.ndim == 3 or pictures.shape[1] == 1
        if len(pictures):
            heads.note(grey, (pictures.shape[-2], pictures.shape[-1]))
        return
    for seen in each(head, pictures):
        if not isinstance(seen, PictureError):
            heads.note(*seen)


def _common_size(encoding: Pictures, heads: Heads) -> tuple[int, int]:
    if not heads.sizes:
        raise Refused(say('No training picture in column "{column}" can be read.', column=encoding.column))
    most = max(heads.sizes, key=lambda size: (heads.sizes[size], size))
    if len(heads.sizes) > 1:
        raise Refused(
            say("The training pictures have {n} different sizes; say which one all are brought to: size = [{height}, {width}].",
                n=f"{len(heads.sizes):,}", height=most[0], width=most[1])
        )  # fmt: skip
    return most


def size_for(column: pl.Series) -> tuple[int, int] | None:
    """Height and width for pictures of several sizes or large ones: the median, its longer side at most LONGEST; None: as they
    are."""
    heads = Heads()
    _look(cells(column), heads)
    if not heads.sizes or (len(heads.sizes) == 1 and max(next(iter(heads.sizes))) <= LONGEST):
        return None
    seen = np.repeat(np.array([*heads.sizes]), [*heads.sizes.values()], axis=0)
    height, width = np.median(seen, axis=0)
    shrink = min(1.0, LONGEST / max(height, width))
    return max(1, round(height * shrink)), max(1, round(width * shrink))


def histogram(pictures: np.ndarray) -> np.ndarray:
    """int64 (C, 256): how often each value comes, of uint8 (B, C, H, W)."""
    counts = np.zeros((pictures.shape[1], 256), np.int64)
    step = max(1, BLOCK // max(pictures[0].size if len(pictures) else 1, 1))
    for start in range(0, len(pictures), step):
        for channel, values in enumerate(pictures[start : start + step].swapaxes(0, 1)):
            counts[channel] += np.bincount(values.reshape(-1), minlength=256)
    return counts


def _mean_and_spread(counts: np.ndarray) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Each (C,), on the 0 to 255 scale; the spread of pictures that are all alike is 1."""
    values, total = np.arange(256), counts.sum(axis=1)
    mean = (counts @ values) / total
    square = (counts * (values - mean[:, None]) ** 2).sum(axis=1) / total
    return tuple(mean.tolist()), tuple(float(spread) or 1.0 for spread in np.sqrt(square))
