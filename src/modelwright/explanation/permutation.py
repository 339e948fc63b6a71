"""What the score loses over all rows when a feature is shuffled among them. N rows, K features, R repeats."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import torch

from modelwright import data, evaluation
from modelwright.data.chance import chance
from modelwright.explanation.budget import Budget
from modelwright.explanation.features import Features
from modelwright.explanation.kinds import Permutation
from modelwright.explanation.shuffling import Shuffled, shuffled
from modelwright.nouns import Batch, Classes, Codec, Refused, Rows
from modelwright.wording import say

if TYPE_CHECKING:
    from torch.nn import Module

Z = 1.96
POINTS = 8
"""Of the curve of the first k shuffled together."""
ORDERS = 3
"""Random ones beside it."""


@dataclass(frozen=True)
class Importance:
    """By feature: the share of rows that become wrong, or by how much the error grows, when it is shuffled."""

    features: Features
    drops: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    """95 % intervals, over the rows; never of zero width."""
    base: float
    """The error with nothing shuffled: the share of wrong answers, or the mean absolute error."""
    shuffled: tuple[int, ...]
    """How many of the weightiest are shuffled together ..."""
    top: tuple[float, ...]
    """... and the error then ..."""
    random: tuple[float, ...]
    """... and with as many of a random order."""
    rows: int
    repeats: int

    @property
    def order(self) -> list[int]:
        return sorted(range(len(self.drops)), key=lambda place: -self.drops[place])

    def plain(self) -> dict[str, Any]:
        named = zip(self.features.names, self.drops, self.low, self.high, strict=True)
        values = [{"feature": name, "drop": drop, "low": low, "high": high} for name, drop, low, high in named]
        curve = {"shuffled": self.shuffled, "top": self.top, "random": self.random}
        facts = {"method": "permutation", "rows": self.rows, "repeats": self.repeats, "error": self.base}
        return {**facts, "values": values, "drop_top_k": curve}


def permutation(module: Module, codec: Codec, rows: Rows, how: Permutation, budget: Budget, seed: int = 0) -> Importance:
    """Refused: rows without labels, a budget in which not every feature can be shuffled once."""
    batch = _labelled(codec, rows)
    errors = _Errors(module, codec, batch, shuffled(codec, rows, batch))
    features = errors.shuffled.features
    base, grown, repeats = errors.of([]), np.zeros((len(features.names), len(rows))), 0
    budget.keep_back(budget.spent * (1 + ORDERS) * POINTS)
    longest = 0.0
    while repeats < how.repeats and (not repeats or budget.fits(longest)):
        began = budget.spent
        for feature in range(len(features.names)):
            grown[feature] += errors.of([feature], chance(seed, "shuffle", repeats)) - base
        repeats, longest = repeats + 1, max(longest, budget.spent - began)
    budget.refuse_overspent()
    return _told(features, base, grown / repeats, errors, repeats, seed)


def _labelled(codec: Codec, rows: Rows) -> Batch:
    batch, faults = data.encode_all(codec, rows)
    if codec.encoding.label not in rows.columns.columns:
        label = codec.encoding.label
        raise Refused(say('permutation needs to know the right answers: these rows have no column "{label}".', label=label))
    good, _ = data.without(batch, faults)
    if len(good["row"]) < 2:
        raise Refused(say("Fewer than two rows can be read: there is nothing to shuffle."))
    if len(good["row"]) != len(rows):
        raise Refused(say("Some rows cannot be read: {why}", why=faults["sentence"][0]))
    return good


@dataclass(frozen=True)
class _Errors:
    module: Module
    codec: Codec
    batch: Batch
    shuffled: Shuffled

    @property
    def classes(self) -> bool:
        return isinstance(self.codec.writes[0].kind, Classes)

    def of(self, chosen: list[int], seed: int = 0) -> np.ndarray:
        """float64 (N,): 1 where the answer is wrong, else 0; or how far a number is off, in its own unit."""
        batch = self.batch
        if chosen:
            order = torch.from_numpy(np.random.default_rng(seed).permutation(len(batch["row"])))
            batch = self.shuffled.swapped(batch, order, torch.tensor(chosen))
        answers = evaluation.answer(self.module, self.codec, data.batches(batch, 1024))
        if self.classes:
            return (answers.frame["label"] != answers.frame["answer"]).cast(pl.Float64).to_numpy()
        return (answers.frame["label"] - answers.frame["answer"]).abs().to_numpy()


def _told(features: Features, base: np.ndarray, grown: np.ndarray, errors: _Errors, repeats: int, seed: int) -> Importance:
    count, rows = grown.shape
    drops = grown.mean(1)
    worst = 1.0 if errors.classes else max(float(np.abs(base).max()), float(np.abs(grown).max()), 1e-12)
    widest = np.maximum(Z * grown.std(axis=1, ddof=1) / rows**0.5, 3 / rows * worst)  # the rule of three
    sizes = np.unique(np.linspace(0, count, min(count + 1, POINTS)).round().astype(int))
    generator = np.random.default_rng(chance(seed, "order"))
    orders = [np.argsort(-drops, kind="stable"), *(generator.permutation(count) for _ in range(ORDERS))]
    curves = [[float(errors.of(order[:n].tolist(), chance(seed, "together")).mean()) for n in sizes] for order in orders]
    top, random = tuple(curves[0]), tuple(np.mean(curves[1:], axis=0).tolist())
    return Importance(
        features, tuple(drops.tolist()), tuple((drops - widest).tolist()), tuple((drops + widest).tolist()), float(base.mean()),
        tuple(sizes.tolist()), top, random, rows, repeats,
    )  # fmt: skip
