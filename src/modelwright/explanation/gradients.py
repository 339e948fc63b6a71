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
from modelwright.nouns import Refused, Tokens
from modelwright.wording import say


def integrated(subject: Subject, how: IntegratedGradients) -> tuple[np.ndarray, float]:
    """Values (K,) and the gap: how far their sum is from what the answer differs by, 0 with infinitely many steps.

    The way begins at the background's mean. Each value is in the unit of Subject.scalar."""
    own = subject.batch[subject.features.port]
    words = isinstance(subject.codec.reads[0].kind, Tokens)
    with still(subject.module):
        slopes, difference = _by_word(subject, how) if words else _by_number(subject, own.float(), how)
    count = subject.count
    values = torch.zeros(count + 1, dtype=torch.float64)
    values.index_add_(0, subject.features.places.reshape(-1), slopes.double().reshape(-1))
    return values[:count].numpy(), abs(float(slopes.double().sum()) - difference)


def _fractions(steps: int) -> Tensor:
    """Midpoints of equal parts of the way."""
    return (torch.arange(steps) + 0.5) / steps


def _by_number(subject: Subject, own: Tensor, how: IntegratedGradients) -> tuple[Tensor, float]:
    """Of the row's own shape."""
    start = subject.background.float().mean(0, keepdim=True)
    shape = (-1, *[1] * (own.ndim - 1))
    way = (start + _fractions(how.steps).reshape(shape) * (own - start)).requires_grad_()
    said = subject.scalar(way)
    if not said.requires_grad:
        raise _slopeless()
    (slopes,) = torch.autograd.grad(said.sum(), way)
    ends = subject.scalar(torch.cat([start, own])).detach()
    return slopes.mean(0) * (own - start)[0], float(ends[1] - ends[0])


def _by_word(subject: Subject, how: IntegratedGradients) -> tuple[Tensor, float]:
    """(T,): the slope of each word's vector, on the way from the vector of an unknown word."""
    own = subject.batch[subject.features.port]
    table = _table(subject)
    start, end = (table(tokens).detach() for tokens in (subject.background[:1], own))  # (1, T, D)
    way = (start + _fractions(how.steps).reshape(-1, 1, 1) * (end - start)).requires_grad_()
    with _instead(table, way):
        said = subject.scalar(own.expand(how.steps, *own.shape[1:]))
    (slopes,) = torch.autograd.grad(said.sum(), way)
    with _instead(table, torch.cat([start, end])):
        ends = subject.scalar(own.expand(2, *own.shape[1:])).detach()
    return (slopes.mean(0) * (end - start)[0]).sum(1), float(ends[1] - ends[0])


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
def _instead(table: nn.Embedding, vectors: Tensor) -> Generator[None, None, None]:
    """Whatever is looked up, these vectors are found."""

    def found(part: Any, given: Any, result: Tensor) -> Tensor:
        return vectors

    hook = table.register_forward_hook(found)
    try:
        yield
    finally:
        hook.remove()
