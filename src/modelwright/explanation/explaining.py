"""One row explained by one method within a budget, and how far the explanation can be trusted. Verb: explain."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from modelwright.explanation.budget import Budget
from modelwright.explanation.deletion import Deletion, asked, deletion
from modelwright.explanation.features import Features
from modelwright.explanation.gradients import integrated
from modelwright.explanation.kinds import IntegratedGradients, Lime, RowMethod, Shapley
from modelwright.explanation.lime import lime
from modelwright.explanation.occlusion import occlusion
from modelwright.explanation.shapley import shapley
from modelwright.explanation.subject import Subject
from modelwright.nouns import Classes, Tagged
from modelwright.reader import kind

TRIED = 16
"""Coalitions that are asked about to learn the pace."""


@dataclass(frozen=True)
class Explained:
    """Why one answer: how much each feature speaks for it."""

    method: str
    features: Features
    values: tuple[float, ...]
    """Not a number for features that were never asked about, for want of time."""
    errors: tuple[float, ...]
    """Standard errors; zeros where nothing was drawn, not a number where one draw was all."""
    said: float
    """What the model says of the row: the chance of its answer, or the number."""
    without: float
    """And where every feature is absent."""
    gap: float
    """What is left unexplained. Lime: the share of the variance; else how far the values' sum is from said - without."""
    asked: int
    """Coalitions asked about, or points on ways."""
    deletion: Deletion
    row: int
    answer: str
    word: int | None = None
    """Of tags: the place of the word whose tag the answer is."""

    @property
    def about(self) -> str:
        """What is explained, as a person is told."""
        return self.answer if self.word is None else f"{self.features.names[self.word]} = {self.answer}"

    def plain(self) -> dict[str, Any]:
        """What --json prints."""
        named = zip(self.features.names, self.features.said, self.values, self.errors, strict=True)
        values = [{"feature": n, "says": s, "value": known(v), "error": known(e)} for n, s, v, e in named]
        curve = {"gone": self.deletion.gone, "said": self.deletion.said, "random": self.deletion.random}
        where = {"row": self.row} if self.word is None else {"row": self.row, "word": self.word}
        facts = {**where, "answer": self.answer, "method": self.method, "said": self.said, "without": self.without}
        checks = {"gap": self.gap, "asked": self.asked, "unasked": self.unasked, "beats_random": self.deletion.beats_random}
        return {**facts, **checks, "deletion": curve, "values": values}

    @property
    def order(self) -> list[int]:
        """Features that have a value, the weightiest first."""
        asked = [place for place, value in enumerate(self.values) if not math.isnan(value)]
        return sorted(asked, key=lambda place: -abs(self.values[place]))

    @property
    def strongest(self) -> float:
        """How much the weightiest feature says; 1 where none says anything."""
        return max((abs(self.values[place]) for place in self.order), default=0.0) or 1.0

    @property
    def unasked(self) -> int:
        """Features without a value."""
        return sum(map(math.isnan, self.values))


def known(value: float) -> float | None:
    return None if math.isnan(value) else value


def explain(subject: Subject, method: RowMethod, budget: Budget, seed: int = 0) -> Explained:
    """The least that says anything is always asked: whoever cannot wait asks the budget. Refused: a model without slopes."""
    pace = _pace(subject, budget)
    budget.keep_back(pace * asked(subject.count))
    budget.pace = pace
    values, errors, gap, count = _values(subject, method, budget, seed)
    said, none = subject.whole(), subject.none()
    if gap is None:
        gap = abs(float(np.nansum(values)) - (said - none))
    towards = np.nan_to_num(values) * (1 if subject.answer is not None else np.sign(said - none))
    row = int(subject.batch["row"][0])
    curve = _towards(deletion(subject.ask, towards, seed), subject, said, none)
    budget.keep_back(0)  # it is spent by now
    return Explained(
        method=kind(type(method)), features=subject.features, values=tuple(values.tolist()), errors=tuple(errors.tolist()),
        said=said, without=none, gap=gap, asked=count,
        deletion=curve, row=row, answer=_word(subject, said), word=subject.word,
    )  # fmt: skip


def _pace(subject: Subject, budget: Budget) -> float:
    """Seconds for each coalition."""
    began = budget.spent
    subject.ask(np.random.default_rng(0).random((TRIED, subject.count)) < 0.5)
    return (budget.spent - began) / TRIED


def _values(subject: Subject, method: RowMethod, budget: Budget, seed: int) -> tuple[np.ndarray, np.ndarray, float | None, int]:
    """values (K,), errors (K,), the gap where the method has one of its own, coalitions asked."""
    exactly = np.zeros(subject.count)
    if isinstance(method, Shapley):
        values, errors, count = shapley(subject.ask, subject.count, method, budget, seed)
        return values, errors, None, count
    if isinstance(method, Lime):
        values, gap, count = lime(subject.ask, subject.count, method, budget, seed)
        return values, exactly, gap, count
    if isinstance(method, IntegratedGradients):
        values, count = integrated(subject, method, budget)
        return values, exactly, None, count
    values, count = occlusion(subject.ask, subject.count, budget, seed)
    return values, exactly, None, count


def _towards(curve: Deletion, subject: Subject, said: float, none: float) -> Deletion:
    """A number may be high or low for a reason: the curve is told so that falling means losing the answer."""
    if subject.answer is not None or said >= none:
        return curve
    return Deletion(curve.gone, tuple(2 * said - y for y in curve.said), tuple(2 * said - y for y in curve.random))


def _word(subject: Subject, said: float) -> str:
    if subject.answer is None:
        return f"{said:.6g}"
    written = subject.codec.writes[0].kind
    assert isinstance(written, (Classes, Tagged))
    return (written.tags if isinstance(written, Tagged) else written.names)[subject.answer]
