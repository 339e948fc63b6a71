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
    figure = figure_of(name, average, truth, guess, classes, present)
    value = float(figure(cells))
    low, high = intervals.of_cells(truth, guess, cells, figure)
    return Score(f"{name}_{average}", value, max(0.0, min(low, value)), min(1.0, max(high, value)), counts.n)


def figure_of(
    name: str, average: Average, truth: np.ndarray, guess: np.ndarray, classes: int, present: np.ndarray
) -> intervals.Figure:
    """The figure as a function of the cells' weights (..., cells), over the classes that are present."""
    known = present[present < classes]

    def figure(weights: np.ndarray) -> np.ndarray:
        """(..., cells) -> (...)"""
        hit, is_so, said = _per_class(weights, truth, guess, classes)
        if average == "micro":
            return _ratios(name, hit.sum(-1), is_so.sum(-1), said.sum(-1))
        ratio = _ratios(name, hit, is_so, said)[..., known]
        return ratio.mean(-1) if average == "macro" else (ratio * is_so[..., known]).sum(-1) / is_so.sum(-1)

    return figure


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


# --- two models on the same rows ------------------------------------------------------------------------------------------


def averaged_difference(name: str, average: Average, a: Answers, b: Answers) -> Score:
    """The figure of b less that of a, by draws of the cells (label, answer of a, answer of b).

    As intervals.of_cells does: the lower end allows for one row more that b loses, the upper for one more that it gains."""
    names = tuple(dict.fromkeys((*counting.names_of(a), *counting.names_of(b))))
    first, second = (counting.labelled(one).sort("row") for one in (a, b))
    label, was, now = (counting.codes(column, names) for column in (first["label"], first["answer"], second["answer"]))
    cells, weights = _joint(label, was, now, len(names))
    figure = _gain(name, average, cells, weights > 0, len(names))
    value = float(figure(weights))
    low, high = intervals.of_pairs(cells, weights, figure)
    return Score(f"{name}_{average}_difference", value, min(low, value), max(high, value), len(label))


def _joint(label: np.ndarray, was: np.ndarray, now: np.ndarray, classes: int) -> tuple[np.ndarray, np.ndarray]:
    """The cells (3, cells) of label, answer of a, answer of b, and how many rows lie in each; some are empty: room for a row of
    each label that may yet be lost to the next, or gained from it."""
    import numpy as np

    labels = np.unique(label)
    following = np.roll(labels, -1) if len(labels) > 1 else np.full(1, classes)
    room = [np.stack([labels, labels, following]), np.stack([labels, following, labels])]
    seen, counts = np.unique(np.stack([label, was, now]), axis=1, return_counts=True)
    cells, place = np.unique(np.concatenate([seen, *room], axis=1), axis=1, return_inverse=True)
    weights = np.zeros(cells.shape[1])
    weights[place.reshape(-1)[: seen.shape[1]]] = counts
    return cells, weights


def _gain(name: str, average: Average, cells: np.ndarray, seen: np.ndarray, classes: int) -> intervals.Figure:
    """The figure of b less that of a; classes that do occur are averaged for each."""
    import numpy as np

    label, was, now = cells
    first, second = (
        figure_of(name, average, label, answer, classes, np.union1d(label[seen], answer[seen])) for answer in (was, now)
    )
    return lambda weights: second(weights) - first(weights)
