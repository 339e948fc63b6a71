"""The fitted codec of table columns: whole columns at a time from cells to float32 (B, K). Knows text and numbers, no model."""

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
from modelwright.data.codecs.columns.decimals import plainly
from modelwright.data.codecs.labels import Labels, far_faults, labelled, load_labels, standardised, unparsable_faults
from modelwright.nouns import Batch, Cells, Faults, Port, Rows, State


@dataclass(frozen=True)
class Number:
    """One standardised number; with `flagged`, one more beside it that is 1 where it was missing."""

    name: str
    mean: float
    spread: float
    fill: float | None
    """What a missing one counts as; None: a fault."""
    flagged: bool
    kind: Literal["number"] = "number"

    @property
    def choices(self) -> tuple[int, ...]:
        """Of its cells, as in Cells."""
        return (0, 0) if self.flagged else (0,)


@dataclass(frozen=True)
class Category:
    """The place of its value, UNSEEN for one that training rows lack. With `flagged`, missing ones have the last place."""

    name: str
    values: tuple[str, ...]
    fill: str | None
    """What a missing one counts as; None: a fault, unless flagged."""
    flagged: bool
    kind: Literal["category"] = "category"

    @property
    def choices(self) -> tuple[int, ...]:
        """Of its cell, as in Cells; it has none where there is nothing to choose from."""
        count = len(self.values) + self.flagged
        return (count,) if count else ()

    @property
    def faulty(self) -> bool:
        """Whether a missing one is a fault."""
        return self.fill is None and not self.flagged


Column: TypeAlias = Number | Category


@dataclass(frozen=True)
class Table:
    """Columns in their order, each with what training rows taught it, and the labels."""

    encoding: Columns
    columns: tuple[Column, ...]
    labels: Labels

    @property
    def reads(self) -> tuple[Port, ...]:
        return (Port("inputs", self.cells),)

    @property
    def cells(self) -> Cells:
        return Cells(tuple(choices for column in self.columns for choices in column.choices))

    @property
    def writes(self) -> tuple[Port, ...]:
        return (self.labels.port,)

    def encode(self, rows: Rows) -> tuple[Batch, Faults]:
        """inputs float32 (B, K); a faulty cell counts as the mean, or as a category never seen."""
        rows = self._required(rows)
        found: list[Faults] = []
        inputs = np.empty((len(rows), len(self.cells.choices)), np.float32)
        place = 0
        for column in self.columns:
            for cells in _read(column, rows, self.encoding.blanks, found)[: len(column.choices)]:
                inputs[:, place] = cells
                place += 1
        return labelled({"inputs": torch.from_numpy(inputs)}, rows, self.labels, found)

    def decode(self, outputs: Batch) -> pl.DataFrame:
        return self.labels.decode(outputs)

    def repairs(self, rows: Rows) -> int:
        """Rows in which at least one missing value is filled in."""
        rows = self._required(rows)
        filled = np.zeros(len(rows), bool)
        for column in self.columns:
            if isinstance(column, Number):
                filled |= numbered(rows.columns[column.name], self.encoding.blanks).missing & (column.fill is not None)
            elif not column.faulty:
                filled |= read.absent(texts(rows.columns[column.name]), self.encoding.blanks)
        return int(filled.sum())

    def state(self) -> State:
        return State({"columns": [asdict(column) for column in self.columns], "label": self.labels.facts()})

    def _required(self, rows: Rows) -> Rows:
        read.require(rows.columns, (column.name for column in self.columns), read.gone_since_training)
        return plainly(rows, self.encoding)


def load(encoding: Columns, state: State) -> Table:
    return Table(encoding, tuple(_column(facts) for facts in state.facts["columns"]), load_labels(state.facts["label"]))


def _column(facts: Mapping[str, Any]) -> Column:
    if facts["kind"] == "number":
        return Number(facts["name"], float(facts["mean"]), float(facts["spread"]), facts["fill"], bool(facts["flagged"]))
    if facts["kind"] != "category":
        raise ValueError(f"a column of kind {facts['kind']!r}")
    return Category(facts["name"], tuple(facts["values"]), facts["fill"], bool(facts["flagged"]))


def _read(column: Column, rows: Rows, blanks: tuple[str, ...], found: list[Faults]) -> list[np.ndarray]:
    """Numbers (B,) for the column's cells, in order, and perhaps some more; its faults join those found."""
    if isinstance(column, Number):
        return _read_number(column, rows, numbered(rows.columns[column.name], blanks), found)
    return [_read_category(column, rows, coded(texts(rows.columns[column.name]), column.values, blanks), found)]


def _read_number(column: Number, rows: Rows, cells: Numbered, found: list[Faults]) -> list[np.ndarray]:
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
    return [standard, cells.missing]


def _read_category(column: Category, rows: Rows, cells: Coded, found: list[Faults]) -> np.ndarray:
    codes = cells.codes
    if cells.missing.any():
        if column.faulty:
            found.append(missing_faults(rows, column.name, cells.missing))
        else:
            place = len(column.values) if column.fill is None else column.values.index(column.fill)
            codes = np.where(cells.missing, np.int32(place), codes)
    return codes
