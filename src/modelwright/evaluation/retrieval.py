"""The figures of vectors: how high those that mean alike stand among all, and whether likeness goes with what people say.

Intervals of the first by bootstrap over questions (different anchors): the candidates stay as they are, and with more of them
every figure falls. Of Spearman's correlation D. Bonett and T. Wright, Psychometrika 65 (2000).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal, TypeAlias

from modelwright.evaluation import intervals
from modelwright.nouns import Answers, Count, Refused, Score, Vector
from modelwright.wording import say

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

LIKELY = 1.959963984540054
"""Standard deviations on either side that hold 95 % of a normal distribution."""


@dataclass(frozen=True)
class NDCG:
    """Of the first `most` candidates what their places are worth (1 / log2 of place + 1), as a share of the best order, 0 to 1;
    the mean over questions. Candidates that stand level share their places, as in scikit-learn's ndcg_score."""

    fits: ClassVar[tuple[type, ...]] = (Vector,)
    better: ClassVar[Literal["higher", "lower"]] = "higher"
    most: Count = 10

    def score(self, answers: Answers) -> Score:
        return _mean(f"ndcg_at_{self.most}", self.each(_asked(answers)))

    def each(self, questions: pl.DataFrame) -> np.ndarray:
        """float64 (Q,)"""
        import numpy as np

        worth = np.concatenate([[0.0], np.cumsum(1 / np.log2(np.arange(2, self.most + 2)))])
        above, tied = questions["above"].to_list(), questions["tied"].to_list()
        found: list[float] = []
        for one, level in zip(above, tied):
            first, last = (np.minimum(np.array(end), self.most) for end in (one, np.array(one) + level))
            gained = ((worth[last] - worth[first]) / np.array(level)).sum()
            found.append(float(gained / worth[min(len(one), self.most)]))
        return np.array(found)


@dataclass(frozen=True)
class RecallAt:
    """Of the texts that are to be found the share that stands among the first `most`, 0 to 1; the mean over questions."""

    fits: ClassVar[tuple[type, ...]] = (Vector,)
    better: ClassVar[Literal["higher", "lower"]] = "higher"
    most: Count = 10

    def score(self, answers: Answers) -> Score:
        return _mean(f"recall_at_{self.most}", self.each(_asked(answers)))

    def each(self, questions: pl.DataFrame) -> np.ndarray:
        """float64 (Q,); of some that stand level on both sides of the end their share."""
        import numpy as np

        pairs = zip(questions["above"].to_list(), questions["tied"].to_list())
        return np.array([np.clip((self.most - np.array(one)) / np.array(level), 0, 1).mean() for one, level in pairs])


@dataclass(frozen=True)
class Spearman:
    """The correlation of the ranks of cosines with those of scores, -1 to 1; 0 where all of either are equal."""

    fits: ClassVar[tuple[type, ...]] = (Vector,)
    better: ClassVar[Literal["higher", "lower"]] = "higher"

    def score(self, answers: Answers) -> Score:
        import numpy as np
        from scipy.stats import rankdata

        rows = answers.frame.drop_nulls(["label", "likeness"])
        if rows.is_empty():
            told = say("Not one of {n} pairs has a score: there is nothing to judge likeness by.", n=f"{len(answers):,}")
            way = say('Name the column that tells how alike two texts are:   [codec]  score = "score"   alike = 4.0')
            raise Refused(told, way)
        first, second = (rankdata(rows[name].to_numpy()) for name in ("likeness", "label"))
        first, second = first - first.mean(), second - second.mean()
        spread = math.sqrt(float((first**2).sum() * (second**2).sum()))
        value = float(np.clip((first * second).sum() / spread, -1, 1)) if spread else 0.0
        return Score("spearman", value, *_correlated(value, len(rows)), len(rows))


Figure: TypeAlias = NDCG | RecallAt | Spearman


def natural(kind: Vector) -> tuple[Figure, ...]:
    """The figures that one looks at first."""
    return (Spearman(), NDCG(), RecallAt()) if kind.scored else (NDCG(), RecallAt())


def difference(metric: NDCG | RecallAt, a: Answers, b: Answers) -> Score:
    """The figure of b less that of a, by the bootstrap over the questions that both were asked."""
    first, second = (_asked(one).select("row", "above", "tied") for one in (a, b))
    both = set(first["row"]) & set(second["row"])
    sides = [one.filter(one["row"].is_in(list(both))).sort("row") for one in (first, second)]
    return _mean(f"{metric.score(a).name}_difference", metric.each(sides[1]) - metric.each(sides[0]), least=-1.0)


def _asked(answers: Answers) -> pl.DataFrame:
    """The rows that stand for a question. Refused where there is none."""
    found = answers.frame.drop_nulls("above")
    if found.is_empty():
        raise Refused(say("Not one of {n} rows has a text to be found: there is nothing to score.", n=f"{len(answers):,}"))
    return found


def _mean(name: str, each: np.ndarray, least: float = 0.0) -> Score:
    """The mean of values between least and 1; where nothing varies more of them may yet be as bad as it gets."""
    value = float(each.mean())
    low, high = intervals.of_means(each[:, None], lambda means: means[..., 0])
    if low == high:
        slack = intervals.unvaried(len(each), 1.0)
        low, high = value - slack, value + slack
    return Score(name, value, max(least, min(low, value)), min(1.0, max(high, value)), len(each))


def _correlated(value: float, n: int) -> tuple[float, float]:
    """Of fewer than four pairs nothing is known."""
    if n < 4:
        return -1.0, 1.0
    middle = math.atanh(max(-0.999999, min(0.999999, value)))
    reach = LIKELY * math.sqrt((1 + value**2 / 2) / (n - 3))
    return min(math.tanh(middle - reach), value), max(math.tanh(middle + reach), value)
