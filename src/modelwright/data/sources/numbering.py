"""Frames of any height -> Rows of bounded height with ids that count from 0 through the whole source."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import numpy as np
import polars as pl

from modelwright.nouns import Part, Refused, Rows
from modelwright.wording import say


def numbered(frames: Iterable[pl.DataFrame], height: int, name: Path | str) -> Iterator[Rows]:
    """At most `height` rows at a time. Refused at the end of a source without a row."""
    start = 0
    for frame in frames:
        for piece in frame.iter_slices(height):
            if piece.height:
                yield Rows(np.arange(start, start + piece.height, dtype=np.int64), piece)
                start += piece.height
    if not start:
        raise Refused(say("{name} has no rows.", name=name))


def joined_parts(parts: Mapping[Part, Iterable[pl.DataFrame]], name: Path | str) -> Iterator[pl.DataFrame]:
    """The frames of all parts in turn, each with its column "part". Refused where a column is in one and not in another."""
    columns: list[str] | None = None
    for part, frames in parts.items():
        for frame in frames:
            if "part" in frame.columns:
                raise Refused(
                    say('{name} has a column "part" already: give it as split = {{kind = "given"}} without test.', name=name)
                )
            columns = columns or frame.columns
            if set(frame.columns) != set(columns):
                odd = ", ".join(sorted(set(frame.columns) ^ set(columns)))
                raise Refused(
                    say("{name}: the test rows and the training rows do not have the same columns: {odd}", name=name, odd=odd)
                )
            yield frame.select(*columns, pl.lit(part).alias("part"))
