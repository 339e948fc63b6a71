"""The fitted codec of table columns: whole columns at a time from cells to float32 (B, F). Knows text and numbers, no model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
import polars as pl
import torch

from modelwright.data.codecs.cells import Coded, Numbered, coded, gone_since_training, missing_faults, numbered, require, texts
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
Cells: TypeAlias = Numbered | Coded


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
        inputs = np.zeros((len(rows), sum(column.width for column in self.columns)), np.float32)
        found: list[Faults] = []
        start = 0
        for column in self.columns:
            found += _write(column, rows, self.encoding.blanks, inputs[:, start : start + column.width])
            start += column.width
        return labelled({"inputs": torch.from_numpy(inputs)}, rows, self.labels, found)

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
                filled |= coded(texts(rows.columns[column.name]), (), self.encoding.blanks).missing
        return int(filled.sum())

    def state(self) -> State:
        return State({"columns": [asdict(column) for column in self.columns], "label": self.labels.facts()})

    def _require(self, rows: Rows) -> None:
        require(rows.columns, (column.name for column in self.columns), gone_since_training)


def load(encoding: Columns, state: State) -> Table:
    return Table(encoding, tuple(_column(facts) for facts in state.facts["columns"]), load_labels(state.facts["label"]))


def _column(facts: Mapping[str, Any]) -> Column:
    if facts["kind"] == "number":
        return Number(facts["name"], float(facts["mean"]), float(facts["spread"]), facts["fill"], bool(facts["flagged"]))
    if facts["kind"] != "category":
        raise ValueError(f"a column of kind {facts['kind']!r}")
    return Category(facts["name"], tuple(facts["values"]), facts["fill"], bool(facts["flagged"]))


def _write(column: Column, rows: Rows, blanks: tuple[str, ...], out: np.ndarray) -> Iterator[Faults]:
    """Fills the column's own share of the inputs, (B, width), and tells its faults."""
    if isinstance(column, Number):
        yield from _write_number(column, rows, numbered(rows.columns[column.name], blanks), out)
    else:
        yield from _write_category(column, rows, coded(texts(rows.columns[column.name]), column.values, blanks), out)


def _write_number(column: Number, rows: Rows, cells: Numbered, out: np.ndarray) -> Iterator[Faults]:
    if column.flagged:
        out[:, 1] = cells.missing
    values = cells.values
    if cells.missing.any():
        values = np.where(cells.missing, column.mean if column.fill is None else column.fill, values)
        if column.fill is None:
            yield missing_faults(rows, column.name, cells.missing)
    if cells.unparsable.any():
        values = np.where(cells.unparsable, column.mean, values)
        yield unparsable_faults(rows, column.name, cells.unparsable)
    standard, far = standardised(values, column.mean, column.spread)
    if far.any():
        standard[far] = 0
        yield far_faults(rows, column.name, far)
    out[:, 0] = standard


def _write_category(column: Category, rows: Rows, cells: Coded, out: np.ndarray) -> Iterator[Faults]:
    codes = cells.codes
    if cells.missing.any():
        if column.faulty:
            yield missing_faults(rows, column.name, cells.missing)
        else:
            slot = len(column.values) if column.fill is None else column.values.index(column.fill)
            codes = np.where(cells.missing, slot, codes)
    known = np.flatnonzero(codes >= 0)
    out[known, codes[known]] = 1
