"""What training rows teach the codec of table columns: which are numbers, their mean and spread, which categories there are."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeAlias

import numpy as np
import polars as pl

from modelwright.data.codecs.cells import (
    Numbered,
    absent,
    all_numbered,
    never_there,
    numbered,
    require,
    spelled,
    tally,
    texts,
)
from modelwright.data.codecs.columns import DOUBTFUL, MOST, Columns, is_part, nothing_to_read
from modelwright.data.codecs.columns.decimals import plainly
from modelwright.data.codecs.columns.table import Category, Number, Table
from modelwright.data.codecs.labels import learn_labels, mean_and_spread
from modelwright.nouns import Refused, Rows
from modelwright.wording import say

FIRST = 256
"""Cells that tell whether a column is read cell by cell or spelling by spelling."""
Chunks: TypeAlias = "Callable[[], Iterator[Rows]]"
Read: TypeAlias = "dict[str, Numbered | pl.DataFrame]"
"""By column: its cells as numbers, or, of a category, as they are spelled."""


def fit(encoding: Columns, chunks: Chunks) -> Table:
    """Learns from the rows that can be trained on: those with a fault in any column or in the label teach nothing.

    Of texts one chunk is in memory at a time: numbers are kept as numbers, categories as their spellings."""
    chunks = _plain(encoding, chunks)
    read, label = _read(encoding, chunks)
    good = _good(encoding, chunks, label, read)
    if not good.any():
        hint = say('Missing values can be filled in: missing = "median".')
        raise Refused(say("Every training row has a fault, so nothing can be learned."), hint)
    if not good.all():
        spellings = _spellings(chunks, _categories(read), good)
        read = {name: cells.where(good) if isinstance(cells, Numbered) else spellings[name] for name, cells in read.items()}
        label = label.filter(pl.Series(good))
    labels = learn_labels(label.to_frame(), encoding.label, encoding.blanks, encoding.target, encoding.output == "sigmoid")
    columns = (
        _learn_number(encoding, name, cells) if isinstance(cells, Numbered) else _learn_category(encoding, name, cells)
        for name, cells in read.items()
    )
    return Table(encoding, tuple(columns), labels)


def _plain(encoding: Columns, chunks: Chunks) -> Chunks:
    return chunks if encoding.decimal == "." else lambda: (plainly(chunk, encoding) for chunk in chunks())


def _read(encoding: Columns, chunks: Chunks) -> tuple[Read, pl.Series]:
    """The columns in their order, and the label."""
    first = next(chunks()).columns
    names = _features(encoding, first, chunks)
    words = [name for name in names if name in encoding.categories or _begins_with_words(first[name])]
    likely = [name for name in names if name not in words]
    read, spelt, labels = list[list[Numbered]](), list[list[pl.DataFrame]](), list[pl.DataFrame]()
    for chunk in chunks():
        read.append([numbered(chunk.columns[name], encoding.blanks) for name in likely])
        spelt.append([spelled(texts(chunk.columns[name])) for name in words])
        labels.append(chunk.columns.select(encoding.label))
    numbers = {name: all_numbered(pieces) for name, pieces in zip(likely, zip(*read, strict=True), strict=True)}
    spellings = {name: _together(pieces) for name, pieces in zip(words, zip(*spelt, strict=True), strict=True)}
    sure = [name for name in names if _is_number(encoding, name, numbers, spellings)]
    for name in set(words) & set(sure):  # it begins with words, and is numbers all the same
        del spellings[name]
        numbers[name] = all_numbered([numbered(chunk.columns[name], encoding.blanks) for chunk in chunks()])
    spellings.update(_spellings(chunks, [name for name in likely if name not in sure]))
    label = pl.concat(labels, how="vertical_relaxed").to_series()
    return {name: numbers[name] if name in sure else spellings[name] for name in names}, label


def _features(encoding: Columns, frame: pl.DataFrame, chunks: Chunks) -> list[str]:
    require(frame, (encoding.label, *encoding.ignore, *encoding.numbers, *encoding.categories), never_there)
    left_out = {encoding.label, *encoding.ignore}
    if "part" in frame.columns and all(is_part(chunk.columns["part"]) for chunk in chunks()):
        left_out.add("part")
    names = [name for name in frame.columns if name not in left_out]
    if not names:
        raise Refused(nothing_to_read(encoding.label))
    return names


def _begins_with_words(column: pl.Series) -> bool:
    """Where to begin looking; never what is found."""
    start = column.head(FIRST)
    return column.dtype == pl.String and start.cast(pl.Float64, strict=False).null_count() * 2 > len(start)


def _is_number(encoding: Columns, name: str, numbers: dict[str, Numbered], spellings: dict[str, pl.DataFrame]) -> bool:
    """Whether most cells that say something say a number. Refused: a column in which no cell says anything."""
    if name in encoding.categories:
        return False
    cells = numbers[name] if name in numbers else numbered(spellings[name]["cell"], encoding.blanks)
    if name in numbers:
        there, unparsable = int((~cells.missing).sum()), int(cells.unparsable.sum())
    else:
        counts = spellings[name]["count"].to_numpy()
        there, unparsable = int(counts[~cells.missing].sum()), int(counts[cells.unparsable].sum())
    if not there:
        raise Refused(say('Column "{column}" has no value in any training row: name it in ignore.', column=name))
    return name in encoding.numbers or unparsable * DOUBTFUL <= there


def _spellings(chunks: Chunks, names: list[str], good: np.ndarray | None = None) -> dict[str, pl.DataFrame]:
    """How these columns are spelled in good rows (None: in all)."""
    found: dict[str, list[pl.DataFrame]] = {name: [] for name in names}
    start = 0
    for chunk in chunks() if names else ():
        for name in names:
            text = texts(chunk.columns[name])
            found[name].append(spelled(text if good is None else text.filter(pl.Series(good[start : start + len(chunk)]))))
        start += len(chunk)
    return {name: _together(pieces) for name, pieces in found.items()}


def _together(pieces: Iterable[pl.DataFrame]) -> pl.DataFrame:
    """Of a column in pieces, how the whole of it is spelled."""
    return pl.concat(pieces).group_by("cell").agg(pl.col("count").sum())


def _good(encoding: Columns, chunks: Chunks, label: pl.Series, read: Read) -> np.ndarray:
    """bool (N,): no fault in the row."""
    bad = _missing_label(encoding, label)
    strict = encoding.missing in ("refuse", "drop")
    for cells in read.values():
        if isinstance(cells, Numbered):
            bad |= cells.unparsable | (cells.missing & strict)
    categories, start = _categories(read), 0
    for chunk in chunks() if strict and categories else ():
        for name in categories:
            bad[start : start + len(chunk)] |= absent(texts(chunk.columns[name]), encoding.blanks)
        start += len(chunk)
    return ~bad


def _categories(read: Read) -> list[str]:
    return [name for name, cells in read.items() if not isinstance(cells, Numbered)]


def _missing_label(encoding: Columns, label: pl.Series) -> np.ndarray:
    if encoding.target == "number":
        return np.isnan(numbered(label, encoding.blanks).values)
    return absent(texts(label), encoding.blanks).copy()


def _learn_number(encoding: Columns, name: str, cells: Numbered) -> Number:
    values, missing = cells.values, cells.missing
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


def _learn_category(encoding: Columns, name: str, spellings: pl.DataFrame) -> Category:
    seen = tally(spellings, encoding.blanks)
    if seen.height > MOST:
        raise Refused(
            say('Column "{column}" has {n} different values and looks like an identifier: name it in ignore.',
                column=name, n=f"{seen.height:,}")
        )  # fmt: skip
    flagged = encoding.missing == "category" and seen["count"].sum() < spellings["count"].sum()
    fill = seen["key"][0] if seen.height and not flagged and encoding.missing not in ("refuse", "drop") else None
    return Category(name, tuple(sorted(seen["key"])), fill, flagged)
