"""Answers to classes as counts: which label met which answer. K labels that occur, in truth or as an answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from modelwright.nouns import Answers, Classes, Refused
from modelwright.wording import say

if TYPE_CHECKING:
    import numpy as np
    import polars as pl


@dataclass(frozen=True)
class Counts:
    """The cells of a confusion matrix that are not empty."""

    names: tuple[str, ...]
    """(K,) every class of the model, then labels it does not know, sorted."""
    truth: np.ndarray
    """(cells,) index into names."""
    guess: np.ndarray
    """(cells,) index into names; K where the row could not be read."""
    counts: np.ndarray
    """(cells,) int64 rows, each above 0."""

    @property
    def n(self) -> int:
        return int(self.counts.sum())

    @property
    def right(self) -> int:
        return int(self.counts[self.truth == self.guess].sum())


def labelled(answers: Answers) -> pl.DataFrame:
    """The rows whose label is known. Refused where there is none."""
    rows = answers.frame.filter(answers.frame["label"].is_not_null())
    if rows.is_empty():
        raise Refused(say("Not one of {n} rows has a label: there is nothing to score.", n=f"{len(answers):,}"))
    return rows


def read_of(answers: Answers) -> pl.DataFrame:
    """The labelled rows that were read and answered. Refused where there is none."""
    rows = labelled(answers)
    answered = rows.filter(rows["answer"].is_not_null())
    if answered.is_empty():
        raise Refused(say("Not one of {n} rows could be read: there is nothing to score.", n=f"{len(rows):,}"))
    return answered


def names_of(answers: Answers) -> tuple[str, ...]:
    """The classes of the model, and the labels that it does not know."""
    assert isinstance(answers.port.kind, Classes)
    known = answers.port.kind.names
    strange = answers.frame["label"].drop_nulls().unique().to_list()
    return (*known, *sorted(set(strange) - set(known)))


def codes(column: pl.Series, names: tuple[str, ...]) -> np.ndarray:
    """(N,) int64: where each text stands in names; len(names) for null."""
    import polars as pl

    known, places = pl.Series(names, dtype=pl.String), pl.Series(range(len(names)), dtype=pl.Int64)
    return column.replace_strict(known, places, default=len(names), return_dtype=pl.Int64).to_numpy()


def count(answers: Answers) -> Counts:
    """All labelled rows, counted by label and answer."""
    import numpy as np

    rows, names = labelled(answers), names_of(answers)
    wide = len(names) + 1
    cells, counts = np.unique(codes(rows["label"], names) * wide + codes(rows["answer"], names), return_counts=True)
    return Counts(names, cells // wide, cells % wide, counts)


def confusion(answers: Answers) -> tuple[tuple[str, ...], np.ndarray]:
    """names (K,) and counts (K, K) int64: a row per label, a column per answer.

    Where rows could not be read, one more name at the end says so, with their column; its row is empty."""
    import numpy as np

    counted = count(answers)
    unread = bool((counted.guess == len(counted.names)).any())
    names = (*counted.names, say("(not read)")) if unread else counted.names
    matrix = np.zeros((len(names), len(names)), np.int64)
    matrix[counted.truth, counted.guess] = counted.counts
    return names, matrix
