"""Rows of a Parquet file, read as they are asked for. Columns keep the types that the file gives them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from modelwright.data.sources.only import Only, only
from modelwright.data.splits import Split, Stratified
from modelwright.nouns import Refused, Rows
from modelwright.wording import say

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True)
class Parquet:
    path: Path
    only: Only | None = None
    """Rows whose cell in a column is one of some words, as {column = "source", words = ["imdb"]}; null: all."""
    split: Split = Stratified()

    def chunks(self, height: int = 65536) -> Iterator[Rows]:
        from modelwright.data.sources.numbering import numbered

        return only(self.only, numbered(frames(self.path, max(height, 1 << 18)), height, self.path))


def frames(path: Path, height: int) -> Iterator[pl.DataFrame]:
    """`height` rows at a time. Refused: no Parquet, or damaged."""
    import polars as pl

    from modelwright.data.sources.files import a_file

    a_file(path)
    try:
        scan = pl.scan_parquet(path, glob=False)
        total = scan.select(pl.len()).collect().item()
        for start in range(0, total, height):
            yield scan.slice(start, height).collect()
    except (pl.exceptions.PolarsError, OSError) as error:
        problem = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise Refused(say("{path} cannot be read as Parquet: {problem}", path=path, problem=problem)) from error
