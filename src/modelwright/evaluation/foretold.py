"""The figures of what follows: how surprised a model is by texts that it never saw.

Intervals by bootstrap over pieces of texts (as long as the model looks back), as if they were independent of one another: where
test rows are few and unlike, a new text may lie outside.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal, Protocol

from modelwright.evaluation import intervals
from modelwright.nouns import Answers, Gaps, Hidden, Refused, Reply, Score, Tokens
from modelwright.wording import say

if TYPE_CHECKING:
    import numpy as np
    import polars as pl


@dataclass(frozen=True)
class BitsPerByte:
    """-log2 of the chance given to the texts, for each of their UTF-8 bytes, from 0: one scale whatever the tokens are.

    What a text would need if it were packed by this model; that it ends is counted, and has no byte."""

    fits: ClassVar[tuple[type, ...]] = (Tokens, Reply, Gaps)
    better: ClassVar[Literal["higher", "lower"]] = "lower"
    of: ClassVar[str] = "nats"
    over: ClassVar[str] = "bytes"

    def score(self, answers: Answers) -> Score:
        return of_pieces("bits_per_byte", judged(answers), self, 8.0)

    def figure(self, means: np.ndarray) -> np.ndarray:
        """(..., 2) nats and bytes -> (...)"""
        import numpy as np

        return means[..., 0] / np.maximum(means[..., 1], 1e-9) / math.log(2)


@dataclass(frozen=True)
class Perplexity:
    """exp of the mean surprise at a token, from 1: among so many tokens, all alike, the model seems to choose.

    Comparable between models of the same tokens alone."""

    fits: ClassVar[tuple[type, ...]] = (Tokens, Reply, Gaps, Hidden)
    better: ClassVar[Literal["higher", "lower"]] = "lower"
    of: ClassVar[str] = "nats"
    over: ClassVar[str] = "tokens"

    def score(self, answers: Answers) -> Score:
        assert isinstance(answers.port.kind, Tokens)
        return of_pieces("perplexity", judged(answers), self, answers.port.kind.alphabet)

    def figure(self, means: np.ndarray) -> np.ndarray:
        """(..., 2) nats and tokens -> (...)"""
        import numpy as np

        return np.exp(np.minimum(means[..., 0] / means[..., 1], 700.0))  # what is beyond is no float


@dataclass(frozen=True)
class TokenAccuracy:
    """Of the hidden tokens the share that the model holds for the likeliest, from 0 to 1."""

    fits: ClassVar[tuple[type, ...]] = (Hidden,)
    better: ClassVar[Literal["higher", "lower"]] = "higher"
    of: ClassVar[str] = "hits"
    over: ClassVar[str] = "tokens"

    def score(self, answers: Answers) -> Score:
        return of_pieces("token_accuracy", judged(answers), self, 1.0)

    def figure(self, means: np.ndarray) -> np.ndarray:
        """(..., 2) hits and tokens -> (...)"""
        return means[..., 0] / means[..., 1]


class Figure(Protocol):
    """What is made of two sums over pieces of texts."""

    better: ClassVar[Literal["higher", "lower"]]
    of: ClassVar[str]
    over: ClassVar[str]

    def score(self, answers: Answers) -> Score: ...

    def figure(self, means: np.ndarray) -> np.ndarray: ...


def judged(answers: Answers) -> pl.DataFrame:
    """The pieces that were read and in which something is foretold. Refused where there is none."""
    import polars as pl

    found = answers.frame.filter(pl.col("tokens") > 0)
    if found.is_empty():
        raise Refused(say("Not one of {n} rows could be read: there is nothing to score.", n=f"{len(answers):,}"))
    return found


def of_pieces(name: str, pieces: pl.DataFrame, metric: Figure, ignorance: float) -> Score:
    """Where all pieces are alike, more of them may yet be as bad as ignorance."""
    import numpy as np

    rows = pieces.select(metric.of, metric.over).to_numpy().astype(np.float64)
    value = float(metric.figure(rows.mean(0)))
    low, high = intervals.of_means(rows, metric.figure)
    if low == high:
        slack = intervals.unvaried(len(rows), max(ignorance, value))
        low, high = (value, value + slack) if metric.better == "lower" else (max(0.0, value - slack), value)
    return Score(name, value, min(low, value), max(high, value), len(rows))


# --- two models on the same texts -----------------------------------------------------------------------------------------


def same_texts(a: Answers, b: Answers) -> bool:
    """Whether both were judged on the same rows."""
    return set(a.frame["row"]) == set(b.frame["row"])


def difference(metric: Figure, a: Answers, b: Answers) -> Score:
    """The figure of b less that of a, by the bootstrap over pieces that both have; where their pieces are not the same, over
    whole rows."""
    import numpy as np

    name = metric.score(a).name
    pairs = _paired(judged(a), judged(b), metric.of, metric.over)
    rows = pairs.select(metric.of, metric.over, f"{metric.of}_b", f"{metric.over}_b").to_numpy().astype(np.float64)

    def gain(means: np.ndarray) -> np.ndarray:
        """(..., 4) -> (...)"""
        return metric.figure(means[..., 2:]) - metric.figure(means[..., :2])

    value, (low, high) = float(gain(rows.mean(0))), intervals.of_means(rows, gain)
    ignorance = 1.0 if metric.better == "higher" else 8.0 if name == "bits_per_byte" else metric.score(a).value
    slack = intervals.unvaried(len(rows), ignorance) if low == high else 0.0
    return Score(f"{name}_difference", value, min(low, value) - slack, max(high, value) + slack, len(rows))


def _paired(first: pl.DataFrame, second: pl.DataFrame, of: str, over: str) -> pl.DataFrame:
    """Columns of, over, and those of the second with _b."""
    import polars as pl

    keys = ["row", "place"]
    if not first.select(*keys, over).sort(keys).equals(second.select(*keys, over).sort(keys)):
        keys = ["row"]
        first, second = (one.group_by("row").agg(pl.col(of, over).sum()) for one in (first, second))
    return first.select(*keys, of, over).join(second.select(*keys, of, over), on=keys, suffix="_b").sort(keys)
