"""The figures that Answers are judged by. Each equals scikit-learn's of the same name; K classes, N rows.

Classes that occur neither as label nor as answer are left out of averages; a division by zero is 0."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal, TypeAlias

from modelwright.evaluation import counting, intervals
from modelwright.nouns import Answers, Classes, Numbers, PortKind, Score

if TYPE_CHECKING:
    import numpy as np

Average: TypeAlias = Literal["macro", "micro", "weighted"]
"""macro: every class weighs the same; micro: every row; weighted: every class by its number of rows."""


@dataclass(frozen=True)
class Accuracy:
    """The share of rows answered rightly, 0 to 1. Interval exact."""

    fits: ClassVar[tuple[type, ...]] = (Classes,)
    better: ClassVar[Literal["higher", "lower"]] = "higher"

    def score(self, answers: Answers) -> Score:
        counts = counting.count(answers)
        return Score("accuracy", counts.right / counts.n, *intervals.exact(counts.right, counts.n), counts.n)


@dataclass(frozen=True)
class Precision:
    """Of the rows answered with a class, the share that are of it, 0 to 1."""

    fits: ClassVar[tuple[type, ...]] = (Classes,)
    better: ClassVar[Literal["higher", "lower"]] = "higher"
    average: Average = "macro"

    def score(self, answers: Answers) -> Score:
        return _averaged("precision", self.average, answers)


@dataclass(frozen=True)
class Recall:
    """Of the rows of a class, the share answered with it, 0 to 1."""

    fits: ClassVar[tuple[type, ...]] = (Classes,)
    better: ClassVar[Literal["higher", "lower"]] = "higher"
    average: Average = "macro"

    def score(self, answers: Answers) -> Score:
        return _averaged("recall", self.average, answers)


@dataclass(frozen=True)
class F1:
    """The harmonic mean of precision and recall, 0 to 1."""

    fits: ClassVar[tuple[type, ...]] = (Classes,)
    better: ClassVar[Literal["higher", "lower"]] = "higher"
    average: Average = "macro"

    def score(self, answers: Answers) -> Score:
        return _averaged("f1", self.average, answers)


@dataclass(frozen=True)
class LogLoss:
    """The mean of -ln(chance given to the label), from 0; a chance counts as at least float32's epsilon, 1.2e-7.

    A label that the model does not know had no chance. Interval by bootstrap."""

    fits: ClassVar[tuple[type, ...]] = (Classes,)
    better: ClassVar[Literal["higher", "lower"]] = "lower"

    def score(self, answers: Answers) -> Score:
        import numpy as np

        rows = counting.read_of(answers)
        names = counting.names_of(answers)
        label = counting.codes(rows["label"], names)
        chances = rows["chances"].to_numpy().astype(np.float64)
        given = np.where(label < chances.shape[1], chances[np.arange(len(rows)), np.minimum(label, chances.shape[1] - 1)], 0.0)
        tiny = float(np.finfo(np.float32).eps)
        return _mean("log_loss", -np.log(np.clip(given, tiny, 1 - tiny)), math.log(max(2, chances.shape[1])))


@dataclass(frozen=True)
class MSE:
    """The mean of squared errors, in the label's unit squared. A mean, not half a sum. Interval by bootstrap."""

    fits: ClassVar[tuple[type, ...]] = (Numbers,)
    better: ClassVar[Literal["higher", "lower"]] = "lower"

    def score(self, answers: Answers) -> Score:
        label, answer = _numbers(answers)
        return _mean("mse", (answer - label) ** 2, float(label.var()) or max(1.0, float(label[0]) ** 2))


@dataclass(frozen=True)
class MAE:
    """The mean of absolute errors, in the label's unit. Interval by bootstrap."""

    fits: ClassVar[tuple[type, ...]] = (Numbers,)
    better: ClassVar[Literal["higher", "lower"]] = "lower"

    def score(self, answers: Answers) -> Score:
        label, answer = _numbers(answers)
        return _mean("mae", abs(answer - label), float(label.std()) or max(1.0, abs(float(label[0]))))


@dataclass(frozen=True)
class R2:
    """The share of the label's variance that the answers explain, at most 1; 0 is as good as answering the mean.

    Labels that are all equal: 1 if every answer is right, else 0. Interval by bootstrap."""

    fits: ClassVar[tuple[type, ...]] = (Numbers,)
    better: ClassVar[Literal["higher", "lower"]] = "higher"

    def score(self, answers: Answers) -> Score:
        import numpy as np

        label, answer = _numbers(answers)
        centred = label - label.mean()  # sums of squares of large labels would lose their digits
        rows = np.stack([(answer - label) ** 2, centred, centred**2], axis=1)
        value = float(_explained(rows.mean(0)))
        low, high = intervals.of_means(rows, _explained)
        if low == high:
            low = value - intervals.unvaried(len(label), 1.0)
        return Score("r2", value, low, min(high, 1.0), len(label))


Metric: TypeAlias = Accuracy | Precision | Recall | F1 | LogLoss | MSE | MAE | R2


def natural(kind: PortKind) -> tuple[Metric, ...]:
    """The figures that one looks at first."""
    return (Accuracy(), F1(), LogLoss()) if isinstance(kind, Classes) else (MAE(), R2(), MSE())


def score(answers: Answers, metrics: tuple[Metric, ...] = ()) -> tuple[Score, ...]:
    """A Score for each metric; without any, for the natural ones. Refused where no row can be judged."""
    return tuple(metric.score(answers) for metric in metrics or natural(answers.port.kind))


# --- figures of amounts -------------------------------------------------------------------------------------------------


def _numbers(answers: Answers) -> tuple[np.ndarray, np.ndarray]:
    """label and answer, float64 (N,), of the rows that were read."""
    rows = counting.read_of(answers)
    return rows["label"].to_numpy(), rows["answer"].to_numpy()


def _mean(name: str, losses: np.ndarray, ignorance: float) -> Score:
    """The mean of losses (N,); where they are all equal, more of them may yet be as bad as ignorance."""
    value = float(losses.mean())
    low, high = intervals.of_means(losses[:, None], lambda means: means[..., 0])
    if low == high:
        high = value + intervals.unvaried(len(losses), ignorance)
    return Score(name, value, min(low, value), max(high, value), len(losses))


def _explained(means: np.ndarray) -> np.ndarray:
    """(..., 3) means of squared error, label and label squared -> (...) R2."""
    import numpy as np

    error, variance = means[..., 0], means[..., 2] - means[..., 1] ** 2
    flat = variance <= 1e-12 * np.maximum(means[..., 2], 1e-300)
    return np.where(flat, np.where(error == 0, 1.0, 0.0), 1 - error / np.where(flat, 1.0, variance))


# --- figures of classes -------------------------------------------------------------------------------------------------


def _averaged(name: Literal["precision", "recall", "f1"], average: Average, answers: Answers) -> Score:
    """micro is a share, so its interval is exact; the others' comes from draws of the confusion matrix."""
    import numpy as np

    counts = counting.count(answers)
    if average == "micro":
        return _micro(name, counts)
    classes = len(counts.names)
    present = np.union1d(counts.truth, counts.guess[counts.guess < classes])
    truth, guess, cells = _with_room(counts, present)

    def figure(weights: np.ndarray) -> np.ndarray:
        """(..., cells) -> (...)"""
        hit, is_so, said = _per_class(weights, truth, guess, classes)
        ratio = _ratios(name, hit, is_so, said)[..., present]
        return ratio.mean(-1) if average == "macro" else (ratio * is_so[..., present]).sum(-1) / is_so.sum(-1)

    value = float(figure(cells))
    low, high = intervals.of_cells(truth, guess, cells, figure)
    return Score(f"{name}_{average}", value, max(0.0, min(low, value)), min(1.0, max(high, value)), counts.n)


def _with_room(counts: counting.Counts, present: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The cells, with empty ones added where one more row may fall: right, or taken for the next class, the last for the first.

    A class that is alone is taken for something else (K), and something else for it."""
    import numpy as np

    wide = len(counts.names) + 1
    ring = present if len(present) > 1 else np.append(present, wide - 1)
    room = np.concatenate([present * wide + present, ring * wide + np.roll(ring, -1)])
    seen = counts.truth * wide + counts.guess
    cells = np.union1d(seen, room)
    weights = np.zeros(len(cells))
    weights[np.searchsorted(cells, seen)] = counts.counts
    return cells // wide, cells % wide, weights


def _per_class(weights: np.ndarray, truth: np.ndarray, guess: np.ndarray, classes: int) -> tuple[np.ndarray, ...]:
    """(..., cells) -> hits, rows of the class, answers of the class, each (..., K)."""
    import numpy as np
    from scipy.sparse import csr_array

    flat, places = weights.reshape(-1, weights.shape[-1]), np.arange(weights.shape[-1])

    def summed(chosen: np.ndarray, column: np.ndarray) -> np.ndarray:
        ones = csr_array((np.ones(int(chosen.sum())), (places[chosen], column[chosen])), (len(places), classes))
        return (flat @ ones).reshape(*weights.shape[:-1], classes)

    return summed(truth == guess, truth), summed(truth < classes, truth), summed(guess < classes, guess)


def _ratios(name: str, hit: np.ndarray, is_so: np.ndarray, said: np.ndarray) -> np.ndarray:
    import numpy as np

    below = {"precision": said, "recall": is_so, "f1": (said + is_so) / 2}[name]
    return np.where(below > 0, hit / np.where(below > 0, below, 1.0), 0.0)


def _micro(name: str, counts: counting.Counts) -> Score:
    """Hits over rows answered, over all rows, or over the mean of both; the number of rows answered is taken as given."""
    answered = int(counts.counts[counts.guess < len(counts.names)].sum())
    if name == "precision":
        low, high = intervals.exact(counts.right, answered) if answered else (0.0, 1.0)
        return Score("precision_micro", counts.right / answered if answered else 0.0, low, high, counts.n)
    stretch = 1.0 if name == "recall" else 2 * counts.n / (answered + counts.n)
    low, high = intervals.exact(counts.right, counts.n)
    return Score(f"{name}_micro", stretch * counts.right / counts.n, stretch * low, min(1.0, stretch * high), counts.n)
