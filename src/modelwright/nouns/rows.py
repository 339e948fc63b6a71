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


SPARSE = 8
"""Where fewer than one row in so many is picked, each is looked up."""


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
    """Many rows in their order are let through a mask: where the frame is in pieces, ten times as fast as looking each up."""
    import numpy as np
    import polars as pl

    if len(positions) < 2 or not (positions[1:] > positions[:-1]).all() or positions[0] < 0:
        return frame[positions]
    first, span = int(positions[0]), int(positions[-1] - positions[0]) + 1
    if len(positions) * SPARSE < span:
        return frame[positions]
    through = np.zeros(span, bool)
    through[positions - first] = True
    return frame.slice(first, span).filter(pl.Series(through))


Faults: TypeAlias = "pl.DataFrame"
"""What could not be read: columns row (Int64, the row's id), column (String), sentence (String).

Good rows go on; heights and order are kept: a faulty row still has its place in the Batch."""

Batch: TypeAlias = "dict[str, Tensor]"
"""Named tensors, axis 0 is B. Reserved: row (B,) int64 ids, mask (B, T) bool true where real, weight (B,) float."""
