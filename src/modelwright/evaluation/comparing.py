"""Two models on the same rows: how much better is the second? Exact, and never of zero width."""

from __future__ import annotations

from modelwright.evaluation.counting import labelled
from modelwright.evaluation.intervals import MISS, at_least, at_most
from modelwright.nouns import Answers, Score


def compare(a: Answers, b: Answers) -> Score:
    """Accuracy of b less accuracy of a, -1 to 1, from the rows whose rightness changed: `lost` of n and `gained` of n.

    Lowest: the least share gained less the greatest share lost, each a one-sided 95 % bound of Clopper and Pearson; highest
    likewise. Where only losses occur this is the exact 95 % bound of the loss (270 rows without one changed answer still
    prove only "at most 1.1 points"); where both occur it covers more than 95 %, since both would have to fail at once.
    ValueError where the two did not answer the same rows."""
    import polars as pl

    columns = ["row", "label", "answer"]
    first, second = labelled(a).select(columns), labelled(b).select(columns)
    pairs = first.join(second, on="row", suffix="_b")
    n = len(pairs)
    if n != len(first) or n != len(second) or not (pairs["label"] == pairs["label_b"]).all():
        raise ValueError("compare: the two answered different rows")
    was = pl.col("answer").eq(pl.col("label")).fill_null(False)
    now = pl.col("answer_b").eq(pl.col("label")).fill_null(False)
    lost, gained = (int(x) for x in pairs.select((was & ~now).sum().alias("lost"), (now & ~was).sum().alias("gained")).row(0))
    return Score(
        "accuracy_difference",
        (gained - lost) / n,
        at_least(gained, n, MISS) - at_most(lost, n, MISS),
        at_most(gained, n, MISS) - at_least(lost, n, MISS),
        n,
    )
