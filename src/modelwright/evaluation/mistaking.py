"""The worst mistakes: what a person should look at first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelwright.nouns import Answers, Classes

if TYPE_CHECKING:
    import polars as pl


def mistakes(answers: Answers, most: int = 12) -> pl.DataFrame:
    """At most `most` wrong answers, the worst first: columns row, label, answer and size.

    size is the chance given to the wrong class (0 to 1), or the absolute error. Rows that could not be read are not here."""
    import polars as pl

    rows = answers.frame.filter(pl.col("label") != pl.col("answer"))  # null where either is
    size = pl.col("chances").arr.max() if isinstance(answers.port.kind, Classes) else (pl.col("answer") - pl.col("label")).abs()
    sized = rows.with_columns(size.cast(pl.Float64).alias("size"))
    return sized.sort(["size", "row"], descending=[True, False]).head(most).select("row", "label", "answer", "size")
