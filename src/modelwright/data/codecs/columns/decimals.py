"""Numbers with a decimal comma, respelled with a point: 1.234,50 is 1234.50. What is no such number stays as it is."""

from __future__ import annotations

import polars as pl

from modelwright.data.codecs.columns import DOUBTFUL, Columns
from modelwright.nouns import Rows

GROUPED = r"[0-9]{1,3}(?:[. '’\u00a0\u202f][0-9]{3})+"
"""1.234.567"""
NUMBER = rf"^\s*[+-]?(?:{GROUPED}|[0-9]+)(?:,[0-9]+)?(?:[eE][+-]?[0-9]+)?\s*$"
CERTAIN = rf"^\s*[+-]?(?:{GROUPED}|[0-9]+),(?:[0-9]{{1,2}}|[0-9]{{4,}})\s*$"
"""Three digits after a comma may be thousands."""
POINT = r"^\s*[+-]?[0-9]*\.[0-9]+(?:[eE][+-]?[0-9]+)?\s*$"
MARKS = r"[. '’\u00a0\u202f]"


def plainly(rows: Rows, encoding: Columns) -> Rows:
    """The rows with a point before the decimals, as every codec of columns reads them. Categories stay as they are spelled."""
    if encoding.decimal == ".":
        return rows
    kept = {*encoding.categories, *encoding.ignore, *([encoding.label] if encoding.target == "class" else [])}
    names = [cells.name for cells in rows.columns if cells.dtype == pl.String and cells.name not in kept]
    return Rows(rows.ids, rows.columns.with_columns(_respelled(name) for name in names))


def _respelled(name: str) -> pl.Expr:
    cell = pl.col(name)
    point = cell.str.strip_chars().str.replace_all(MARKS, "").str.replace(",", ".", literal=True)
    return pl.when(cell.str.contains(NUMBER)).then(point).otherwise(cell).alias(name)


def has_commas(frame: pl.DataFrame) -> bool:
    """Whether a column is surely written with decimal commas, and none with points that are no marks of thousands."""
    texts = [cells.drop_nulls().head(1000) for cells in frame if cells.dtype == pl.String]
    if any((cells.str.contains(POINT) & ~cells.str.contains(NUMBER)).any() for cells in texts):
        return False
    return any(cells.str.contains(CERTAIN).any() and _are_numbers(cells) for cells in texts)


def _are_numbers(cells: pl.Series) -> bool:
    return int((~cells.str.contains(NUMBER)).sum()) * DOUBTFUL <= len(cells)
