"""Integrated gradients over the numbers that a network reads, or over the vectors of its words. K features."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from modelwright.explanation.budget import Budget
from modelwright.explanation.kinds import IntegratedGradients
from modelwright.explanation.subject import Subject, still
from modelwright.models.networks.inputs import FlatCells
from modelwright.nouns import Cells, Refused, Tokens
from modelwright.wording import say

LEAST = 4
"""Steps of the first round."""


def integrated(subject: Subject, how: IntegratedGradients, budget: Budget) -> tuple[np.ndarray, int]:
    """Values (K,), in the unit of Subject.scalar: the mean over ways from each row of the background; and the points asked.

    With infinitely many steps they sum to what the answer differs by. The first round takes few, the next as many as fit."""
    with still(subject.module):
        ways = _ways(subject)
        steps, asked, values = min(LEAST, how.steps), 0, np.zeros(0)
        while steps:
            began = budget.spent
            values, asked = _round(subject, ways, steps), asked + len(ways) * (2 * steps + 1)
            each = max(budget.spent - began, 1e-9) / steps
            more = how.steps if budget.fits(each * how.steps) else int((budget.left - each) / each)
            steps = more if steps < more <= how.steps else 0
    return values, asked


@dataclass(frozen=True)
class _Way:
    """A straight one, from what is absent to the row, through the numbers that have slopes."""

    start: Tensor
    """(1, ...)"""
    end: Tensor
    said: Callable[[Tensor], Tensor]
    """(N, ...) points on the way -> (N,)"""
    told: Callable[[Tensor], Tensor]
    """What each number adds, (...) -> what each place of the row's own tensor adds."""

    def at(self, fractions: Tensor) -> Tensor:
        return self.start + fractions.reshape(-1, *[1] * (self.end.ndim - 1)) * (self.end - self.start)


def _round(subject: Subject, ways: list[_Way], steps: int) -> np.ndarray:
    """(K,)"""
    values = torch.zeros(subject.count + 1, dtype=torch.float64)
    for way in ways:
        adds = way.told(_along(way, _knots(way, steps)))
        values.index_add_(0, subject.features.places.reshape(-1), adds.double().reshape(-1))
    return (values[: subject.count] / len(ways)).numpy()


def _knots(way: _Way, steps: int) -> Tensor:
    """(steps + 1,) from 0 to 1: half of the parts lie evenly, half where the answer turns.

    A chance that is nearly certain turns within a small part of its way, which even steps would hardly meet."""
    even = torch.linspace(0, 1, steps + 1)
    with torch.no_grad():
        turned = way.said(way.at(even)).double().diff().abs()
    if not turned.sum() > 0:
        return even
    weight = turned / turned.sum() + 1 / steps
    heights = np.concatenate([[0.0], (weight.cumsum(0) / weight.sum()).numpy()])
    return torch.from_numpy(np.interp(np.linspace(0, 1, steps + 1), heights, even.numpy())).float()


def _along(way: _Way, knots: Tensor) -> Tensor:
    """(...): the slopes in the middle of each part, times what the part moves, summed up."""
    points = way.at((knots[1:] + knots[:-1]) / 2).requires_grad_()
    said = way.said(points)
    if not said.requires_grad:
        raise _slopeless()
    (slopes,) = torch.autograd.grad(said.sum(), points)
    return torch.tensordot(knots.diff(), slopes, 1) * (way.end - way.start)[0]


def _ways(subject: Subject) -> list[_Way]:
    """One from each row of the background; for words, one from the vector of an unknown word."""
    own = subject.batch[subject.features.port]
    kind = subject.codec.reads[0].kind
    if isinstance(kind, Tokens):
        return [_by_word(subject, own)]
    starts = subject.background.float().split(1)
    if isinstance(kind, Cells):
        return [_by_slot(subject, start, own.float()) for start in starts]
    return [_Way(start, own.float(), subject.scalar, lambda adds: adds) for start in starts]


def _by_slot(subject: Subject, start: Tensor, own: Tensor) -> _Way:
    """A choice is as much as its slots, between which the way leads; there is nothing between two places."""
    door = next((part for part in subject.module.modules() if isinstance(part, FlatCells)), None)
    if door is None:
        raise _slopeless()
    column = door.column

    def said(points: Tensor) -> Tensor:
        with _instead(door, points):
            return subject.scalar(own.expand(len(points), -1))

    begin, end = door(start, subject.batch).detach(), door(own, subject.batch).detach()
    return _Way(begin, end, said, lambda adds: torch.zeros_like(own[0]).index_add_(0, column, adds))


def _by_word(subject: Subject, own: Tensor) -> _Way:
    """(T, D): through the words' vectors."""
    table = _table(subject)

    def said(points: Tensor) -> Tensor:
        with _instead(table, points):
            return subject.scalar(own.expand(len(points), *own.shape[1:]))

    start, end = (table(tokens).detach() for tokens in (subject.background[:1], own))
    return _Way(start, end, said, lambda adds: adds.sum(1))


def _table(subject: Subject) -> nn.Embedding:
    """The one that words are looked up in."""
    kind = subject.codec.reads[0].kind
    assert isinstance(kind, Tokens)
    for part in subject.module.modules():
        if isinstance(part, nn.Embedding) and part.num_embeddings == kind.alphabet:
            return part
    raise _slopeless()


def _slopeless() -> Refused:
    told = say("This model has no slopes to integrate: its answer does not follow what it reads smoothly.")
    return Refused(told, say("Use another method: shapley, lime or occlusion."))


@contextmanager
def _instead(table: nn.Module, vectors: Tensor) -> Generator[None, None, None]:
    """Whatever is looked up, these vectors are found."""

    def found(part: Any, given: Any, result: Tensor) -> Tensor:
        return vectors

    hook = table.register_forward_hook(found)
    try:
        yield
    finally:
        hook.remove()
