"""Gradual unfreezing: what waits stays bit for bit, what wakes begins afresh, and coming back changes nothing."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest
import torch

from lessons import READS, WRITES, Lesson, equal
from modelwright import life, planning, shelf, training
from modelwright.folder import RunFolder
from modelwright.models import MLP, build
from modelwright.models.beginning import Beginning, begin, later
from modelwright.models.lora import Lora
from modelwright.models.networks.beside import beside
from modelwright.models.unfreeze import Unfreeze
from modelwright.nouns import Classes, Port, Reference, Refused
from modelwright.recipe import open_recipe
from modelwright.telling import in_turn
from modelwright.training import Adam, AdamW, Muon, Training, waiting
from modelwright.training.waiting import Later
from turns import together

DEEP = MLP((12, 10), dropout=0.2)
HEAD = ("heads.ports.label.weight", "heads.ports.label.bias")
OTHER = (Port("label", Classes(("x", "y", "z"))),)


def begun(train=("heads",), unfreeze=(), lora=None, writes=WRITES):
    base, module = build(DEEP, READS, WRITES, 1), build(DEEP, READS, writes, 2)
    beginning = Beginning(base.state_dict(), WRITES, Reference("base"), None, train, lora, unfreeze)
    begin(module, beginning, writes)
    return module, beginning


def layer(number):
    return frozenset({f"hidden.{number}.weight", f"hidden.{number}.bias"})


# --- what learns when -------------------------------------------------------------------------------------------------------


def test_what_is_named_later_waits_for_its_epochs():
    module, beginning = begun(unfreeze=(Unfreeze(3, ("hidden.0",)), Unfreeze(1, ("hidden.3", "heads"))))
    names = [name for name, _ in module.named_parameters() if name.startswith("hidden")]
    first, second = sorted({int(name.split(".")[1]) for name in names})
    assert later(module, beginning, WRITES) == {1: layer(second), 3: layer(first)}, "and heads learn from the first step on"
    assert all(weight.requires_grad for weight in module.parameters()), "moments are made for all that ever learns"


def test_what_is_never_named_never_learns():
    module, beginning = begun(unfreeze=(Unfreeze(1, ("hidden.3",)),))
    assert later(module, beginning, WRITES) == {1: layer(3)}
    assert {name for name, weight in module.named_parameters() if not weight.requires_grad} == layer(0)


def test_a_head_that_is_drawn_anew_waits_for_nothing():
    module, beginning = begun(("hidden.3",), (Unfreeze(2, ("hidden.0", "heads")),), writes=OTHER)
    assert later(module, beginning, OTHER) == {2: layer(0)}


def test_beside_what_learns_later_stands_nothing():
    module, beginning = begun((), (Unfreeze(2, ("hidden.3",)),), Lora(2))
    assert [name for name, _ in beside(module)] == ["hidden.0"]
    assert later(module, beginning, WRITES) == {2: layer(3)}


@pytest.mark.parametrize(
    "train, unfreeze, said",
    [
        (("heads",), Unfreeze(1, ("hiden.3",)), r'model\.unfreeze\[0\]\.train names "hiden\.3"(?s:.)*Did you mean hidden\.3\?'),
        (("haeds",), Unfreeze(1, ("hidden",)), r'model\.train names "haeds"(?s:.)*Did you mean heads\?'),
        ((), Unfreeze(1, ("hidden",)), r"model\.train does not say what learns from the beginning"),
        (("hidden",), Unfreeze(1, ("hidden.0",)), "All that model.unfreeze names after 1 epochs learns before that"),
    ],
)
def test_what_cannot_be_meant_is_refused(train, unfreeze, said):
    with pytest.raises(Refused, match=said):
        module, beginning = begun(train, (unfreeze,))
        later(module, beginning, WRITES)


# --- learning ---------------------------------------------------------------------------------------------------------------


WAITS = (Later(20, layer(3)), Later(50, layer(0)))
OPTIMIZERS = [Adam(0.01), AdamW(0.01), Muon(0.02), training.SGD(0.1, 0.9)]


def lesson(optimizer=None, **more):
    """Ten steps an epoch; heads learn from the beginning."""
    made = Lesson(Training(9, batch=15, optimizer=optimizer or Adam(0.01), clip=1.0, **more), dropout=0.2)
    made.run.models["model"] = build(DEEP, READS, WRITES, 5)
    made.update.later = WAITS
    made.run = training.start(made.run.models["model"], made.update, made.tuning)
    return made


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=lambda one: type(one).__name__)
def test_what_waits_stays_bit_for_bit_and_then_moves(optimizer):
    made = lesson(optimizer)
    seen = [made.weights()]
    for step in training.steps(made.run, made.feed, made.update, made.plan):
        if step.number in (19, 20, 49, 50):
            seen.append(made.weights())
    moved = [{name for name in one if not torch.equal(one[name], other[name])} for one, other in pairwise(seen)]
    assert moved == [set(HEAD), {*HEAD, *layer(3)}, {*HEAD, *layer(3)}, {*HEAD, *layer(3), *layer(0)}]


def slopes_of(made):
    """Each step's slopes by name, as the optimizer gets them."""
    seen = []
    once = made.update.optimizer.update

    class Seen:
        start = staticmethod(made.update.optimizer.start)

        @staticmethod
        def update(weights, slopes, state, rate, divisor, bad):
            if not seen or seen[-1][0] != made.run.step:
                seen.append((made.run.step, {}))
            seen[-1][1].update({name: slope / divisor for name, slope in zip(weights, slopes)})
            once(weights, slopes, state, rate, divisor, bad)

    made.update.optimizer = Seen
    return seen


def by_torch(made, seen):
    """torch's own Adam, to which parameters are handed when they begin to learn."""
    weights = {name: torch.nn.Parameter(weight) for name, weight in made.items()}
    optimizer = None
    known: set[str] = set()
    for _, slopes in seen:
        fresh = [name for name in slopes if name not in known]
        if fresh:
            group = {"params": [weights[name] for name in fresh]}
            optimizer = optimizer or torch.optim.Adam([group], lr=0.01)
            if known:
                optimizer.add_param_group(group)
            known |= set(fresh)
        for name, slope in slopes.items():
            weights[name].grad = slope
        optimizer.step()
    return {name: weight.detach() for name, weight in weights.items()}


def apart(one, other):
    return max(float((one[name] - other[name]).abs().max()) for name in one)


def test_moments_of_what_wakes_begin_afresh_as_torchs_do():
    made = lesson(Adam(0.01))
    begin_with, seen = made.weights(), slopes_of(made)
    made.steps()
    assert apart(made.weights(), by_torch(begin_with, seen)) < 2e-6


def test_moments_that_pass_for_old_are_found(monkeypatch):
    """Planted: one count of updates for all, so that the first steps of what wakes are three times too long."""
    from modelwright.training import descent

    monkeypatch.setattr(descent, "told_as_all", lambda state, cohort: state)
    made = lesson(Adam(0.01))
    begin_with, seen = made.weights(), slopes_of(made)
    made.steps()
    assert apart(made.weights(), by_torch(begin_with, seen)) > 1e-3


def test_a_bad_step_is_not_counted_for_what_wakes():
    made = lesson()
    made.steps(25)
    made.run.models["model"].get_parameter("heads.ports.label.bias").data.fill_(float("nan"))
    made.steps(1)
    assert [float(made.run.state[name]) for name in ("updates", "updates_from_20", "updates_from_50")] == [25, 5, 0]


# --- coming back ------------------------------------------------------------------------------------------------------------


def cut_at(*steps):
    made = lesson()
    for one, other in zip((0, *steps), (*steps, None)):
        made.steps(None if other is None else other - one)
        if other is not None:
            files, made = training.snapshot(made.run), lesson()
            training.restore(made.run, files)
    return made.weights()


@pytest.mark.parametrize("steps", [(7,), (19,), (20,), (21,), (49, 50, 51), (3, 20, 88)])
def test_cut_anywhere_it_comes_to_the_same_weights(steps):
    assert equal(cut_at(*steps), cut_at())


def planted_counts(monkeypatch):
    """The counts of what woke are begun again."""
    whole = training.restore

    def restore(run, files):
        whole(run, files)
        for name in ("updates_from_20", "updates_from_50"):
            run.state[name].zero_()

    monkeypatch.setattr(training, "restore", restore)


def planted_anew(monkeypatch):
    """Steps are counted from where it came back, as to who may learn."""
    whole, came = training.restore, [0]
    monkeypatch.setattr(training, "restore", lambda run, files: (whole(run, files), came.__setitem__(0, run.step)))
    monkeypatch.setattr(training.descent, "asleep", lambda later, step: waiting.asleep(later, step - came[0]))


@pytest.mark.parametrize("plant", [planted_counts, planted_anew])
def test_a_mutant_of_coming_back_is_found(plant, monkeypatch):
    right = cut_at()
    plant(monkeypatch)
    assert equal(cut_at(), right), "undisturbed it does not show"
    assert not equal(cut_at(33, 60), right)


def test_a_snapshot_and_the_best_hold_all_that_ever_learns():
    made = lesson()
    made.steps(10)
    training.judge(made.run, made.plan, 1.0, "lower")
    files = training.snapshot(made.run)
    other = lesson()
    training.restore(other.run, files)
    assert set(other.run.best) == set(made.weights())
    made.steps()
    training.finish(made.run)
    assert equal(made.weights(), other.run.best)


# --- several processes ------------------------------------------------------------------------------------------------------


def test_two_processes_wake_together_and_agree():
    def one(seat):
        made = lesson(accumulate=1)
        made.feed = training_feed(2)
        made.update.together = seat
        made.steps()
        return made.weights()

    first, second = together(2, one)
    assert equal(first, second)
    alone = lesson()
    alone.feed = training_feed(2)
    alone.steps()
    assert apart(first, alone.weights()) < 1e-4


def training_feed(micros):
    from lessons import made
    from modelwright.data.feed import Feed

    return Feed(made(150), 15, 7, micros)


# --- a life -----------------------------------------------------------------------------------------------------------------


def digits(folder, name, **changed):
    sections = {
        "format": 1, "data": {"kind": "bundled", "name": "digits"}, "codec": {"kind": "columns", "label": "target"},
        "model": {"kind": "mlp", "widths": [16, 12]}, "training": {"epochs": 2, "batch": 64},
        "evaluation": {"baselines": False}, "explanation": {"mistakes": 0}, "machine": {"device": "cpu", "threads": 1},
    }  # fmt: skip
    return open_recipe({**sections, **changed}), RunFolder(folder / name)


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return life.run(*digits(tmp_path_factory.mktemp("base"), "base")).folder.artifact


def turns(base, **more):
    waits = [{"after": 1, "train": ["hidden.2"]}]
    return {"model": {"kind": "base", "artifact": str(base), "train": ["heads"], "unfreeze": waits, **more}, "training":
            {"epochs": 3, "batch": 64, "snapshot_every": 0}}  # fmt: skip


def test_a_life_tells_what_learned_when(base, tmp_path):
    lived = life.run(*digits(tmp_path, "run", **turns(base)))
    lines = (lived.folder.path / "journal.jsonl").read_text(encoding="utf-8").splitlines()
    learns = [event["learns"] for event in map(json.loads, lines) if event["event"] == "epoch"]
    assert learns == [130, 334, 334]
    first, found = shelf.take(base), shelf.take(lived.folder.artifact)
    told = "learned in turn: heads from the beginning, after 1 epoch hidden.2"
    assert told in found.story and told in lived.folder.report.read_text(encoding="utf-8")
    before, after = first.module.state_dict(), found.module.state_dict()
    moved = {name for name in after if not torch.equal(after[name], before[name])}
    assert moved == {*HEAD, "hidden.2.weight", "hidden.2.bias"}


def test_cut_in_any_epoch_a_life_comes_back(base, tmp_path):
    whole = life.only_train(*digits(tmp_path, "whole", **turns(base)))
    recipe, folder = digits(tmp_path, "cut", **turns(base))
    for most in (10, 20):
        asked = iter([False] * most + [True])
        with pytest.raises(KeyboardInterrupt):
            life.only_train(recipe, folder, life.Opening(resume=True, stop=lambda asked=asked: next(asked)))
    cut = life.only_train(recipe, folder, life.Opening(resume=True))
    assert cut.lesson.run.step == whole.lesson.run.step and cut.lesson.run.history == whole.lesson.run.history
    assert equal(cut.module.state_dict(), whole.module.state_dict())


def test_the_plan_looks_at_the_widest_epoch(base, tmp_path, monkeypatch):
    seen = []
    whole = planning.step_bytes
    monkeypatch.setattr(planning, "step_bytes", lambda lesson, limit: seen.append(lesson.update) or whole(lesson, limit))
    recipe, folder = digits(tmp_path, "run", **turns(base))
    prepared = life.only_train(recipe, folder)
    assert [update.later for update in seen] == [()]
    assert prepared.lesson.update.later and prepared.lesson.run.still == {"hidden.0.weight", "hidden.0.bias"}


def test_what_would_never_learn_is_refused(base, tmp_path):
    order = turns(base)
    order["training"]["epochs"] = 1
    with pytest.raises(Refused, match=r"model\.unfreeze waits for 1 epochs, and training\.epochs = 1"):
        life.only_train(*digits(tmp_path, "run", **order))


def test_the_story_names_what_stands_beside():
    line = in_turn(Beginning({}, (), Reference("base"), None, (), Lora(2), (Unfreeze(2, ("hidden.0", "hidden.2")),)))
    assert line == "learned in turn: what stands beside the base from the beginning, after 2 epochs hidden.0, hidden.2"


