"""Integrated gradients over the numbers that a network reads, or over the vectors of its words. K features."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from modelwright.explanation.kinds import IntegratedGradients
from modelwright.explanation.subject import Subject, still
from modelwright.models.networks.inputs import FlatCells
from modelwright.nouns import Cells, Refused, Tokens
from modelwright.wording import say


def integrated(subject: Subject, how: IntegratedGradients) -> np.ndarray:
    """Values (K,), in the unit of Subject.scalar: the mean over ways from each row of the background.

    With infinitely many steps they sum to what the answer differs by."""
    own = subject.batch[subject.features.port]
    words = isinstance(subject.codec.reads[0].kind, Tokens)
    with still(subject.module):
        if words:
            slopes = _by_word(subject, how)
        else:
            ways = [_by_number(subject, start, own.float(), how) for start in subject.background.float().split(1)]
            slopes = torch.stack(ways).mean(0)
    count = subject.count
    values = torch.zeros(count + 1, dtype=torch.float64)
    values.index_add_(0, subject.features.places.reshape(-1), slopes.double().reshape(-1))
    return values[:count].numpy()


def _fractions(steps: int) -> Tensor:
    """Midpoints of equal parts of the way."""
    return (torch.arange(steps) + 0.5) / steps


def _by_number(subject: Subject, start: Tensor, own: Tensor, how: IntegratedGradients) -> Tensor:
    """Of the row's own shape."""
    if isinstance(subject.codec.reads[0].kind, Cells):
        return _by_slot(subject, start, own, how)
    shape = (-1, *[1] * (own.ndim - 1))
    way = (start + _fractions(how.steps).reshape(shape) * (own - start)).requires_grad_()
    said = subject.scalar(way)
    if not said.requires_grad:
        raise _slopeless()
    (slopes,) = torch.autograd.grad(said.sum(), way)
    return slopes.mean(0) * (own - start)[0]


def _by_slot(subject: Subject, start: Tensor, own: Tensor, how: IntegratedGradients) -> Tensor:
    """(K,): a choice is as much as its slots, between which the way leads; there is nothing between two places."""
    door = next((part for part in subject.module.modules() if isinstance(part, FlatCells)), None)
    if door is None:
        raise _slopeless()
    begin, end = door(start, subject.batch), door(own, subject.batch)
    way = (begin + _fractions(how.steps).reshape(-1, 1) * (end - begin)).requires_grad_()
    with _instead(door, way):
        said = subject.scalar(own.expand(how.steps, -1))
    if not said.requires_grad:
        raise _slopeless()
    (slopes,) = torch.autograd.grad(said.sum(), way)
    return torch.zeros_like(own[0]).index_add_(0, door.column, slopes.mean(0) * (end - begin)[0])


def _by_word(subject: Subject, how: IntegratedGradients) -> Tensor:
    """(T,): the slope of each word's vector, on the way from the vector of an unknown word."""
    own = subject.batch[subject.features.port]
    table = _table(subject)
    start, end = (table(tokens).detach() for tokens in (subject.background[:1], own))  # (1, T, D)
    way = (start + _fractions(how.steps).reshape(-1, 1, 1) * (end - start)).requires_grad_()
    with _instead(table, way):
        said = subject.scalar(own.expand(how.steps, *own.shape[1:]))
    (slopes,) = torch.autograd.grad(said.sum(), way)
    return (slopes.mean(0) * (end - start)[0]).sum(1)


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
