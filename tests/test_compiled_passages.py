"""Steps of a language model as one compiled graph: passages of one length are compiled, texts of many lengths never."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch

from lessons import equal
from modelwright import training
from modelwright.data.feed import Feed
from modelwright.machine import tuned
from modelwright.models import Decoder, build
from modelwright.nouns import Batch, Port, Run, Tokens, Tuning
from modelwright.objectives import NextToken
from modelwright.training import AdamW, Training
from modelwright.training.descent import Descent
from modelwright.training.trials import trial

ALPHABET, STEPS, ROWS = 11, 16, 20
TOKENS = Tokens(ALPHABET, STEPS)
PLAN = Training(epochs=2, batch=6, optimizer=AdamW(0.01), clip=1.0)
COMPILED = Tuning(threads=1, compiled=True)


def passages(shortest: int = STEPS) -> Batch:
    """Rows that count on from where they begin; padding behind the end of a short one."""
    dice = torch.Generator().manual_seed(1)
    whole = (torch.randint(1, ALPHABET, (ROWS, 1), generator=dice) + torch.arange(STEPS + 1)) % (ALPHABET - 1) + 1
    real = torch.arange(STEPS) < torch.randint(shortest, STEPS + 1, (ROWS, 1), generator=dice)
    told = {"inputs": whole[:, :-1] * real, "next": whole[:, 1:] * real, "mask": real, "bears": real}
    return {**told, "row": torch.arange(ROWS)}


def lesson(tuning: Tuning, shortest: int = STEPS, dropout: float = 0.0) -> tuple[Run, Feed, Descent]:
    family = Decoder(1, 16, 2, dropout=dropout)
    module = build(family, (Port("inputs", TOKENS),), (Port("next", TOKENS),), 3)
    update = Descent(PLAN.optimizer, NextToken().ready((Port("next", TOKENS),)), clip=PLAN.clip, seed=5, rows=PLAN.batch)
    return training.start(module, update, tuning), Feed(passages(shortest), PLAN.batch, 5), update


def learned(run: Run, feed: Feed, update: Descent, most: int = 100) -> dict[str, torch.Tensor]:
    with tuned(run.tuning):
        for place, _ in enumerate(training.steps(run, feed, update, PLAN), start=1):
            if place == most:
                break
    return {name: weight.detach().clone() for name, weight in run.models["model"].named_parameters()}


@pytest.fixture
def orders(monkeypatch) -> list[tuple[int, ...]]:
    """Shapes that a compiler is asked for; it answers with the line as it stands."""
    asked: list[tuple[int, ...]] = []

    def compiler(graph, example):
        asked.append(next(tuple(one.shape) for one in example if one.dtype == torch.bool))
        return graph

    monkeypatch.setattr("torch._inductor.compile", compiler)
    return asked


def test_passages_of_one_length_are_compiled_once_and_the_last_small_batch_is_not(orders):
    weights = learned(*lesson(COMPILED))
    assert orders == [(PLAN.batch, STEPS)]
    eager = learned(*lesson(replace(COMPILED, compiled=False)))
    for name, weight in weights.items():
        torch.testing.assert_close(weight, eager[name], rtol=1e-4, atol=1e-5, msg=name)


def test_no_number_of_a_batch_is_built_into_the_graph(orders):
    """Compiled for a first batch without padding, it must answer for one with padding as eager does."""
    run, feed, update = lesson(COMPILED)
    padded = passages(shortest=3)
    padded["mask"][0] = padded["bears"][0] = True  # a whole one, so that no step is cut off
    other = Feed(padded, PLAN.batch, 5, shuffle=False)
    apart = lesson(replace(COMPILED, compiled=False))
    for one in (feed.batch(0), other.batch(0)):
        loss, norm, _ = update(run, [one], 0.0)
        again, as_norm, _ = apart[2](apart[0], [one], 0.0)
        assert float(loss) == pytest.approx(float(again), rel=1e-5)
        assert float(norm) == pytest.approx(float(as_norm), rel=1e-4)
    assert orders == [(PLAN.batch, STEPS)]


def test_a_run_that_begins_with_the_small_batch_compiles_for_the_whole_one(orders):
    run, feed, update = lesson(COMPILED)
    sizes = [len(feed.batch(step)["row"]) for step in range(feed.steps_per_epoch)]
    for step in (sizes.index(min(sizes)), sizes.index(max(sizes))):
        update(run, [feed.batch(step)], 0.0)
    assert sorted(set(sizes)) == [2, PLAN.batch]
    assert orders == [(PLAN.batch, STEPS)]


def test_texts_of_many_lengths_are_not_tried_compiled(orders):
    run, feed, update = lesson(COMPILED, shortest=2)
    assert trial(run.models["model"], update, feed, COMPILED, 0.01) == math.inf
    assert not orders
    assert trial(run.models["model"], update, feed, replace(COMPILED, compiled=False), 0.01) < math.inf


@pytest.mark.long
def test_real_compiled_passages_are_eager_ones_within_rounding_and_come_back_exactly():
    eager, compiled = learned(*lesson(Tuning(threads=1))), learned(*lesson(COMPILED))
    for name, weight in compiled.items():
        torch.testing.assert_close(weight, eager[name], rtol=1e-3, atol=1e-4, msg=name)
    whole = learned(*lesson(COMPILED, dropout=0.2))
    run, feed, update = lesson(COMPILED, dropout=0.2)
    learned(run, feed, update, most=3)
    again, feed, update = lesson(COMPILED, dropout=0.2)
    training.restore(again, training.snapshot(run))
    assert equal(whole, learned(again, feed, update))
