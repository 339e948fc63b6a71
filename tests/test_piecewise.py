"""Loss and slopes of tokens some at a time are those of whole logits, and logits are never whole."""

from __future__ import annotations

import pytest
import torch
from torch.fx.experimental.proxy_tensor import make_fx
from torch.nn import functional as F  # noqa: N812
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from modelwright import models
from modelwright.models import Decoder
from modelwright.nouns import Port, Tokens
from modelwright.objectives import NextToken, piecewise

TOKENS, WIDTH, ALPHABET = 50, 6, 11


@pytest.fixture(autouse=True)
def seven_at_a_time(monkeypatch):
    monkeypatch.setattr(piecewise, "LEAST", 7)
    monkeypatch.setattr(piecewise, "NUMBERS", 7 * ALPHABET)


def drawn(dtype=torch.float64):
    dice = torch.Generator().manual_seed(0)
    states, table = (torch.randn(*shape, generator=dice, dtype=torch.float64) for shape in ((5, 10, WIDTH), (ALPHABET, WIDTH)))
    follows = torch.randint(ALPHABET, (5, 10), generator=dice)
    weights = torch.randint(3, (5, 10), generator=dice).double()
    return states.to(dtype).requires_grad_(), table.to(dtype).requires_grad_(), follows, weights.to(dtype)


def whole(states, table, follows, weights, z_loss):
    logits = states @ table.t()
    each = F.cross_entropy(logits.flatten(0, 1), follows.flatten(), reduction="none").view(follows.shape)
    return ((each + z_loss * logits.logsumexp(-1) ** 2) * weights).sum()


@pytest.mark.parametrize("z_loss", [0.0, 0.3])
@pytest.mark.parametrize(("dtype", "error"), [(torch.float64, 1e-12), (torch.float32, 1e-6)])
def test_loss_and_slopes_are_those_of_whole_logits(dtype, error, z_loss):
    states, table, follows, weights = drawn(dtype)
    ours = piecewise.summed(states, table, follows, weights, z_loss)
    theirs = whole(states, table, follows, weights, z_loss)
    torch.testing.assert_close(ours, theirs, atol=0, rtol=error)
    for found, wanted in zip(*(torch.autograd.grad(3 * one, (states, table)) for one in (ours, theirs)), strict=True):
        torch.testing.assert_close(found, wanted, atol=error * float(wanted.abs().max()), rtol=0)
    with torch.no_grad():
        torch.testing.assert_close(piecewise.summed(states, table, follows, weights, z_loss), theirs, atol=0, rtol=error)


def test_each_is_told_in_its_place():
    states, table, follows, _ = drawn()
    wanted = F.cross_entropy((states @ table.t()).flatten(0, 1), follows.flatten(), reduction="none").view(5, 10)
    torch.testing.assert_close(piecewise.each(states, table, follows), wanted, atol=1e-12, rtol=0)


def test_one_that_does_not_learn_costs_the_other_nothing():
    states, table, follows, weights = drawn()
    (alone,) = torch.autograd.grad(piecewise.summed(states, table.detach(), follows, weights), states)
    (both,) = torch.autograd.grad(piecewise.summed(states, table, follows, weights), states)
    assert torch.equal(alone, both)


def test_in_bfloat16_the_loss_is_float32_and_the_slopes_are_near():
    states, table, follows, weights = drawn(torch.float32)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss = piecewise.summed(states, table, follows, weights)
    theirs = whole(states, table, follows, weights, 0.0)
    assert loss.dtype == torch.float32 and loss.item() == pytest.approx(theirs.item(), rel=1e-2)
    for found, wanted in zip(*(torch.autograd.grad(one, (states, table)) for one in (loss, theirs)), strict=True):
        assert found.dtype == torch.float32
        assert float((found - wanted).abs().max()) < 2e-2 * float(wanted.abs().max())


class Formed(TorchDispatchMode):
    """How many tokens' logits were formed."""

    tokens = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        found = func(*args, **(kwargs or {}))
        if func.overloadpacket is torch.ops.aten.mm and found.shape[1] == ALPHABET:
            self.tokens += len(found)
        return found


@pytest.mark.parametrize("bearing", [0, 1, 9, 49, 50])
@pytest.mark.parametrize("learning", [True, False])
def test_what_bears_no_loss_has_no_logits_and_no_slope(bearing, learning):
    states, table, follows, _ = drawn()
    weights = torch.zeros(50, dtype=torch.float64)
    places = torch.randperm(50, generator=torch.Generator().manual_seed(bearing))[:bearing]
    weights[places] = 1.5
    with Formed() as formed, torch.set_grad_enabled(learning):
        ours = piecewise.summed(states, table, follows, weights.view(5, 10))
    assert formed.tokens == bearing
    theirs = whole(states, table, follows, weights.view(5, 10), 0.0)
    torch.testing.assert_close(ours, theirs, atol=1e-12, rtol=1e-12)
    if learning:
        slopes = (torch.autograd.grad(one, (states, table)) for one in (ours, theirs))
        for found, wanted in zip(*slopes, strict=True):
            torch.testing.assert_close(found, wanted, atol=1e-12, rtol=0)


def test_a_step_that_is_recorded_serves_other_tokens_too():
    """Which of them bear loss is no part of the record."""
    states, table, follows, _ = drawn()
    first, second = torch.zeros(5, 10).double(), torch.ones(5, 10).double()
    first[2, :3] = 1

    def step(weights):
        with piecewise.fixed_shapes():
            return piecewise.summed(states.detach(), table.detach(), follows, weights)

    again = make_fx(step)(first)
    for weights in (first, second, 1 - first):
        torch.testing.assert_close(again(weights), whole(states, table, follows, weights, 0.0))


class Largest(TorchDispatchMode):
    """The most numbers that one tensor had."""

    numbers = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        found = func(*args, **(kwargs or {}))
        self.numbers = max(self.numbers, *(leaf.numel() for leaf in tree_leaves(found) if isinstance(leaf, torch.Tensor)), 0)
        return found


@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize("learning", [True, False])
def test_logits_are_never_whole(learning, tied, monkeypatch):
    monkeypatch.setattr(piecewise, "NUMBERS", 8 * 1000)
    read, write = Port("inputs", Tokens(1000, 16)), Port("next", Tokens(1000, 16))
    module = models.build(Decoder(1, 16, 2, tied=tied), (read,), (write,), 0)
    tokens = torch.randint(1, 1000, (8, 16), generator=torch.Generator().manual_seed(0))
    real = torch.ones_like(tokens, dtype=torch.bool)
    batch = {"inputs": tokens, "next": tokens.roll(-1, 1), "mask": real, "bears": real}
    aim = NextToken().ready((write,))
    with Largest() as largest, torch.set_grad_enabled(learning):
        loss = aim({"model": module}, batch)["next"]
        if learning:
            torch.autograd.grad(loss, list(module.parameters()))
    assert largest.numbers == 16 * 1000, "the table itself is the largest; whole logits would be eight times as many numbers"
    with torch.no_grad():
        logits = module(batch)["next"]
    assert logits.shape == (8, 16, 1000)
    wanted = F.cross_entropy(logits.flatten(0, 1), batch["next"].flatten(), reduction="sum")
    assert loss.item() == pytest.approx(wanted.item(), rel=1e-6)
