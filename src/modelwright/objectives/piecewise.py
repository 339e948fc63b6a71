"""The loss of tokens whose logits are never whole: some tokens at a time, their slopes formed on the way.

N tokens, D width, A alphabet. In plain torch, for any device; the idea is Liger's and Cut Cross-Entropy's
(https://arxiv.org/abs/2410.10989, https://arxiv.org/abs/2411.09009).
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, cast

import torch
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable

NUMBERS = 2**21
"""Logits that are held at a time: 8 MB of float32."""
_fixed: ContextVar[bool] = ContextVar("fixed", default=False)
LEAST = 128
"""Tokens at a time, at least: of fewer a matrix product is slow."""


def summed(states: Tensor, table: Tensor, follows: Tensor, weights: Tensor, z_loss: float = 0.0) -> Tensor:
    """() the sum over tokens of weight * (-ln p + z_loss * (ln Z) ** 2), p = softmax(states @ table.T), Z its divisor.

    states (..., D), table (A, D), follows int64 (...), weights (...). Slopes flow to states and table."""
    states, follows, weights = states.reshape(-1, states.shape[-1]), follows.reshape(-1), weights.reshape(-1)
    if (bearing := _bearing(weights)) is not None:
        states, follows, weights = states[bearing], follows[bearing], weights[bearing]
    numbers, tokens = (weights, z_loss), (states, table, follows)
    if torch.is_grad_enabled() and (states.requires_grad or table.requires_grad):
        return cast(Tensor, cast(Any, _Summed).apply(*tokens, *numbers, _dtype(states)))
    return _total(*tokens, *numbers, _dtype(states))


@contextmanager
def fixed_shapes() -> Generator[None]:
    """While a step is recorded, to be done again with other tokens: all have their logits, whether they bear loss or not."""
    before = _fixed.set(True)
    try:
        yield
    finally:
        _fixed.reset(before)


def _bearing(weights: Tensor) -> Tensor | None:
    """int64: the places of the tokens that bear loss, where they are fewer than all; of a conversation it may be one in twenty.
    Not looked for on a device that would have to be waited for."""
    if _fixed.get() or weights.device.type != "cpu":
        return None
    places = weights.nonzero()[:, 0]
    return places if len(places) < len(weights) else None


def each(states: Tensor, table: Tensor, follows: Tensor) -> Tensor:
    """(...) -ln p of each token, of padding too; no slope flows."""
    tokens = states.detach().reshape(-1, states.shape[-1]), table.detach(), follows.reshape(-1)
    found = [piece.divisor - piece.own for piece in _pieces(*tokens, _dtype(states))]
    return torch.cat(found).view(follows.shape)


class _Piece:
    """Logits (n, A) of some tokens, float32 at least; ln Z of each, and the logit of what follows it."""

    def __init__(self, part: slice, logits: Tensor, follows: Tensor) -> None:
        self.part, self.logits, self.follows = part, logits, follows[part, None]
        self.divisor = logits.logsumexp(1)
        self.own = logits.gather(1, self.follows)[:, 0]

    def loss(self, weights: Tensor, z_loss: float) -> Tensor:
        found = self.divisor - self.own
        return ((found + z_loss * self.divisor.square() if z_loss else found) * weights[self.part]).sum()

    def slope(self, weights: Tensor, z_loss: float) -> Tensor:
        """(n, A): of the loss by the logits, in their place."""
        weight = weights[self.part, None].to(self.logits.dtype)
        share = weight * (1 + 2 * z_loss * self.divisor[:, None]) if z_loss else weight
        found = self.logits.sub_(self.divisor[:, None]).exp_().mul_(share)
        return found.scatter_add_(1, self.follows, -weight)


def _pieces(states: Tensor, table: Tensor, follows: Tensor, dtype: torch.dtype) -> Iterator[_Piece]:
    wide = torch.promote_types(dtype, torch.float32)
    with torch.autocast(states.device.type, enabled=False):
        states, written = states.to(dtype), table.to(dtype).t()
        size = max(LEAST, NUMBERS // len(table))
        for start in range(0, max(len(states), 1), size):
            part = slice(start, start + size)
            yield _Piece(part, (states[part] @ written).to(wide), follows)


def _total(states: Tensor, table: Tensor, follows: Tensor, weights: Tensor, z_loss: float, dtype: torch.dtype) -> Tensor:
    found = [piece.loss(weights, z_loss) for piece in _pieces(states, table, follows, dtype)]
    return torch.stack(found).sum()


class _Summed(Function):
    """Both slopes are known when the loss is, for it is a plain sum; what comes back only scales them."""

    @staticmethod
    def forward(  # pyright: ignore[reportIncompatibleMethodOverride]
        ctx: Any, states: Tensor, table: Tensor, follows: Tensor, weights: Tensor, z_loss: float, dtype: torch.dtype
    ) -> Tensor:
        losses, of_states = list[Tensor](), list[Tensor]()
        of_table = table.new_zeros(table.shape) if table.requires_grad else None  # a frozen one asks for no product
        narrow_states, narrow_table = states.to(dtype), table.to(dtype)
        for piece in _pieces(narrow_states, narrow_table, follows, dtype):
            losses.append(piece.loss(weights, z_loss))
            slope = piece.slope(weights, z_loss).to(dtype)
            of_states.append((slope @ narrow_table).to(states.dtype))
            if of_table is not None:
                of_table += slope.t() @ narrow_states[piece.part]
        ctx.save_for_backward(torch.cat(of_states), of_table)
        return torch.stack(losses).sum()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *slopes: Tensor) -> tuple[Tensor | None, ...]:  # pyright: ignore[reportIncompatibleMethodOverride]
        of_states, of_table = ctx.saved_tensors
        (slope,) = slopes
        known = None if of_table is None else of_table * slope.to(of_table.dtype)
        return of_states * slope.to(of_states.dtype), known, None, None, None, None


def _dtype(states: Tensor) -> torch.dtype:
    """What the products are computed in: autocast's type, or the states' own."""
    device = states.device.type
    return torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else states.dtype
