"""Raw things, and the tensors that they become."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    from torch import Tensor

Part: TypeAlias = Literal["train", "validation", "test"]
PARTS: tuple[Part, ...] = ("train", "validation", "test")


@dataclass(frozen=True)
class Rows:
    """Raw things, columnar, with a stable id each. One request is Rows of height one."""

    ids: np.ndarray
    """int64 (N,): the row's place in its source, counted from 0; it never changes."""
    columns: pl.DataFrame
    """N rows. Text sources give every column as String; pictures are encoded bytes, paths or Array(UInt8)."""

    def __len__(self) -> int:
        return len(self.ids)

    def take(self, positions: np.ndarray) -> Rows:
        """The rows at these positions (not ids), in this order."""
        return Rows(self.ids[positions], _picked(self.columns, positions))


def _picked(frame: pl.DataFrame, positions: np.ndarray) -> pl.DataFrame:
    """Of a frame in pieces rows are let through a mask: polars looks each up ten times as slowly, and makes pictures one piece
    before it does, which is as much memory again."""
    import numpy as np
    import polars as pl

    if frame.n_chunks() == 1 or not len(positions) or positions.min() < 0:
        return frame[positions]
    ascending = bool((positions[1:] > positions[:-1]).all())
    wanted, places = (positions, None) if ascending else np.unique(positions, return_inverse=True)
    first = int(wanted[0])
    through = np.zeros(int(wanted[-1]) - first + 1, bool)
    through[wanted - first] = True
    found = frame.slice(first, len(through)).filter(pl.Series(through))
    return found if places is None else found.rechunk()[places]


Faults: TypeAlias = "pl.DataFrame"
"""What could not be read: columns row (Int64, the row's id), column (String), sentence (String).

Good rows go on; heights and order are kept: a faulty row still has its place in the Batch."""

Batch: TypeAlias = "dict[str, Tensor]"
"""Named tensors, axis 0 is B. Reserved: row (B,) int64 ids, mask (B, T) bool true where real, weight (B,) float. Where rows are
cut in pieces: place (B,) int64, how many tokens of the row come before; bears (B, T) bool, true where loss is borne."""
