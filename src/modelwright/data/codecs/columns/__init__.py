"""Table columns as a recipe orders them: numbers standardised, categories one-hot. Knows no row; table.py does the work."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal, TypeAlias

from modelwright.nouns import PARTS, Cells, Classes, Numbers, Rows, State
from modelwright.wording import say

if TYPE_CHECKING:
    import polars as pl

    from modelwright.data.codecs.columns.table import Table

BLANKS = ("", "NA", "N/A", "n/a", "NaN", "nan", "null", "None", "?")
DOUBTFUL = 10
"""A column is numbers if at most one in so many of its training cells is none; those are faults."""
MOST = 1000
"""Categories of one column."""
Missing: TypeAlias = Literal["refuse", "drop", "median", "most_frequent", "category"]


def is_part(column: pl.Series) -> bool:
    """Whether a source parts its rows by this column, which is then nothing to learn from."""
    import polars as pl

    return column.name == "part" and column.dtype == pl.String and bool(column.is_in(PARTS).all())


def nothing_to_read(label: str) -> str:
    return say('There is no column to learn from beside the label "{label}".', label=label)


@dataclass(frozen=True)
class Columns:
    """Every column but the label, those ignored, and the "part" that a source itself gives."""

    makes: ClassVar[tuple[type, ...]] = (Cells,)

    label: str
    target: Literal["class", "number"] = "class"
    output: Literal["softmax", "sigmoid"] = "softmax"
    """sigmoid: one unit, for two classes."""
    missing: Missing = "refuse"
    """refuse and drop make a fault of the row. median and most_frequent fill in what training rows have; a category is always
    filled in by the most frequent. category gives missing ones a slot of their own, and numbers the median beside a flag."""
    blanks: tuple[str, ...] = BLANKS
    """Cells that mean nothing is there."""
    decimal: Literal[".", ","] = "."
    """What stands before the decimals. With a comma 1.234,5 is read, point, space or apostrophe being marks of thousands."""
    ignore: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ()
    """Columns that are numbers whatever their cells say."""
    categories: tuple[str, ...] = ()
    """Columns that are categories though their cells are numbers."""

    @property
    def wants(self) -> type:
        return Numbers if self.target == "number" else Classes

    def fit(self, chunks: Callable[[], Iterator[Rows]]) -> Table:
        from modelwright.data.codecs.columns.learning import fit

        return fit(self, chunks)

    def load(self, state: State) -> Table:
        from modelwright.data.codecs.columns.table import load

        return load(self, state)
