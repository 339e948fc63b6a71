"""Two models on the same rows: how much better is the second? Exact for classes, and never of zero width."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from modelwright.evaluation import intervals
from modelwright.evaluation.counting import labelled
from modelwright.evaluation.intervals import MISS, at_least, at_most
from modelwright.nouns import Answers, Classes, Score

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

MOST_ROWS = 10**7
"""No promise is said to need more rows than these."""


def compare(a: Answers, b: Answers) -> Score:
    """How much better b answers than a: in accuracy for classes, in mean absolute error for numbers; below 0 it is worse.

    ValueError where the two did not answer the same rows."""
    return compare_classes(a, b) if isinstance(a.port.kind, Classes) else compare_numbers(a, b)


def compare_classes(a: Answers, b: Answers) -> Score:
    """Accuracy of b less accuracy of a, -1 to 1, from the rows whose rightness changed: `lost` of n and `gained` of n.

    Lowest: the least share gained less the greatest share lost, each a one-sided 95 % bound of Clopper and Pearson; highest
    likewise. Where only losses occur this is the exact 95 % bound of the loss (270 rows without one changed answer still
    prove only "at most 1.1 points"); where both occur it covers more than 95 %, since both would have to fail at once."""
    lost, gained, n = changed(a, b)
    return Score("accuracy_difference", (gained - lost) / n, lowest(lost, gained, n), -lowest(gained, lost, n), n)


def lowest(lost: float, gained: float, n: int) -> float:
    """The least difference that so many lost and gained answers of n leave open."""
    return at_least(int(gained), n, MISS) - at_most(math.ceil(lost), n, MISS)


def changed(a: Answers, b: Answers) -> tuple[int, int, int]:
    """Rows that a answered rightly and b wrongly, rows where it is the other way round, and all rows."""
    import polars as pl

    pairs = paired(a, b)
    was = pl.col("answer").eq(pl.col("label")).fill_null(False)
    now = pl.col("answer_b").eq(pl.col("label")).fill_null(False)
    lost, gained = pairs.select((was & ~now).sum().alias("lost"), (now & ~was).sum().alias("gained")).row(0)
    return int(lost), int(gained), len(pairs)


def otherwise(a: Answers, b: Answers) -> int:
    """Rows that the two answer differently, rightly or not."""
    pairs = paired(a, b)
    return int((~pairs["answer"].eq_missing(pairs["answer_b"])).sum())


def compare_numbers(a: Answers, b: Answers) -> Score:
    """Mean absolute error of a less that of b, in the label's unit, by the paired bootstrap over the rows that both answered.

    Where every row's error is the same, so many rows may yet be as bad as always answering the mean."""
    errors = _errors(a, b)
    low, high = intervals.of_means((errors[:, 0] - errors[:, 1])[:, None], lambda means: means[..., 0])
    value, n = float((errors[:, 0] - errors[:, 1]).mean()), len(errors)
    if low == high:
        ignorance = intervals.unvaried(n, float(errors[:, 2].mean()))
        low, high = value - ignorance, value + ignorance
    return Score("mae_difference", value, low, high, n)


def _errors(a: Answers, b: Answers) -> np.ndarray:
    """float64 (n, 3): how far off a is, how far off b is, how far the labels' mean would be."""
    import polars as pl

    pairs = paired(a, b).drop_nulls(["answer", "answer_b"])
    if pairs.is_empty():
        raise ValueError("compare: no row was answered by both")
    label = pl.col("label")
    return pairs.select(
        (pl.col("answer") - label).abs().alias("a"),
        (pl.col("answer_b") - label).abs().alias("b"),
        (label - label.mean()).abs().alias("mean"),
    ).to_numpy()


def rows_needed(loss: float, lost: float = 0.0, gained: float = 0.0) -> int | None:
    """How many rows prove that accuracy fell by less than `loss`, where these shares of them are lost and gained.

    None where the difference itself is no smaller, or where no number of rows that anybody has would do."""
    if lost - gained >= loss:
        return None
    few, enough = 0, 1
    while lowest(lost * enough, gained * enough, enough) < -loss:
        few, enough = enough, 2 * enough
        if few > MOST_ROWS:
            return None
    while enough - few > 1:
        middle = (few + enough) // 2
        proves = lowest(lost * middle, gained * middle, middle) >= -loss
        few, enough = (few, middle) if proves else (middle, enough)
    return enough


def paired(a: Answers, b: Answers) -> pl.DataFrame:
    """Columns row, label, answer, answer_b of all labelled rows."""
    columns = ["row", "label", "answer"]
    first, second = labelled(a).select(columns), labelled(b).select(columns)
    pairs = first.join(second, on="row", suffix="_b")
    n = len(pairs)
    if n != len(first) or n != len(second) or not (pairs["label"] == pairs["label_b"]).all():
        raise ValueError("compare: the two answered different rows")
    return pairs
