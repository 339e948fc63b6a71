"""Cells with nothing in them, or no number where numbers are, and columns that say one thing only; read as codecs do."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl

from modelwright.data.codecs import Columns, Documents, Encoding, Pairs
from modelwright.data.codecs.cells import blank, blank_texts, numbered, numbers_among, texts, unreadable
from modelwright.data.codecs.columns import BLANKS, DOUBTFUL
from modelwright.data.findings import Finding
from modelwright.nouns import Numbers, Rows
from modelwright.wording import say, say_many

SHOWN = 5
"""Rows, and other columns, that a finding names."""
FIRST = 256
"""Cells that tell where to begin looking; never what is found."""


@dataclass(frozen=True)
class Odd:
    """Cells of one column with the same thing wrong."""

    column: str
    count: int
    rows: tuple[int, ...]
    """Ids of the first."""
    value: str
    """What the first says."""


def cell_findings(rows: Rows, part: pl.Series, encoding: Encoding, inputs: list[str]) -> Iterator[Finding]:
    blanks = encoding.blanks if isinstance(encoding, Columns) else ("",) if isinstance(encoding, Pairs) else BLANKS
    missing: list[Odd] = []
    unparsable: list[Odd] = []
    for name, unread in _unread(rows.columns.select([*inputs, *([encoding.label] if encoding.label else [])]), encoding):
        gone, wrong = _judge(rows, part, name, unread, blanks, encoding)
        missing += gone
        unparsable += wrong
    if unparsable:
        yield _unparsable(unparsable, encoding, blanks)
    if missing:
        yield _missing(missing, encoding)
    constant = _constant(rows, inputs) if isinstance(encoding, Columns) else []
    if constant:
        told = say("The same in every row, so nothing is learned from: {columns}.", columns=", ".join(constant[:SHOWN]))
        yield Finding("constant", False, len(constant), (), told)


def _unread(frame: pl.DataFrame, encoding: Encoding) -> Iterator[tuple[str, np.ndarray]]:
    """The positions of each column's cells that are, at first sight, no finite number or a blank; all columns at once."""
    blanks = encoding.blanks if isinstance(encoding, Columns) else ()
    sentinels = numbers_among(blanks)
    good = {cells.name: _good(cells.dtype, cells.name, sentinels) for cells in frame if _reads_number(cells, encoding)}
    told = frame.select(expression.alias(name) for name, expression in good.items())
    for name in frame.columns:
        yield name, _without(told[name]) if name in good else np.arange(frame.height)


def _without(good: pl.Series) -> np.ndarray:
    """The positions of what is not good."""
    return np.zeros(0, np.int64) if good.all() else np.flatnonzero(~good.to_numpy())


def _reads_number(cells: pl.Series, encoding: Encoding) -> bool:
    """Whether a first sight of the column tells something: one that begins with texts is looked at as a whole."""
    if cells.dtype != pl.String:
        return True
    start = cells.head(FIRST).drop_nulls()
    return _may_be_number(cells.name, encoding) and start.cast(pl.Float64, strict=False).null_count() * 2 <= len(start)


def _good(dtype: pl.DataType, name: str, sentinels: list[float]) -> pl.Expr:
    """True where the cell is there and, in columns of texts and floats, a finite number that is not among the blanks."""
    if dtype != pl.String and not dtype.is_numeric():
        return pl.col(name).is_not_null()
    number = pl.col(name).cast(pl.Float64, strict=False)
    good = number.is_finite() & ~number.is_in(sentinels) if sentinels else number.is_finite()
    return good.fill_null(value=False)


def _judge(
    rows: Rows, part: pl.Series, name: str, unread: np.ndarray, blanks: tuple[str, ...], encoding: Encoding
) -> tuple[list[Odd], list[Odd]]:
    """The cells of a column with nothing in them, and, where it is one of numbers, those with no number in them."""
    column = rows.columns[name]
    if isinstance(encoding, Documents):
        unread = np.flatnonzero(blank_texts(texts(column)).to_numpy())
        return ([Odd(name, len(unread), tuple(rows.ids[unread[:SHOWN]].tolist()), "")] if len(unread) else []), []
    if not len(unread) or unreadable(column.dtype):
        return ([Odd(name, len(unread), tuple(rows.ids[unread[:SHOWN]].tolist()), "")] if len(unread) else []), []
    cells, parts = (column, part) if len(unread) == len(column) else (column.gather(unread), part.gather(unread))
    shown = cells.alias("cell").to_frame().with_columns((parts == "train").alias("train"))
    spelled = shown.group_by("cell").agg(pl.len().alias("n"), pl.col("train").sum())
    if column.dtype.is_numeric():
        read = numbered(spelled["cell"], blanks)
        gone, wrong = read.missing, read.unparsable
    else:
        gone = blank(texts(spelled["cell"]).str.strip_chars(), blanks)
        wrong = numbered(spelled["cell"], blanks).unparsable if _may_be_number(name, encoding) else np.zeros(len(gone), bool)
    if wrong.any() and not _is_number(name, encoding, part, spelled, wrong, gone, len(unread)):
        wrong = np.zeros(len(gone), bool)
    pick = [(gone, cells), (wrong, cells)]
    found = [_odd(rows, name, spelled.filter(pl.Series(mask)), each, unread) if mask.any() else [] for mask, each in pick]
    return found[0], found[1]


def _may_be_number(name: str, encoding: Encoding) -> bool:
    if not isinstance(encoding, Columns) or name in encoding.categories:
        return False
    return name != encoding.label or encoding.wants is Numbers


def _is_number(
    name: str, encoding: Encoding, part: pl.Series, spelled: pl.DataFrame, wrong: np.ndarray, gone: np.ndarray, unread: int
) -> bool:
    """As the codec decides it, from training rows: named so in the recipe, or most cells that say something say a number."""
    if isinstance(encoding, Columns) and (name in encoding.numbers or name == encoding.label):
        return True
    train = spelled["train"].to_numpy()
    there = int((part == "train").sum()) - int(train[gone].sum())
    return int(train[wrong].sum()) * DOUBTFUL <= there


def _odd(rows: Rows, name: str, spelled: pl.DataFrame, cells: pl.Series, unread: np.ndarray) -> list[Odd]:
    first = np.flatnonzero(cells.is_in(spelled["cell"].implode(), nulls_equal=True).to_numpy())[:SHOWN]
    value = texts(cells.gather(first[:1]))[0]
    return [Odd(name, int(spelled["n"].sum()), tuple(rows.ids[unread[first]].tolist()), value or "")]


def _unparsable(found: list[Odd], encoding: Encoding, blanks: Iterable[str]) -> Finding:
    first, count = found[0], sum(odd.count for odd in found)
    facts = {"row": f"{first.rows[0]:,}", "column": first.column, "value": first.value[:40]}
    told = say('Row {row}, column {column}: "{value}" is not a number', **facts) + _more(found)
    listed = ", ".join(f'"{value}"' for value in (*blanks, first.value[:40]))
    facts = {"blanks": listed, "column": first.column}
    way = say(
        'Settle it with one line:   [codec]  blanks = [{blanks}]   or   ignore = ["{column}"]   or   missing = "drop"', **facts
    )
    grave = not (isinstance(encoding, Columns) and encoding.missing == "drop")
    return Finding("unparsable", grave, count, first.rows, f"{told}\n{way}" if grave else told)


def _missing(found: list[Odd], encoding: Encoding) -> Finding:
    """Grave where the recipe does not say what is to be done; a label cannot be filled in."""
    first, count = found[0], sum(odd.count for odd in found)
    told = say("Row {row}, column {column}: there is no value", row=f"{first.rows[0]:,}", column=first.column) + _more(found)
    policy = encoding.missing if isinstance(encoding, Columns) else "refuse"
    unlabelled = any(odd.column == encoding.label for odd in found)
    if policy == "drop" or (policy != "refuse" and not unlabelled):
        return Finding("missing", False, count, first.rows, told)
    if unlabelled or not isinstance(encoding, Columns):
        way = say('Rows without it are left out if you say so:   [check]  accept = ["missing"]')
    else:
        way = say('Settle it with one line:   [codec]  missing = "median"   (or "drop", "most_frequent", "category")')
    return Finding("missing", True, count, first.rows, f"{told}\n{way}")


def _more(found: list[Odd]) -> str:
    """(12 more like it; also in age 3, fare 1)."""
    parts = [say_many("{n} more like it", "{n} more like it", found[0].count - 1)] if found[0].count > 1 else []
    if len(found) > 1:
        others = ", ".join(f"{odd.column} {odd.count:,}" for odd in found[1 : SHOWN + 1])
        parts.append(say("also in {columns}", columns=others + (" ..." if len(found) > SHOWN + 1 else "")))
    return f" ({'; '.join(parts)})." if parts else "."


def _constant(rows: Rows, inputs: list[str]) -> list[str]:
    plain = [name for name in inputs if not rows.columns[name].dtype.is_nested()]
    same = rows.columns.select(pl.col(name).eq_missing(pl.col(name).first()).all() for name in plain)
    return [name for name in plain if same[name][0]]
