"""Two rivals on the same rows: every score that they share, both ends of its interval. Never of zero width."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from modelwright.evaluation import foretold, intervals, matching, retrieval, words
from modelwright.evaluation.averaging import averaged_difference
from modelwright.evaluation.comparing import changed
from modelwright.evaluation.counting import labelled
from modelwright.evaluation.entities import F1OfEntities, PrecisionOfEntities, RecallOfEntities, TagAccuracy
from modelwright.evaluation.foretold import BitsPerByte, Perplexity, TokenAccuracy
from modelwright.evaluation.intervals import MISS, at_least, at_most
from modelwright.evaluation.matching import BLEU, ChrF, Rouge
from modelwright.evaluation.metrics import F1, MAE, MSE, R2, Accuracy, LogLoss, Precision, Recall, explained, numbers
from modelwright.evaluation.retrieval import NDCG, RecallAt
from modelwright.nouns import Answers, Classes, Metric, Score, Tagged, Tokens, Vector

if TYPE_CHECKING:
    import polars as pl

OF_TAGS = (F1OfEntities, PrecisionOfEntities, RecallOfEntities, TagAccuracy)
LABELS_APART = 1e-6
"""Of the largest label: two codecs turn the same number into float32 by different means and spreads."""


def least_provable(n: int) -> float:
    """The smallest gain of accuracy that n rows can prove, all of them gained and none lost."""
    return next((k / n for k in range(1, n + 1) if at_least(k, n, MISS / 2) > at_most(0, n, MISS / 2)), 1.0)


def difference(metric: Metric, a: Answers, b: Answers) -> Score | None:
    """The figure of b less that of a, with its 95 % interval; difference(metric, b, a) is its negative. None for a metric
    from outside: only its figures are known here. Figures of amounts rest on the rows that both could read.

    ValueError where the two did not answer the same rows; Refused where no row can be judged."""
    if isinstance(metric, Accuracy):
        return _of_rightness(a, b)
    if not isinstance(a.port.kind, (Tokens, Tagged, Vector)):
        _pairs(a, b)
    found = _drawn(metric, a, b)
    if found is None or found.value > 0:
        return found
    back = _drawn(metric, b, a)  # chance is drawn in one direction, so that swapped models swap the sign and nothing else
    assert back is not None
    low, high = (-back.high, -back.low) if found.value else (min(found.low, -back.high), max(found.high, -back.low))
    return replace(found, low=low, high=high)


def differences(metrics: Iterable[Metric], a: Answers, b: Answers) -> tuple[Score, ...]:
    """One for each metric that is ours."""
    found = (difference(metric, a, b) for metric in metrics)
    return tuple(score for score in found if score is not None)


def same_rows(a: Answers, b: Answers) -> bool:
    """Whether both answered the same rows with the same labels; of tokens, which have none, the same texts."""
    import polars as pl

    if isinstance(a.port.kind, (Tokens, Vector)):
        return foretold.same_texts(a, b)
    if isinstance(a.port.kind, Tagged):
        return words.same_words(a, b)

    first, second = (one.frame.select("row", "label").sort("row") for one in (a, b))
    if not first["row"].equals(second["row"]):
        return False
    if isinstance(a.port.kind, Classes) or isinstance(b.port.kind, Classes):
        return first["label"].cast(pl.String).equals(second["label"].cast(pl.String))
    apart = (first["label"] - second["label"]).abs().max()
    largest = first["label"].abs().max()
    same_holes = first["label"].is_null().equals(second["label"].is_null())
    return same_holes and (apart is None or float(apart) <= LABELS_APART * max(1e-300, float(largest)))  # type: ignore[arg-type]


# --- pairs --------------------------------------------------------------------------------------------------------------


def _pairs(a: Answers, b: Answers) -> pl.DataFrame:
    """Columns row, label, answer and answer_b, of the rows with a label."""
    columns = ["row", "label", "answer"]
    first, second = labelled(a).select(columns), labelled(b).select(columns)
    pairs = first.join(second, on="row", suffix="_b")
    if len(pairs) != len(first) or len(pairs) != len(second) or not same_rows(a, b):
        raise ValueError("compare: the two answered different rows")
    return pairs


def _read_by_both(a: Answers, b: Answers) -> tuple[Answers, Answers]:
    """In one order; the labels are those of a."""
    rows = _pairs(a, b).drop_nulls().select("row", "label")
    first, second = (rows.join(one.frame.drop("label"), on="row", maintain_order="left") for one in (a, b))
    return replace(a, frame=first), replace(b, frame=second)


def _of_rightness(a: Answers, b: Answers) -> Score:
    """Exact: the least share gained less the greatest share lost, and the other way round, each bound missing MISS / 2."""
    _pairs(a, b)
    lost, gained, n = changed(a, b)
    low = at_least(gained, n, MISS / 2) - at_most(lost, n, MISS / 2)
    high = at_most(gained, n, MISS / 2) - at_least(lost, n, MISS / 2)
    return Score("accuracy_difference", (gained - lost) / n, low, high, n)


def _drawn(metric: Metric, a: Answers, b: Answers) -> Score | None:
    if isinstance(metric, (Precision, Recall, F1)):
        name = {Precision: "precision", Recall: "recall", F1: "f1"}[type(metric)]
        return averaged_difference(name, metric.average, a, b)
    if isinstance(metric, (BitsPerByte, Perplexity, TokenAccuracy, *OF_TAGS)):
        return foretold.difference(metric, a, b)
    if isinstance(metric, (NDCG, RecallAt)):
        return retrieval.difference(metric, a, b)
    if isinstance(metric, (BLEU, ChrF, Rouge)):
        return matching.difference(metric, a, b)
    if isinstance(metric, (LogLoss, MSE, MAE)):
        return _of_losses(metric, *_read_by_both(a, b))
    return _of_r2(*_read_by_both(a, b)) if isinstance(metric, R2) else None


def _of_losses(metric: LogLoss | MSE | MAE, a: Answers, b: Answers) -> Score:
    losses = metric.losses(b) - metric.losses(a)
    low, high = intervals.of_means(losses[:, None], lambda means: means[..., 0])
    ignorance = max(metric.ignorance(a), metric.ignorance(b))
    return _score(metric.score(a).name, float(losses.mean()), low, high, len(losses), ignorance)


def _of_r2(a: Answers, b: Answers) -> Score:
    import numpy as np

    (label, first), (_, second) = numbers(a), numbers(b)
    centred = label - label.mean()
    rows = np.stack([(first - label) ** 2, (second - label) ** 2, centred, centred**2], axis=1)

    def gain(means: np.ndarray) -> np.ndarray:
        """(..., 4) -> (...)"""
        return explained(means[..., [1, 2, 3]]) - explained(means[..., [0, 2, 3]])

    low, high = intervals.of_means(rows, gain)
    return _score("r2", float(gain(rows.mean(0))), low, high, len(label), 1.0)


def _score(name: str, value: float, low: float, high: float, n: int, ignorance: float) -> Score:
    """Where no row differs from the others, more of them may yet, as far as ignorance goes, either way."""
    slack = intervals.unvaried(n, ignorance) if low == high else 0.0
    return Score(f"{name}_difference", value, min(low, value) - slack, max(high, value) + slack, n)
