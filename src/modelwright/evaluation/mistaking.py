"""The worst mistakes: what a person should look at first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelwright.nouns import Answers, Classes, Tagged, Tokens, Vector

if TYPE_CHECKING:
    import polars as pl


def mistakes(answers: Answers, most: int = 12) -> pl.DataFrame:
    """At most `most` wrong answers, the worst first: columns row, label, answer and size.

    size is the chance given to the wrong class (0 to 1), the absolute error, or how many words are tagged wrongly. Rows that
    could not be read are not here; what goes on with a text is not wrong but less likely, and nothing of it is here."""
    import polars as pl

    if isinstance(answers.port.kind, (Tokens, Vector)):
        return pl.DataFrame(schema={"row": pl.Int64, "label": pl.String, "answer": pl.String, "size": pl.Float64})

    if isinstance(answers.port.kind, Tagged):
        return _of_words(answers, most)
    rows = answers.frame.filter(pl.col("label") != pl.col("answer"))  # null where either is
    size = pl.col("chances").arr.max() if isinstance(answers.port.kind, Classes) else (pl.col("answer") - pl.col("label")).abs()
    sized = rows.with_columns(size.cast(pl.Float64).alias("size"))
    return sized.sort(["size", "row"], descending=[True, False]).head(most).select("row", "label", "answer", "size")


def _of_words(answers: Answers, most: int) -> pl.DataFrame:
    """Rows with the most words that are tagged wrongly; of these the words alone are told, each with its tag."""
    import polars as pl

    size = (pl.col("tokens") - pl.col("hits")).cast(pl.Float64)
    wrong = answers.frame.with_columns(size=size).filter(pl.col("size") > 0)
    worst = wrong.sort(["size", "row"], descending=[True, False]).head(most)
    told = [
        [" ".join(f"{word}/{tag or '?'}" for word, tag in marked) for marked in _unlike(*lists)]
        for lists in worst.select("words", "label", "answer").iter_rows()
    ]
    label, answer = zip(*told) if told else ((), ())
    sides = [pl.Series("label", label, dtype=pl.String), pl.Series("answer", answer, dtype=pl.String)]
    return worst.select("row", "size").with_columns(sides).select("row", "label", "answer", "size")


def _unlike(words: list[str], label: list[str], answer: list[str] | None) -> list[list[tuple[str, str | None]]]:
    """Words with the tags that were wanted, and with those that were given instead."""
    given = answer or [None] * len(words)
    wrong = [(word, want, got) for word, want, got in zip(words, label, given) if want != got]
    return [[(word, want) for word, want, _ in wrong], [(word, got) for word, _, got in wrong]]
