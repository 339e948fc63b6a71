"""The figures that Answers are judged by. Each equals scikit-learn's of the same name; K classes, N rows."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal, TypeAlias

from modelwright.evaluation import counting, entities, intervals, retrieval, words
from modelwright.evaluation.averaging import Average, averaged
from modelwright.evaluation.entities import F1OfEntities, PrecisionOfEntities, RecallOfEntities, TagAccuracy
from modelwright.evaluation.foretold import BitsPerByte, Perplexity, TokenAccuracy
from modelwright.evaluation.matching import BLEU, ChrF, Rouge
from modelwright.evaluation.retrieval import NDCG, RecallAt, Spearman
from modelwright.nouns import Answers, Classes, Hidden, Numbers, PortKind, Reply, Score, Tagged, Tokens, Vector
from modelwright.nouns import Metric as AnyMetric

if TYPE_CHECKING:
    import numpy as np

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
        return averaged("precision", self.average, answers)


@dataclass(frozen=True)
class Recall:
    """Of the rows of a class, the share answered with it, 0 to 1."""

    fits: ClassVar[tuple[type, ...]] = (Classes,)
    better: ClassVar[Literal["higher", "lower"]] = "higher"
    average: Average = "macro"

    def score(self, answers: Answers) -> Score:
        return averaged("recall", self.average, answers)


@dataclass(frozen=True)
class F1:
    """The harmonic mean of precision and recall, 0 to 1."""

    fits: ClassVar[tuple[type, ...]] = (Classes,)
    better: ClassVar[Literal["higher", "lower"]] = "higher"
    average: Average = "macro"

    def score(self, answers: Answers) -> Score:
        return averaged("f1", self.average, answers)


@dataclass(frozen=True)
class LogLoss:
    """The mean of -ln(chance given to the label), from 0; a chance counts as at least float32's epsilon, 1.2e-7.

    A label that the model does not know had no chance. Interval by bootstrap."""

    fits: ClassVar[tuple[type, ...]] = (Classes,)
    better: ClassVar[Literal["higher", "lower"]] = "lower"

    def score(self, answers: Answers) -> Score:
        return _mean("log_loss", self.losses(answers), self.ignorance(answers))

    def losses(self, answers: Answers) -> np.ndarray:
        """float64 (N,), of the rows that were read."""
        import numpy as np

        rows = counting.read_of(answers)
        names = counting.names_of(answers)
        label = counting.codes(rows["label"], names)
        chances = rows["chances"].to_numpy().astype(np.float64)
        given = np.where(label < chances.shape[1], chances[np.arange(len(rows)), np.minimum(label, chances.shape[1] - 1)], 0.0)
        tiny = float(np.finfo(np.float32).eps)
        return -np.log(np.clip(given, tiny, 1 - tiny))

    def ignorance(self, answers: Answers) -> float:
        """What it is to know nothing: the same chance for every class."""
        assert isinstance(answers.port.kind, Classes)
        return math.log(max(2, len(answers.port.kind.names)))


@dataclass(frozen=True)
class MSE:
    """The mean of squared errors, in the label's unit squared. A mean, not half a sum. Interval by bootstrap."""

    fits: ClassVar[tuple[type, ...]] = (Numbers,)
    better: ClassVar[Literal["higher", "lower"]] = "lower"

    def score(self, answers: Answers) -> Score:
        return _mean("mse", self.losses(answers), self.ignorance(answers))

    def losses(self, answers: Answers) -> np.ndarray:
        """float64 (N,), of the rows that were read."""
        label, answer = numbers(answers)
        return (answer - label) ** 2

    def ignorance(self, answers: Answers) -> float:
        """What it is to answer the mean."""
        label, _ = numbers(answers)
        return float(label.var()) or max(1.0, float(label[0]) ** 2)


@dataclass(frozen=True)
class MAE:
    """The mean of absolute errors, in the label's unit. Interval by bootstrap."""

    fits: ClassVar[tuple[type, ...]] = (Numbers,)
    better: ClassVar[Literal["higher", "lower"]] = "lower"

    def score(self, answers: Answers) -> Score:
        return _mean("mae", self.losses(answers), self.ignorance(answers))

    def losses(self, answers: Answers) -> np.ndarray:
        """float64 (N,), of the rows that were read."""
        label, answer = numbers(answers)
        return abs(answer - label)

    def ignorance(self, answers: Answers) -> float:
        """What it is to answer the mean."""
        label, _ = numbers(answers)
        return float(label.std()) or max(1.0, abs(float(label[0])))


@dataclass(frozen=True)
class R2:
    """The share of the label's variance that the answers explain, at most 1; 0 is as good as answering the mean.

    Labels that are all equal: 1 if every answer is right, else 0. Interval by bootstrap."""

    fits: ClassVar[tuple[type, ...]] = (Numbers,)
    better: ClassVar[Literal["higher", "lower"]] = "higher"

    def score(self, answers: Answers) -> Score:
        import numpy as np

        label, answer = numbers(answers)
        centred = label - label.mean()  # sums of squares of large labels would lose their digits
        rows = np.stack([(answer - label) ** 2, centred, centred**2], axis=1)
        value = float(explained(rows.mean(0)))
        low, high = intervals.of_means(rows, explained)
        if low == high:
            low = value - intervals.unvaried(len(label), 1.0)
        return Score("r2", value, low, min(high, 1.0), len(label))


Metric: TypeAlias = (
    Accuracy | Precision | Recall | F1 | LogLoss | MSE | MAE | R2
    | BitsPerByte | Perplexity | TokenAccuracy | BLEU | ChrF | Rouge
    | F1OfEntities | PrecisionOfEntities | RecallOfEntities | TagAccuracy
    | NDCG | RecallAt | Spearman
)


def natural(kind: PortKind) -> tuple[Metric, ...]:
    """The figures that one looks at first."""
    if isinstance(kind, Reply):
        return BLEU(), ChrF(), BitsPerByte(), Perplexity()
    if isinstance(kind, Tagged):
        return entities.natural(kind)
    if isinstance(kind, Vector):
        return retrieval.natural(kind)
    if isinstance(kind, Hidden):
        return TokenAccuracy(), Perplexity()
    if isinstance(kind, Tokens):
        return BitsPerByte(), Perplexity()
    return (Accuracy(), F1(), LogLoss()) if isinstance(kind, Classes) else (MAE(), R2(), MSE())


def score(answers: Answers, metrics: tuple[AnyMetric, ...] = ()) -> tuple[Score, ...]:
    """A Score for each metric; without any, for the natural ones. Refused where no row can be judged."""
    return tuple(metric.score(answers) for metric in metrics or natural(answers.port.kind))


def watched(metrics: tuple[AnyMetric, ...]) -> AnyMetric:
    """By which training is followed: the first; of replies the first that asks for none to be said, which takes long."""
    cheap = (metric for metric in metrics if not of_replies(metric))
    return next(cheap, metrics[0]) if of_replies(metrics[0]) else metrics[0]


def of_replies(metric: AnyMetric) -> bool:
    """Whether it judges replies that were said."""
    return isinstance(metric, (BLEU, ChrF, Rouge))


def comparable(rivals: Mapping[str, Answers], answers: Answers, metrics: tuple[AnyMetric, ...]) -> dict[str, Answers]:
    """The rivals that the first metric can judge beside these answers, with the same labels: those that reply do not tell how
    likely they find what was wanted."""
    if isinstance(answers.port.kind, Tagged):
        return {name: words.beside(theirs, answers) for name, theirs in rivals.items()}
    if not isinstance(answers.port.kind, Reply):
        return dict(rivals)
    if not of_replies((metrics or natural(answers.port.kind))[0]):
        return {}
    known = answers.frame.select("row", "label")
    frames = {name: theirs.frame.drop("label").join(known, on="row", how="left") for name, theirs in rivals.items()}
    return {name: Answers(frames[name].select(theirs.frame.columns), theirs.port) for name, theirs in rivals.items()}


def scored(rival: Answers, metrics: tuple[AnyMetric, ...] = ()) -> tuple[Score, ...]:
    """As score(), of a rival: one that replies is judged by what it says alone."""
    asked = metrics or natural(rival.port.kind)
    if isinstance(rival.port.kind, Reply):
        asked = tuple(metric for metric in asked if of_replies(metric))
    return score(rival, asked)


# --- figures of amounts -------------------------------------------------------------------------------------------------


def numbers(answers: Answers) -> tuple[np.ndarray, np.ndarray]:
    """label and answer, float64 (N,), of the rows that were read."""
    rows = counting.read_of(answers)
    return rows["label"].to_numpy(), rows["answer"].to_numpy()


def _mean(name: str, losses: np.ndarray, ignorance: float) -> Score:
    """The mean of losses (N,); where they are all equal, more of them may yet be as bad as ignorance."""
    value = float(losses.mean())
    low, high = intervals.of_means(losses[:, None], lambda means: means[..., 0])
    if low == high:
        high = value + intervals.unvaried(len(losses), max(ignorance, value))  # ignorance is hardly better than what was found
    return Score(name, value, min(low, value), max(high, value), len(losses))


def explained(means: np.ndarray) -> np.ndarray:
    """(..., 3) means of squared error, label and label squared -> (...) R2."""
    import numpy as np

    error, variance = means[..., 0], means[..., 2] - means[..., 1] ** 2
    flat = variance <= 1e-12 * np.maximum(means[..., 2], 1e-300)
    return np.where(flat, np.where(error == 0, 1.0, 0.0), 1 - error / np.where(flat, 1.0, variance))
