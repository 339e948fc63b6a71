"""What training rows teach the codec of table columns: which are numbers, their mean and spread, which categories there are."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import polars as pl

from modelwright.data.codecs.cells import Numbered, absent, never_there, numbered, require, tally, texts
from modelwright.data.codecs.columns import Columns
from modelwright.data.codecs.labels import learn_labels, mean_and_spread
from modelwright.data.codecs.table import Category, Column, Number, Table
from modelwright.nouns import PARTS, Refused, Rows
from modelwright.wording import say

DOUBTFUL = 10
"""A column is numbers if at most one in so many of its training cells is none; those are faults."""
FIRST = 256
"""Cells that tell whether a column is read cell by cell or spelling by spelling."""
MOST = 1000
"""Categories of one column."""


def fit(encoding: Columns, chunks: Callable[[], Iterator[Rows]]) -> Table:
    """Learns from the rows that can be trained on: those with a fault in any column or in the label teach nothing."""
    frame = pl.concat([chunk.columns for chunk in chunks()], how="vertical_relaxed")
    read = {name: _as_number(encoding, frame[name]) for name in _features(encoding, frame)}
    good = pl.Series(_good(encoding, frame, read))
    if not good.any():
        hint = say('Missing values can be filled in: missing = "median".')
        raise Refused(say("Every training row has a fault, so nothing can be learned."), hint)
    sigmoid = encoding.output == "sigmoid"
    labels = learn_labels(frame.select(encoding.label).filter(good), encoding.label, encoding.blanks, encoding.target, sigmoid)
    columns = (_learn(encoding, frame[name], cells, good) for name, cells in read.items())
    return Table(encoding, tuple(columns), labels)


def _features(encoding: Columns, frame: pl.DataFrame) -> list[str]:
    require(frame, (encoding.label, *encoding.ignore, *encoding.numbers, *encoding.categories), never_there)
    left_out = {encoding.label, *encoding.ignore}
    if "part" in frame.columns and frame["part"].dtype == pl.String and frame["part"].is_in(PARTS).all():
        left_out.add("part")
    names = [name for name in frame.columns if name not in left_out]
    if not names:
        raise Refused(say('There is no column to learn from beside the label "{label}".', label=encoding.label))
    return names


def _as_number(encoding: Columns, column: pl.Series) -> Numbered | None:
    """The cells as numbers, or None where the column is a category."""
    if column.name in encoding.categories:
        return None
    if _begins_with_words(column):  # then every different spelling is read once, to see what they are
        spelled = column.alias("cell").to_frame().group_by("cell").len("count")
        cells, counts = numbered(spelled["cell"], encoding.blanks), spelled["count"].to_numpy()
        there, unparsable = int(counts[~cells.missing].sum()), int(counts[cells.unparsable].sum())
        cells = None
    else:
        cells = numbered(column, encoding.blanks)
        there, unparsable = int((~cells.missing).sum()), int(cells.unparsable.sum())
    if not there:
        raise Refused(say('Column "{column}" has no value in any training row: name it in ignore.', column=column.name))
    sure = column.name in encoding.numbers or unparsable * DOUBTFUL <= there
    return (cells or numbered(column, encoding.blanks)) if sure else None


def _begins_with_words(column: pl.Series) -> bool:
    """Where to begin looking; never what is found."""
    start = column.head(FIRST)
    return column.dtype == pl.String and start.cast(pl.Float64, strict=False).null_count() * 2 > len(start)


def _good(encoding: Columns, frame: pl.DataFrame, read: dict[str, Numbered | None]) -> np.ndarray:
    """bool (N,): no fault in the row."""
    bad = _missing_label(encoding, frame[encoding.label])
    strict = encoding.missing in ("refuse", "drop")
    for name, cells in read.items():
        if cells is not None:
            bad |= cells.unparsable
        if strict:
            bad |= cells.missing if cells is not None else absent(texts(frame[name]), encoding.blanks)
    return ~bad


def _missing_label(encoding: Columns, label: pl.Series) -> np.ndarray:
    if encoding.target == "number":
        return np.isnan(numbered(label, encoding.blanks).values)
    return absent(texts(label), encoding.blanks)


def _learn(encoding: Columns, column: pl.Series, cells: Numbered | None, good: pl.Series) -> Column:
    if cells is None:
        return _learn_category(encoding, column if good.all() else column.filter(good))
    if good.all():
        return _learn_number(encoding, column.name, cells.values, cells.missing)
    where = good.to_numpy()
    return _learn_number(encoding, column.name, cells.values[where], cells.missing[where])


def _learn_number(encoding: Columns, name: str, values: np.ndarray, missing: np.ndarray) -> Number:
    there = values[~missing] if missing.any() else values
    fill = None
    if encoding.missing in ("median", "category"):
        fill = _median(there) if len(there) else 0.0
    elif encoding.missing == "most_frequent":
        fill = _most_frequent(there)
    if fill is not None and len(there) < len(values):
        there = np.where(missing, fill, values)
    flagged = encoding.missing == "category" and bool(missing.any())
    return Number(name, *mean_and_spread(name, there), fill, flagged)


def _median(values: np.ndarray) -> float:
    """As numpy's, of (N,) without NaN, which is not looked for: a fifth of its time."""
    upper = len(values) // 2
    parted = np.partition(values, upper)
    if len(values) % 2:
        return float(parted[upper])
    return float(np.mean([parted[:upper].max(), parted[upper]]))


def _most_frequent(values: np.ndarray) -> float:
    """The smallest of the most frequent ones."""
    distinct, counts = np.unique(values, return_counts=True)
    return float(distinct[counts.argmax()]) if len(distinct) else 0.0


def _learn_category(encoding: Columns, column: pl.Series) -> Category:
    text = texts(column)
    seen = tally(text, encoding.blanks)
    if seen.height > MOST:
        raise Refused(
            say('Column "{column}" has {n} different values and looks like an identifier: name it in ignore.',
                column=column.name, n=f"{seen.height:,}")
        )  # fmt: skip
    flagged = encoding.missing == "category" and seen["count"].sum() < len(text)
    fill = seen["key"][0] if seen.height and not flagged and encoding.missing not in ("refuse", "drop") else None
    return Category(column.name, tuple(sorted(seen["key"])), fill, flagged)
