"""Precision, recall and F1 of classes, averaged; K classes.

Classes that occur neither as label nor as answer are left out of averages; a division by zero is 0."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

from modelwright.evaluation import counting, intervals
from modelwright.nouns import Answers, Score

if TYPE_CHECKING:
    import numpy as np

Average: TypeAlias = Literal["macro", "micro", "weighted"]
"""macro: every class weighs the same; micro: every row; weighted: every class by its number of rows."""


def averaged(name: Literal["precision", "recall", "f1"], average: Average, answers: Answers) -> Score:
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
