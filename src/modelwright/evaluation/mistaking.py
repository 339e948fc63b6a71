"""The worst mistakes: what a person should look at first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelwright.nouns import Answers, Classes, Tokens

if TYPE_CHECKING:
    import polars as pl


def mistakes(answers: Answers, most: int = 12) -> pl.DataFrame:
    """At most `most` wrong answers, the worst first: columns row, label, answer and size.

    size is the chance given to the wrong class (0 to 1), or the absolute error. Rows that could not be read are not here;
    what goes on with a text is not wrong but less likely, and nothing of it is here."""
    import polars as pl

    if isinstance(answers.port.kind, Tokens):
        return pl.DataFrame(schema={"row": pl.Int64, "label": pl.String, "answer": pl.String, "size": pl.Float64})

    rows = answers.frame.filter(pl.col("label") != pl.col("answer"))  # null where either is
    size = pl.col("chances").arr.max() if isinstance(answers.port.kind, Classes) else (pl.col("answer") - pl.col("label")).abs()
    sized = rows.with_columns(size.cast(pl.Float64).alias("size"))
    return sized.sort(["size", "row"], descending=[True, False]).head(most).select("row", "label", "answer", "size")
