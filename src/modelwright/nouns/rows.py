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
        return Rows(self.ids[positions], self.columns[positions])


Faults: TypeAlias = "pl.DataFrame"
"""What could not be read: columns row (Int64, the row's id), column (String), sentence (String).

Good rows go on; heights and order are kept: a faulty row still has its place in the Batch."""

Batch: TypeAlias = "dict[str, Tensor]"
"""Named tensors, axis 0 is B. Reserved: row (B,) int64 ids, mask (B, T) bool true where real, weight (B,) float."""
