"""Many rows through a codec: chunk by chunk, on all cores, each chunk laid in its place. Chunks change no number."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from modelwright.data.feed import STEPS, gathered
from modelwright.machine import cores
from modelwright.nouns import (
    Batch,
    Cells,
    Classes,
    Codec,
    Faults,
    Gaps,
    Hidden,
    Image,
    Numbers,
    Port,
    Reply,
    Rows,
    Series,
    Tagged,
    Tokens,
    Vector,
)
from modelwright.wording import say

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

AT_ONCE = 2**23
"""Bytes of encoded rows that one core makes at a time, before they are copied to their place."""
Piece = tuple[Batch, Faults]


def encode_all(
    codec: Codec, rows: Rows, positions: np.ndarray | None = None, height: int | None = None
) -> tuple[Batch, Faults]:
    """The rows at these positions (None: all) as one Batch, and all their faults.

    `height` rows are encoded at a time, None: as many as AT_ONCE holds."""
    import polars as pl

    total = len(rows) if positions is None else len(positions)
    height = height or max(1, AT_ONCE // sum(bytes_of(port) for port in codec.reads))
    if total <= height:
        return codec.encode(rows if positions is None else rows.take(positions))
    whole: Batch = {}
    faults: list[Faults] = []
    cut: list[Batch] = []
    for start, (batch, wrong) in zip(range(0, total, height), _pieces(codec, rows, positions, height)):
        faults.append(wrong)
        if "place" in batch:
            cut.append(batch)
            continue
        for name, tensor in batch.items():
            whole[name] = _filled(whole.get(name), tensor, start, total)
    return joined(cut) if cut else whole, pl.concat(faults)


def first_fault(faults: Faults) -> str:
    """Which row of all was at fault first, where and why; empty where none was."""
    if faults.is_empty():
        return ""
    row, column, fault = faults.row(0)
    return say("row {row}, {column}: {fault}", row=f"{row:,}", column=column, fault=fault)


def joined(batches: list[Batch]) -> Batch:
    """Of rows that are cut in pieces, as many as there turn out to be: one Batch, padded to the longest."""
    import torch

    longest = max(batch["mask"].shape[1] for batch in batches)

    def padded(batch: Batch, name: str) -> Tensor:
        steps = longest - batch[name].shape[1] if name in STEPS["mask"] else 0
        return torch.nn.functional.pad(batch[name], (0, steps)) if steps else batch[name]

    return {name: torch.cat([padded(batch, name) for batch in batches]) for name in batches[0]}


def _pieces(codec: Codec, rows: Rows, positions: np.ndarray | None, height: int) -> Iterator[Piece]:
    """In order; as many at a time as there are cores, and no more in memory. A codec is a value: threads may share it."""

    def encoded(start: int) -> Piece:
        if positions is None:
            return codec.encode(Rows(rows.ids[start : start + height], rows.columns.slice(start, height)))
        return codec.encode(rows.take(positions[start : start + height]))

    total, abreast = len(rows) if positions is None else len(positions), cores()
    with ThreadPoolExecutor(abreast) as threads:
        for first in range(0, total, height * abreast):
            yield from threads.map(encoded, range(first, min(first + height * abreast, total), height))


def bytes_of(port: Port) -> int:
    """Of one row, at most."""
    match port.kind:
        case Numbers(count):
            return 4 * max(count, 1)
        case Cells(choices):
            return 4 * max(len(choices), 1)
        case Image(channels, height, width):
            return channels * height * width
        case Tokens(longest=longest) | Reply(longest=longest) | Gaps(longest=longest) | Hidden(longest=longest):
            return 9 * longest
        case Series(count, longest):
            return (4 * count + 1) * longest
        case Vector(width):
            return 4 * width
        case Classes() | Tagged():
            return 8


def _filled(whole: Tensor | None, part: Tensor, start: int, height: int) -> Tensor:
    """The whole with this part in its rows; texts and series are padded to the longest so far."""
    import torch

    if whole is None:
        whole = torch.empty((height, *part.shape[1:]), dtype=part.dtype)
    if part.ndim not in (2, 3):
        whole[start : start + len(part)] = part
        return whole
    if part.shape[1] > whole.shape[1]:
        more = torch.zeros((height, part.shape[1] - whole.shape[1], *whole.shape[2:]), dtype=whole.dtype)
        whole = torch.cat([whole, more], dim=1)
    whole[start : start + len(part), : part.shape[1]] = part
    whole[start : start + len(part), part.shape[1] :] = 0
    return whole


def without(batch: Batch, faults: Faults) -> tuple[Batch, int]:
    """The training filter: the rows that have no fault, and how many had one."""
    import numpy as np
    import torch

    dropped = faults["row"].n_unique()
    bad = np.isin(batch["row"].numpy(), faults["row"].to_numpy())
    if not bad.any():
        return batch, dropped
    good = torch.from_numpy(np.flatnonzero(~bad))
    return gathered(batch, good), dropped
