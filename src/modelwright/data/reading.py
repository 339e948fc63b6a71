"""All rows of a source, in memory. Knows no format."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import polars as pl

from modelwright.nouns import Rows, Source

HEIGHT = 1 << 20
PICKED = 1 << 17
"""Rows that are picked at a time."""


def read(source: Source) -> Rows:
    """Every row, ids ascending. Refused where the source cannot be read as a whole."""
    chunks = list(source.chunks(HEIGHT))
    # left in pieces: to make them one takes as much memory again, and Rows.take does not mind
    return Rows(np.concatenate([chunk.ids for chunk in chunks]), pl.concat([chunk.columns for chunk in chunks], rechunk=False))


def chunks(rows: Rows, positions: np.ndarray) -> Callable[[], Iterator[Rows]]:
    """The rows at these positions, some at a time and as often as they are asked for."""
    return lambda: (rows.take(positions[start : start + PICKED]) for start in range(0, len(positions), PICKED))


def evenly(positions: np.ndarray, most: int) -> np.ndarray:
    """At most so many of these positions, from all over them."""
    return positions[np.unique(np.linspace(0, len(positions) - 1, min(len(positions), most)).astype(np.int64))]


def columns(source: Source) -> tuple[str, ...]:
    """The names of the columns, from the first row."""
    return tuple(next(source.chunks(1)).columns.columns)
