"""All rows of a source, in memory. Knows no format."""

from __future__ import annotations

import numpy as np
import polars as pl

from modelwright.nouns import Rows, Source

HEIGHT = 1 << 20


def read(source: Source) -> Rows:
    """Every row, ids ascending. Refused where the source cannot be read as a whole."""
    chunks = list(source.chunks(HEIGHT))
    if len(chunks) == 1:
        return chunks[0]
    columns = pl.concat([chunk.columns for chunk in chunks])
    return Rows(np.concatenate([chunk.ids for chunk in chunks]), columns)


def columns(source: Source) -> tuple[str, ...]:
    """The names of the columns, from the first row."""
    return tuple(next(source.chunks(1)).columns.columns)
