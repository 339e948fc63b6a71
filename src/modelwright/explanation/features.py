"""What a row is made of, for people: columns, patches of a picture, words, moments of a sound; and what their absence is.

H height, W width, C channels, T time, F features, K features of the explanation, M rows of background.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import polars as pl
import torch
from torch import Tensor

from modelwright.data.codecs.columns.table import Table
from modelwright.data.codecs.sounds.spectra import Spectra
from modelwright.data.codecs.tags.tagging import Tagging
from modelwright.data.codecs.words.subtexts import Subtexts
from modelwright.data.codecs.words.texts import UNKNOWN, Texts, tokens
from modelwright.nouns import Batch, Cells, Classes, Codec, Image, Numbers, Port, Refused, Rows, Series, Tagged, Tokens, Vector
from modelwright.wording import say

PATCHES = 8
"""Patches of a picture along its longer side at most."""
MOMENTS = 24
"""Moments of a series at most."""


@dataclass(frozen=True)
class Features:
    """K features and where their numbers lie."""

    kind: Literal["columns", "patches", "words", "moments"]
    port: str
    names: tuple[str, ...]
    said: tuple[str, ...]
    """What the row says of each; empty where the name is all."""
    places: Tensor
    """int64, of the shape of one row's tensor: which feature a number belongs to; K: to none, and it is always there."""
    grid: tuple[int, int] = (0, 0)
    """Patches down and across."""


def features_of(codec: Codec, row: Rows, batch: Batch, background: Rows) -> tuple[Features, Tensor]:
    """The row's features, and the tensor (M, ...) that stands where they are absent."""
    if len(codec.reads) != 1:
        raise Refused(say("What reads several things at once cannot be explained yet."))
    port = codec.reads[0]
    match port.kind:
        case Numbers() | Cells():
            return _columns(codec, port, row, batch), _rows(codec, port, background, batch)
        case Image():
            return _patches(port, port.kind), _mean_picture(codec, port, background, batch)
        case Tokens():
            return _words(codec, port, row, batch), torch.full_like(batch[port.name], _hidden(codec))
        case Series():
            return _moments(codec, port, batch), _mean_step(codec, port, background, batch)
        case Classes() | Tagged() | Vector():
            raise TypeError("a model reads no classes, tags or vectors")


def _columns(codec: Codec, port: Port, row: Rows, batch: Batch) -> Features:
    if not isinstance(codec, Table):
        names = tuple(str(place) for place in range(batch[port.name].shape[1]))
        return Features("columns", port.name, names, ("",) * len(names), torch.arange(len(names)))
    names = tuple(column.name for column in codec.columns)
    said = tuple("" if (cell := row.columns[name][0]) is None else str(cell) for name in names)
    cells = torch.tensor([len(column.choices) for column in codec.columns])
    return Features("columns", port.name, names, said, torch.arange(len(names)).repeat_interleave(cells))


def _patches(port: Port, image: Image) -> Features:
    edge = -(-max(image.height, image.width) // PATCHES)
    down, across = -(-image.height // edge), -(-image.width // edge)
    rows, columns = torch.arange(image.height) // edge, torch.arange(image.width) // edge
    places = (rows[:, None] * across + columns).expand(image.channels, -1, -1)
    names = tuple(f"{down_at + 1}, {across_at + 1}" for down_at in range(down) for across_at in range(across))
    return Features("patches", port.name, names, ("",) * len(names), places, (down, across))


def _words(codec: Codec, port: Port, row: Rows, batch: Batch) -> Features:
    if isinstance(codec, Tagging):
        return _tagged(codec, port, row, batch)
    real = int(batch["mask"].sum())
    if isinstance(codec, Texts):
        found = tokens(codec.encoding, row.columns[codec.encoding.column])[0]
        names = tuple(found) if found is not None else ()
    elif isinstance(codec, Subtexts):
        names = codec.pieces_of(row.columns[codec.encoding.column].cast(pl.String)[0] or "")
    else:
        names = ()
    names = (*names, *("" for _ in range(real - len(names))))
    steps = torch.arange(batch[port.name].shape[1])
    return Features("words", port.name, names, ("",) * real, torch.where(batch["mask"][0], steps, real))


def _tagged(codec: Tagging, port: Port, row: Rows, batch: Batch) -> Features:
    """The words themselves, as many as are read; each goes from its first token to the next one's."""
    bears, own = batch["bears"][0], int(batch["mask"].sum()) - len(codec.controls.end)
    count = int(bears.sum())
    within = (bears.cumsum(0) > 0) & (torch.arange(len(bears)) < own)
    (words,), _ = codec.words(row)
    return Features("words", port.name, words[:count], ("",) * count, torch.where(within, bears.cumsum(0) - 1, count))


def _moments(codec: Codec, port: Port, batch: Batch) -> Features:
    """Named by seconds where the codec knows how far its steps are apart, else by the steps."""
    real = max(1, int(batch["mask"].sum()))
    each = -(-real // MOMENTS)
    count = -(-real // each)
    steps = torch.arange(batch[port.name].shape[1])
    places = torch.where(batch["mask"][0], steps // each, count)
    ends = [(each * place, min(each * (place + 1), real)) for place in range(count)]
    if isinstance(codec, Spectra):
        step = codec.scale.hop / codec.scale.rate
        digits = 2 if each * step >= 0.01 else 3
        names = tuple(f"{start * step:.{digits}f}-{end * step:.{digits}f} s" for start, end in ends)
    else:
        names = tuple(f"{start + 1}-{end}" for start, end in ends)
    return Features("moments", port.name, names, ("",) * count, places.unsqueeze(1).expand(-1, batch[port.name].shape[2]))


# --- absence ----------------------------------------------------------------------------------------------------------------


def _hidden(codec: Codec) -> int:
    """The token that stands where a word is absent."""
    if not isinstance(codec, (Subtexts, Tagging)):
        return UNKNOWN
    controls = codec.tokenizer.controls
    return next((token for token in (controls.mask, controls.unknown, controls.padding) if token is not None), 0)


def _rows(codec: Codec, port: Port, background: Rows, batch: Batch) -> Tensor:
    """(M, F) rows of the background; with none, what the training rows are on average."""
    return codec.encode(background)[0][port.name] if len(background) else torch.zeros_like(batch[port.name])


def _mean_picture(codec: Codec, port: Port, background: Rows, batch: Batch) -> Tensor:
    """uint8 (1, C, H, W): the background's mean; with none, the mean colour of the training rows."""
    if len(background):
        return codec.encode(background)[0][port.name].float().mean(0, keepdim=True).round().to(torch.uint8)
    assert isinstance(port.kind, Image)
    mean = torch.tensor(port.kind.mean).round().to(torch.uint8)
    return mean[None, :, None, None].expand_as(batch[port.name])


def _mean_step(codec: Codec, port: Port, background: Rows, batch: Batch) -> Tensor:
    """(1, T, F): the background's mean step, everywhere; with none, zeros."""
    own = batch[port.name]
    if not len(background):
        return torch.zeros_like(own)
    others = codec.encode(background)[0]
    real = others[port.name][others["mask"]]
    mean = real.mean(0) if len(real) else torch.zeros(own.shape[2])
    return torch.from_numpy(np.broadcast_to(mean.numpy(), own.shape).copy())
