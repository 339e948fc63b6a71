"""A model learns: as torch's optimizers do, replayed with eager's very bits, exactly from a snapshot, and never from NaN."""

import json
import math
import random
from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from lessons import READS, WRITES, Lesson, equal, made
from modelwright import training
from modelwright.data.feed import Feed
from modelwright.models import CNN, MLP, Linear, build
from modelwright.nouns import Classes, Image, Port, Refused, Tokens, Tuning
from modelwright.objectives import L2, CrossEntropy
from modelwright.training import (
    SGD,
    Adam,
    AdamW,
    Constant,
    Cosine,
    LinearDecay,
    Muon,
    Steps,
    Stopping,
    Training,
    WarmupStableDecay,
)
from modelwright.training import descent as descending
from modelwright.training.descent import Descent
from modelwright.training.optimizers import orthogonal, turns

PLAN = Training(epochs=4, batch=32, optimizer=Adam(rate=0.01))


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    """Small steps on a busy machine wait for their second thread longer than they work."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


# --- optimizers ----------------------------------------------------------------------------------------------------------

PAIRS = [
    (SGD(0.05), lambda weights: torch.optim.SGD(weights, 0.05)),
    (SGD(0.05, momentum=0.9), lambda weights: torch.optim.SGD(weights, 0.05, momentum=0.9)),
    (SGD(0.05, 0.9, nesterov=True, decay=0.01), lambda weights: torch.optim.SGD(weights, 0.05, 0.9, 0, 0.01, nesterov=True)),
    (Adam(0.01), lambda weights: torch.optim.Adam(weights, 0.01)),
    (Adam(0.01, 0.8, 0.95, 1e-6, 0.1), lambda weights: torch.optim.Adam(weights, 0.01, (0.8, 0.95), 1e-6, 0.1)),
    (AdamW(0.01, decay=0.1), lambda weights: torch.optim.AdamW(weights, 0.01, weight_decay=0.1)),
]


@pytest.mark.parametrize("clip", [0.0, 0.5])
@pytest.mark.parametrize(("ours", "theirs"), PAIRS, ids=lambda kind: repr(kind) if isinstance(kind, (SGD, Adam, AdamW)) else "")
def test_fifty_steps_are_those_of_torchs_own_optimizer(ours, theirs, clip):
    lesson = Lesson(Training(epochs=20, batch=32, optimizer=ours, clip=clip, schedule=Cosine(warmup=0.1)), dropout=0.0)
    module = build(MLP((24,)), READS, WRITES, lesson.seed)
    weights = list(module.parameters())
    rival = theirs(weights)
    for number, step in enumerate(lesson.steps(50)):
        batch = Feed(made(150), 32, lesson.seed).batch(number)
        rival.param_groups[0]["lr"] = ours.rate * Cosine(warmup=0.1).factor(number / 100)
        rival.zero_grad()
        loss = nn.functional.cross_entropy(module(batch)["label"], batch["label"])
        loss.backward()
        loss = loss.detach()
        norm = nn.utils.clip_grad_norm_(weights, clip or math.inf)
        rival.step()
        assert float(step.loss) == pytest.approx(float(loss), rel=1e-5)
        assert float(step.norm) == pytest.approx(float(norm), rel=1e-4)
    for mine, other in zip(lesson.weights().values(), weights):
        torch.testing.assert_close(mine, other, rtol=2e-6, atol=2e-7)


def test_an_optimizers_own_arithmetic_is_torchs_within_1e_7():
    generator = torch.Generator().manual_seed(0)
    slopes = [torch.randn(40, 30, generator=generator) for _ in range(50)]
    for ours, theirs in PAIRS:
        mine, other = torch.ones(40, 30), torch.ones(40, 30, requires_grad=True)
        rival, state = theirs([other]), ours.start({"w": mine})
        state["updates"] = torch.zeros(())
        for slope in slopes:
            state["updates"] += 1
            ours.update({"w": mine}, [slope.clone()], state, ours.rate, None, torch.zeros(()))
            other.grad = slope.clone()
            rival.step()
        error = ((mine - other).norm() / other.norm()).item()
        assert error < 1e-7, (ours, error)


@pytest.mark.parametrize("shape", [(40, 30), (12, 48)])
def test_muon_turns_as_torchs_own_does_and_leaves_the_rest_to_adamw(shape):
    """torch's rounds are in bfloat16, so its update is ours to a hundredth."""
    generator, ours = torch.Generator().manual_seed(0), Muon(0.02, 0.9, 0.1)
    names = ("inner.weight", "steps.table.weight", "heads.x.weight")
    start = {name: torch.randn(*shape, generator=generator) for name in names}
    start["inner.bias"] = torch.randn(7, generator=generator)
    mine = {name: weight.clone() for name, weight in start.items()}
    other = {name: weight.clone().requires_grad_() for name, weight in start.items()}
    rest = [weight for name, weight in other.items() if name != "inner.weight"]
    rivals = torch.optim.Muon([other["inner.weight"]], 0.02, 0.1, 0.9), torch.optim.AdamW(rest, 0.001, weight_decay=0.01)
    state = {**ours.start(mine), "updates": torch.zeros(())}
    for _ in range(5):
        slopes = {name: torch.randn(weight.shape, generator=generator) for name, weight in mine.items()}
        state["updates"] += 1
        ours.update(mine, list(slopes.values()), state, ours.rate, None, torch.zeros(()))
        for name, weight in other.items():
            weight.grad = slopes[name].clone()
        for rival in rivals:
            rival.step()
    for name, weight in mine.items():
        moved, theirs = weight - start[name], other[name].detach() - start[name]
        assert float((moved - theirs).norm() / theirs.norm()) < (0.02 if name == "inner.weight" else 1e-5), name


def test_muon_turns_what_is_inside_and_nothing_else():
    names = {name for name, weight in Lesson(PLAN).weights().items() if turns(name, weight)}
    assert names and all(weight.ndim > 1 for name, weight in Lesson(PLAN).weights().items() if name in names)
    assert not any(name.startswith("heads") for name in names)


@pytest.mark.parametrize("shape", [(16, 16), (8, 64), (64, 8)])
def test_what_is_turned_only_turns(shape):
    way = torch.randn(*shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    values = torch.linalg.svdvals(orthogonal(way, 5))
    assert values.min() > 0.6 and values.max() < 1.25
    left, _, right = torch.linalg.svd(way, full_matrices=False)
    found = left.T @ orthogonal(way, 5) @ right.T
    assert (found - found.diagonal().diag()).abs().max() < 1e-9, "the ways of the singular values stay"


@given(st.floats(0, 1, exclude_max=True), st.floats(0, 0.9), st.integers(1, 9))
def test_a_schedule_is_a_factor_between_0_and_1(done, warmup, parts):
    for schedule in (Constant(), Cosine(warmup), LinearDecay(warmup), WarmupStableDecay(warmup), Steps(parts, 0.5)):
        assert 0 <= schedule.factor(done) <= 1


def test_schedules_at_their_turning_points():
    assert [Cosine().factor(done) for done in (0, 0.5)] == [1, pytest.approx(0.5)]
    assert [LinearDecay().factor(done) for done in (0, 0.25)] == [1, 0.75]
    assert [LinearDecay(0.5).factor(done) for done in (0.5, 0.75)] == [1, 0.5]
    stable = WarmupStableDecay(0.1, 0.4)
    assert [stable.factor(done) for done in (0.1, 0.3, 0.6)] == [1, 1, 1]
    assert [stable.factor(done) for done in (0.7, 0.9)] == [pytest.approx(0.5), pytest.approx(1 - 0.75**0.5)]
    assert stable.factor(0) < 0.02 and WarmupStableDecay(0, 0).factor(0.999) == 1
    assert Cosine(0.1).factor(0) < 0.02 < 0.98 < Cosine(0.1).factor(0.0999)
    assert [Steps(2, 0.1).factor(done) for done in (0, 0.49, 0.5)] == [1, 1, 0.1]


# --- the step ------------------------------------------------------------------------------------------------------------


def test_micro_batches_sum_to_the_batch():
    plan = replace(PLAN, epochs=1, batch=50, optimizer=SGD(0.1))
    whole, parts = Lesson(plan, dropout=0.0), Lesson(replace(plan, accumulate=3), dropout=0.0)
    for lesson in (whole, parts):
        lesson.update.penalties = (L2(0.01),)
    losses = [[float(step.loss) for step in lesson.steps()] for lesson in (whole, parts)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)
    for one, other in zip(whole.weights().values(), parts.weights().values()):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-6)


def test_weights_of_rows_count():
    feed = {**made(8), "weight": torch.tensor([1.0, 0, 0, 0, 0, 0, 0, 3])}
    lesson = Lesson(replace(PLAN, batch=8), dropout=0.0)
    loss, _, _ = lesson.update(lesson.run, [feed], 0.0)
    with torch.no_grad():
        each = nn.functional.cross_entropy(lesson.run.models["model"](feed)["label"], feed["label"], reduction="none")
    assert float(loss) == pytest.approx(float((each[0] + 3 * each[7]) / 4), rel=1e-5)


def test_the_full_batch_is_one_step_an_epoch():
    lesson = Lesson(replace(PLAN, epochs=30, batch="all", optimizer=SGD(0.5)), dropout=0.0)
    taken = lesson.steps()
    assert [step.number for step in taken] == list(range(30))
    assert all(step.ends_epoch for step in taken)
    assert float(taken[-1].loss) < 0.7 * float(taken[0].loss)


def test_a_model_learns():
    lesson = Lesson(replace(PLAN, epochs=15))
    lesson.steps()
    rows = made(500, seed=1)
    lesson.run.models["model"].eval()
    with torch.no_grad():
        right = (lesson.run.models["model"](rows)["label"].argmax(1) == rows["label"]).float().mean()
    assert right > 0.8


def test_torchs_generator_is_given_back_and_dropout_is_a_function_of_the_step():
    torch.manual_seed(1)
    before = torch.get_rng_state()
    one = Lesson(PLAN)
    losses = [float(step.loss) for step in one.steps(6)]
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(2)
    assert [float(step.loss) for step in Lesson(PLAN).steps(6)] == losses


def poisoned(lesson: Lesson, row: int) -> None:
    lesson.feed.tensors["inputs"][row] = math.nan


@pytest.mark.parametrize("optimizer", [SGD(0.1, 0.9), Adam(), AdamW(), Muon()])
def test_an_update_that_is_not_finite_is_skipped_and_counted(optimizer):
    lesson = Lesson(replace(PLAN, optimizer=optimizer, clip=1.0))
    poisoned(lesson, 20)
    before, moments, skipped = lesson.weights(), {}, 0
    for step in training.steps(lesson.run, lesson.feed, lesson.update, lesson.plan):
        skipped += bool(step.skipped)
        assert training.skipped(lesson.run) == skipped, step.number
        if bool(step.skipped):
            assert equal(lesson.weights(), before), "weights changed"
            assert all(torch.equal(lesson.run.state[name], was) for name, was in moments.items()), "moments changed"
        before = lesson.weights()
        moments = {name: tensor.clone() for name, tensor in lesson.run.state.items() if ":" in name}
        assert all(weight.isfinite().all() for weight in before.values())
    assert training.skipped(lesson.run) == lesson.plan.epochs
    assert int(lesson.run.state["updates"]) == lesson.run.step - lesson.plan.epochs
    assert math.isfinite(training.epoch_loss(lesson.run))


def test_the_loss_of_an_epoch_is_the_mean_over_its_updates():
    lesson = Lesson(PLAN)
    told = [float(step.loss) for step in lesson.steps(5)]
    assert training.epoch_loss(lesson.run) == pytest.approx(sum(told) / 5, rel=1e-5)
    assert math.isnan(training.epoch_loss(lesson.run))


# --- replayed steps --------------------------------------------------------------------------------------------------------


def pictures(tuning: Tuning, family, monkeypatch, eager: bool, optimizer=None) -> tuple[dict[str, torch.Tensor], Descent]:
    """Weights after a few steps on made pictures."""
    generator = torch.Generator().manual_seed(0)
    label = torch.randint(4, (40,), generator=generator)
    inputs = torch.randint(256, (40, 3, 8, 8), generator=generator).to(torch.uint8)
    rows = {"inputs": inputs, "label": label, "row": torch.arange(40)}
    reads = (Port("inputs", Image(3, 8, 8, (128.0,) * 3, (74.0,) * 3)),)
    update = Descent(optimizer or Adam(0.01), CrossEntropy().ready(WRITES), (L2(0.001),), 1.0, 3)
    if eager:
        monkeypatch.setattr(Descent, "_graph", lambda *_: None)
    run = training.start(build(family, reads, WRITES, 3), update, tuning)
    list(training.steps(run, Feed(rows, 16, 3), update, Training(epochs=4, batch=16)))
    monkeypatch.undo()
    return {name: weight.detach() for name, weight in run.models["model"].named_parameters()}, update


SMALL_CNN = CNN(stages=((4,), (8,)), head=(16,), dropout=0.2)


@pytest.mark.parametrize(
    ("family", "tuning"),
    [
        (MLP((24, 12), dropout=0.2), Tuning()),
        (MLP((24,), "gelu"), Tuning(precision="medium")),
        (MLP((24,), "tanh", dropout=0.1), Tuning(dtype="bfloat16")),
        (Linear(), Tuning()),
    ],
)
def test_a_replayed_step_has_the_very_bits_of_an_eager_one(family, tuning, monkeypatch):
    replayed, update = pictures(tuning, family, monkeypatch, eager=False)
    eager, _ = pictures(tuning, family, monkeypatch, eager=True)
    assert all(graph is not None for graph in update._graphs.values()), "nothing was replayed"
    assert len(update._graphs) == 2, "the full batch and the last one"
    assert equal(replayed, eager)


def test_memory_layout_changes_nothing_but_rounding(monkeypatch):
    dry = replace(SMALL_CNN, dropout=0.0)  # chance is drawn in the order of memory
    for optimizer, close in ((SGD(0.1, 0.9), 1e-5), (Adam(0.001, epsilon=1e-4), 1e-4)):  # Adam magnifies tiny slopes
        one, _ = pictures(Tuning(), dry, monkeypatch, eager=False, optimizer=optimizer)
        other, _ = pictures(Tuning(channels_last=True), dry, monkeypatch, eager=False, optimizer=optimizer)
        for plain, last in zip(one.values(), other.values()):
            torch.testing.assert_close(plain, last, rtol=close, atol=close)


class Peeking(nn.Module):
    """Decides by a number in the batch, so that a step is no straight line."""

    def __init__(self, inner):
        super().__init__()
        self.inner = inner

    def forward(self, batch):
        sign = 1.0 if batch["inputs"].sum().item() > 0 else -1.0
        return {"label": sign * self.inner(batch)["label"]}


class Whimsical(Peeking):
    """Draws from Python's generator, which a recording would freeze."""

    def forward(self, batch):
        return {"label": random.random() * self.inner(batch)["label"]}


@pytest.mark.parametrize("kind", [Peeking, Whimsical])
def test_what_cannot_be_replayed_runs_eagerly(kind):
    lesson = Lesson(PLAN)
    module = kind(lesson.run.models["model"])
    run = training.start(module, lesson.update, Tuning())
    lesson.run = run
    lesson.steps()
    assert set(lesson.update._graphs.values()) == {None}
    assert all(weight.isfinite().all() for weight in lesson.weights().values())


class Counting(nn.Module):
    """Keeps a running sum, as batch normalisation does."""

    def __init__(self, inner):
        super().__init__()
        self.inner = inner
        self.register_buffer("seen", torch.zeros(()))

    def forward(self, batch):
        if self.training:
            self.seen += batch["inputs"].detach().sum()
        return self.inner(batch)


def test_buffers_move_once_a_step():
    lesson = Lesson(PLAN)
    lesson.run = training.start(Counting(lesson.run.models["model"]), lesson.update, Tuning())
    expected = 0.0
    for _ in training.steps(lesson.run, lesson.feed, lesson.update, lesson.plan):
        expected += float(lesson.feed.batch(lesson.run.step - 1)["inputs"].sum())
    assert float(lesson.run.models["model"].seen) == pytest.approx(expected, rel=1e-3)
    assert None not in lesson.update._graphs.values()


def test_a_missing_compiler_is_said_once_and_eager_goes_on(monkeypatch, caplog):
    def missing(*_, **__):
        raise RuntimeError("no C++ compiler was found\nin many lines")

    monkeypatch.setattr("torch._inductor.compile", missing)
    lesson = Lesson(PLAN, tuning=Tuning(compiled=True))
    lesson.steps()
    assert [record.message for record in caplog.records].count(
        "The step could not be compiled, so it runs eagerly: no C++ compiler was found"
    ) == 1
    assert not lesson.run.tuning.compiled
    assert equal(lesson.weights(), (plain := Lesson(PLAN)).steps() and plain.weights())


@pytest.mark.long
def test_a_compiled_step_is_the_eager_one_within_rounding_and_resumes_exactly():
    compiled, eager = Lesson(PLAN, dropout=0.0, tuning=Tuning(compiled=True)), Lesson(PLAN, dropout=0.0)
    compiled.steps(), eager.steps()
    assert compiled.run.tuning.compiled
    for one, other in zip(compiled.weights().values(), eager.weights().values()):
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-4)
    whole, half, again = (Lesson(PLAN, tuning=Tuning(compiled=True)) for _ in range(3))
    whole.steps(), half.steps(4)  # the next batch is the small one
    training.restore(again.run, training.snapshot(half.run))
    again.steps()
    assert equal(whole.weights(), again.weights())


# --- judging ---------------------------------------------------------------------------------------------------------------


def test_the_best_epoch_is_kept_and_put_back():
    lesson = Lesson(replace(PLAN, epochs=9, stopping=Stopping(patience=2)))
    run, seen = lesson.run, []
    values = iter([0.5, 0.7, math.nan, 0.6, 0.9, 0.8])
    for step in training.steps(run, lesson.feed, lesson.update, lesson.plan):
        if step.ends_epoch:
            seen.append(lesson.weights())
            training.judge(run, lesson.plan, next(values), "higher")
            run.history.append({"epoch": len(run.history)})
    assert (len(seen), run.best_epoch, run.best_score, run.ended) == (4, 1, 0.7, True)
    training.finish(run)
    assert equal(lesson.weights(), seen[1])


def test_lower_may_be_better_and_patience_starts_again():
    lesson = Lesson(replace(PLAN, stopping=Stopping(patience=2)))
    verdicts = [training.judge(lesson.run, lesson.plan, value, "lower") for value in (3.0, 3.5, 2.0, 2.0)]
    assert verdicts == [True, False, True, False]
    assert (lesson.run.waited, lesson.run.ended) == (1, False)


def test_without_judgement_the_last_weights_stay():
    lesson = Lesson(PLAN)
    lesson.steps(3)
    last = lesson.weights()
    training.finish(lesson.run)
    assert equal(lesson.weights(), last)


# --- snapshots -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("optimizer", [SGD(0.1, 0.9), Adam(0.01), Muon()])
def test_a_run_goes_on_from_a_snapshot_as_if_nothing_had_been(optimizer):
    plan = replace(PLAN, optimizer=optimizer, schedule=Cosine(0.1), accumulate=2, clip=1.0)
    whole, half, again = Lesson(plan), Lesson(plan), Lesson(plan)
    whole.run.scale_rate(0.5), half.run.scale_rate(0.5)
    told = [float(step.loss) for step in whole.steps()]
    half.steps(7)
    training.judge(half.run, plan, 0.5, "higher")
    half.run.history.append({"epoch": 0, "loss": math.nan, "norm": math.inf})
    training.restore(again.run, training.snapshot(half.run))
    assert (again.run.step, again.run.rate_scale, again.run.best_score) == (7, 0.5, 0.5)
    assert equal(again.run.best, half.run.best)
    assert str(again.run.history) == str(half.run.history)
    assert [float(step.loss) for step in again.steps()] == told[7:]
    assert equal(whole.weights(), again.weights())


def test_a_snapshot_brings_its_tuning_and_memory_layout(monkeypatch):
    reads = (Port("inputs", Image(1, 8, 8, (0.0,), (255.0,))),)
    aim = CrossEntropy().ready((Port("label", Classes(("a", "b"))),))
    writes = (Port("label", Classes(("a", "b"))),)
    one, other = (training.start(build(SMALL_CNN, reads, writes, 0), Descent(Adam(), aim), way)
                  for way in (Tuning(channels_last=True, threads=2), Tuning()))  # fmt: skip
    training.restore(other, training.snapshot(one))
    assert other.tuning == one.tuning
    weights = dict(other.models["model"].named_parameters())
    for name, weight in weights.items():
        assert weight.stride() == dict(one.models["model"].named_parameters())[name].stride()
        assert other.state[f"first:{name}"].stride() == weight.stride()


def test_a_snapshot_of_something_else_is_refused():
    lesson = Lesson(PLAN)
    files = training.snapshot(lesson.run)
    facts = json.loads(files["run.json"])
    with pytest.raises(Refused, match="format 99"):
        training.restore(lesson.run, {**files, "run.json": json.dumps({**facts, "format": 99}).encode()})
    with pytest.raises(Refused, match="another model"):
        training.restore(Lesson(replace(PLAN, optimizer=SGD(0.1, 0.9))).run, files)
    other = Lesson(PLAN)
    other.run.models["model"] = build(MLP((25,)), READS, WRITES, 0)
    with pytest.raises(Refused, match="another model"):
        training.restore(other.run, files)


def test_of_long_steps_the_one_that_holds_most_is_measured_alone(monkeypatch):
    """Else the first way would spend what is there for all, and nothing quicker would be tried."""
    from modelwright.data.feed import Feed
    from modelwright.models import LSTM, build
    from modelwright.training import trials

    lengths = torch.randint(1, 40, (200,), generator=torch.Generator().manual_seed(0))
    mask = torch.arange(40) < lengths[:, None]
    feed = Feed({"inputs": mask.long(), "mask": mask, "label": mask[:, 0].long(), "row": torch.arange(200)}, 8, 0)
    module = build(LSTM(4, 4), (Port("inputs", Tokens(3, 40)),), (Port("label", Classes(("a", "b"))),), 0)
    several = trials._places(feed, module)
    assert len(several) == trials.PLACES
    monkeypatch.setattr(trials, "LONG", 1000)
    (one,) = trials._places(feed, module)
    assert one in several
    assert feed.batch(one)["mask"].numel() == max(feed.batch(place)["mask"].numel() for place in several)


@pytest.mark.parametrize(("long", "rows"), [(10**12, 8), (6 * 40 * 4, 4), (1, 1)])
def test_of_a_long_step_so_many_rows_tell_the_ways_apart(monkeypatch, long, rows):
    """What is measured is told of the whole step."""
    from modelwright.data.feed import Feed
    from modelwright.models import LSTM, build
    from modelwright.training import trials

    mask = torch.ones(64, 40, dtype=torch.bool)
    feed = Feed({"inputs": mask.long(), "mask": mask, "label": mask[:, 0].long(), "row": torch.arange(64)}, 8, 0)
    module = build(LSTM(4, 4), (Port("inputs", Tokens(3, 40)),), (Port("label", Classes(("a", "b"))),), 0)
    weights = sum(weight.numel() for weight in module.parameters())
    monkeypatch.setattr(trials, "LONG", long if long in (1, 10**12) else long * weights)
    met = []
    monkeypatch.setattr(trials, "_timed", lambda run, descent, batches: met.append(len(batches()[0]["row"])) or 0.5)
    aim = CrossEntropy().ready((Port("label", Classes(("a", "b"))),))
    descent = descending.Descent(training.SGD(0.1), aim)
    assert training.trial(module, descent, feed, Tuning(), 0.01) == pytest.approx(0.5 * 8 / rows)
    assert set(met) == {rows}


def test_a_trial_leaves_no_trace():
    lesson = Lesson(PLAN)
    before, state, generator = lesson.weights(), training.snapshot(lesson.run), torch.get_rng_state()
    seconds = training.trial(lesson.run.models["model"], lesson.update, lesson.feed, Tuning(), 0.01)
    assert 0 < seconds < 1
    assert equal(lesson.weights(), before)
    assert training.snapshot(lesson.run) == state
    assert torch.equal(torch.get_rng_state(), generator)
    assert descending.trained(lesson.run.models["model"]).keys() == before.keys()


def test_validation_is_the_objective_without_dropout_over_all_rows():
    lesson = Lesson(PLAN)
    rows, module = made(70), lesson.run.models["model"]
    value = training.validate(lesson.run.models, lesson.aim, Feed(rows, 32, 0).in_order(32))
    module.eval()
    with torch.no_grad():
        assert value == pytest.approx(float(nn.functional.cross_entropy(module(rows)["label"], rows["label"])), rel=1e-5)
