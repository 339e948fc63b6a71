"""The fitted codec of table columns: whole columns at a time from cells to float32 (B, F). Knows text and numbers, no model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
import polars as pl
import torch

from modelwright.data.codecs import cells as read
from modelwright.data.codecs.cells import Coded, Numbered, coded, missing_faults, numbered, texts
from modelwright.data.codecs.columns import Columns
from modelwright.data.codecs.labels import Labels, far_faults, labelled, load_labels, standardised, unparsable_faults
from modelwright.nouns import Batch, Faults, Numbers, Port, Rows, State


@dataclass(frozen=True)
class Number:
    """One standardised number; with `flagged`, one more that is 1 where it was missing."""

    name: str
    mean: float
    spread: float
    fill: float | None
    """What a missing one counts as; None: a fault."""
    flagged: bool
    kind: Literal["number"] = "number"

    @property
    def width(self) -> int:
        return 1 + self.flagged


@dataclass(frozen=True)
class Category:
    """One slot for each value; none is 1 for a value never seen. With `flagged`, the last slot is for missing ones."""

    name: str
    values: tuple[str, ...]
    fill: str | None
    """What a missing one counts as; None: a fault, unless flagged."""
    flagged: bool
    kind: Literal["category"] = "category"

    @property
    def width(self) -> int:
        return len(self.values) + self.flagged

    @property
    def faulty(self) -> bool:
        """Whether a missing one is a fault."""
        return self.fill is None and not self.flagged


Column: TypeAlias = Number | Category
NEAR = 1 << 19
"""Cells of the matrix that are laid at a time, 2 MB of them."""


@dataclass(frozen=True)
class Table:
    """Columns in their order, each with what training rows taught it, and the labels."""

    encoding: Columns
    columns: tuple[Column, ...]
    labels: Labels

    @property
    def reads(self) -> tuple[Port, ...]:
        return (Port("inputs", Numbers(sum(column.width for column in self.columns))),)

    @property
    def writes(self) -> tuple[Port, ...]:
        return (self.labels.port,)

    def encode(self, rows: Rows) -> tuple[Batch, Faults]:
        """inputs float32 (B, F); a faulty cell counts as the mean, or as a category never seen."""
        self._require(rows)
        found: list[Faults] = []
        slots = [slot for column in self.columns for slot in _read(column, rows, self.encoding.blanks, found)]
        width = sum(column.width for column in self.columns)
        return labelled({"inputs": torch.from_numpy(_laid(slots, len(rows), width))}, rows, self.labels, found)

    def decode(self, outputs: Batch) -> pl.DataFrame:
        return self.labels.decode(outputs)

    def repairs(self, rows: Rows) -> int:
        """Rows in which at least one missing value is filled in."""
        self._require(rows)
        filled = np.zeros(len(rows), bool)
        for column in self.columns:
            if isinstance(column, Number):
                filled |= numbered(rows.columns[column.name], self.encoding.blanks).missing & (column.fill is not None)
            elif not column.faulty:
                filled |= read.absent(texts(rows.columns[column.name]), self.encoding.blanks)
        return int(filled.sum())

    def state(self) -> State:
        return State({"columns": [asdict(column) for column in self.columns], "label": self.labels.facts()})

    def _require(self, rows: Rows) -> None:
        read.require(rows.columns, (column.name for column in self.columns), read.gone_since_training)


def load(encoding: Columns, state: State) -> Table:
    return Table(encoding, tuple(_column(facts) for facts in state.facts["columns"]), load_labels(state.facts["label"]))


def _column(facts: Mapping[str, Any]) -> Column:
    if facts["kind"] == "number":
        return Number(facts["name"], float(facts["mean"]), float(facts["spread"]), facts["fill"], bool(facts["flagged"]))
    if facts["kind"] != "category":
        raise ValueError(f"a column of kind {facts['kind']!r}")
    return Category(facts["name"], tuple(facts["values"]), facts["fill"], bool(facts["flagged"]))


@dataclass(frozen=True)
class Slots:
    """What a column says, before it is laid in the matrix."""

    width: int
    cells: np.ndarray
    """(B,): float32, the number itself in one slot; or int32, which of `width` slots is 1, none where it is negative."""


def _laid(slots: list[Slots], height: int, width: int) -> np.ndarray:
    """float32 (B, F), some rows at a time, while they are near the processor."""
    laid = np.zeros((height, width), np.float32)
    at_once = max(1, NEAR // max(width, 1))
    for start in range(0, height, at_once):
        block = laid[start : start + at_once]
        flat, rows = block.reshape(-1), np.arange(0, block.size, width)
        place = 0
        for slot in slots:
            cells = slot.cells[start : start + at_once]
            if cells.dtype == np.float32:
                block[:, place] = cells
            else:
                known = cells >= 0
                flat[(rows + (cells + place))[known]] = 1
            place += slot.width
    return laid


def _read(column: Column, rows: Rows, blanks: tuple[str, ...], found: list[Faults]) -> list[Slots]:
    """The column's slots, in order; its faults join those found."""
    if isinstance(column, Number):
        return _read_number(column, rows, numbered(rows.columns[column.name], blanks), found)
    return [_read_category(column, rows, coded(texts(rows.columns[column.name]), column.values, blanks), found)]


def _read_number(column: Number, rows: Rows, cells: Numbered, found: list[Faults]) -> list[Slots]:
    values = cells.values
    if cells.missing.any():
        values = np.where(cells.missing, column.mean if column.fill is None else column.fill, values)
        if column.fill is None:
            found.append(missing_faults(rows, column.name, cells.missing))
    if cells.unparsable.any():
        values = np.where(cells.unparsable, column.mean, values)
        found.append(unparsable_faults(rows, column.name, cells.unparsable))
    standard, far = standardised(values, column.mean, column.spread)
    if far.any():
        standard[far] = 0
        found.append(far_faults(rows, column.name, far))
    flag = [Slots(1, cells.missing.astype(np.float32))] if column.flagged else []
    return [Slots(1, standard.astype(np.float32)), *flag]


def _read_category(column: Category, rows: Rows, cells: Coded, found: list[Faults]) -> Slots:
    codes = cells.codes
    if cells.missing.any():
        if column.faulty:
            found.append(missing_faults(rows, column.name, cells.missing))
        else:
            slot = len(column.values) if column.fill is None else column.values.index(column.fill)
            codes = np.where(cells.missing, np.int32(slot), codes)
    return Slots(column.width, codes)
