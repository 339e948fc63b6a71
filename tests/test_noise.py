"""The gradient's noise scale, against problems whose true one is known: the formula, its interval, and what training notes."""

from __future__ import annotations

import json

import pytest
import torch

from lessons import READS, WRITES, equal
from modelwright import life, training
from modelwright.data.feed import Feed
from modelwright.folder import RunFolder
from modelwright.models import MLP, build
from modelwright.nouns import Numbers, Port, Tuning
from modelwright.objectives import CrossEntropy, SquaredError
from modelwright.recipe import open_recipe
from modelwright.report import figures
from modelwright.training import apart, noise
from modelwright.training.descent import Descent
from turns import together

WIDE = 30
"""Numbers in a made gradient."""


class Rows:
    """An objective of one term that counts rows."""

    def counts(self, batch):
        return {"label": torch.tensor(float(len(batch["row"])), dtype=torch.float64)}


def tallies(sizes, updates, seed, signal=1.0, spread=3.0):
    """(6,) of made updates in float64: row gradients are a fixed one of length `signal` and noise of a trace spread^2."""
    dice = torch.Generator().manual_seed(seed)
    true = torch.full((WIDE,), signal / WIDE**0.5, dtype=torch.float64)
    found, whole = torch.zeros(6, dtype=torch.float64), sum(sizes)
    for _ in range(updates):
        rows = true + spread / WIDE**0.5 * torch.randn(whole, WIDE, generator=dice, dtype=torch.float64)
        seen = apart.Apart(Rows())
        for part in rows.split(list(sizes)):
            seen.add({"row": torch.arange(len(part))}, [part.sum(0) / whole])
        sums = seen.sums({"label": torch.tensor(float(whole), dtype=torch.float64)})
        apart.keep(found, sums, rows.mean(0).norm(), torch.zeros((), dtype=torch.float64))
    return found


@pytest.mark.parametrize("sizes", [(4, 4), (8,) * 4, (16, 17), (3, 9, 20), (5, 0, 7)], ids=str)
def test_noise_and_signal_are_right_on_average(sizes):
    n, noise_sum, signal_sum, noise_squares, signal_squares, _ = tallies(sizes, 3000, 1).tolist()
    for total, squares, true in ((noise_sum, noise_squares, 9.0), (signal_sum, signal_squares, 1.0)):
        error = ((squares / n - (total / n) ** 2) / n) ** 0.5
        assert abs(total / n - true) < 4 * error < 0.5 * true, "within four standard errors"


@pytest.mark.parametrize("way", ["equal shares", "the whole's own noise", "after adding"])
def test_a_wrong_formula_is_found(way, monkeypatch):
    """Planted: parts of 3, 9 and 20 rows taken for equal; the noise of the whole forgotten; slopes after others were added."""
    add, keep, seen = apart.Apart.add, apart.keep, []

    def added(self, batch, slopes):
        seen.append(slopes[0])
        add(self, batch, [sum(seen[-1 - (len(seen) - 1) % 3 :])])

    if way == "equal shares":
        monkeypatch.setattr(apart.Apart, "add", lambda self, batch, slopes: add(self, {"row": torch.arange(11)}, slopes))
    elif way == "after adding":
        monkeypatch.setattr(apart.Apart, "add", added)
    else:
        more = torch.tensor([0, 1, 0])
        monkeypatch.setattr(apart, "keep", lambda found, sums, *rest: keep(found, sums + sums[2] * more, *rest))
    n, noise_sum, signal_sum, noise_squares, signal_squares, _ = tallies((3, 9, 20), 3000, 1).tolist()
    off = [
        abs(total / n - true) / ((squares / n - (total / n) ** 2) / n) ** 0.5
        for total, squares, true in ((noise_sum, noise_squares, 9.0), (signal_sum, signal_squares, 1.0))
    ]
    assert max(off) > 4


def test_the_interval_holds_the_truth_as_often_as_it_says():
    found = [noise.ratio(*tallies((8, 8), 12, seed).tolist()) for seed in range(300)]
    held = [one for one in found if one is not None and one.low <= 9.0 and (one.high is None or one.high >= 9.0)]
    assert 0.92 <= len(held) / len(found) <= 0.99


def test_where_the_gradient_is_lost_in_noise_only_a_least_is_told():
    found = [noise.ratio(*tallies((4, 4), 8, seed, signal=0.05).tolist()) for seed in range(40)]
    held = [one is None or (one.low <= 3600 and (one.high is None or one.high >= 3600)) for one in found]
    assert sum(held) >= 36, "the truth is 9 / 0.05^2 = 3600"
    least = [one for one in found if one is not None and one.value is None]
    assert least and all(one.high is None and one.low > 0 for one in least)


def test_students_quantile():
    from scipy import stats

    assert all(abs(noise.quantile(n) / stats.t.ppf(0.975, n) - 1) < 0.005 for n in (7, 10, 30, 1000))


def test_one_part_alone_or_a_bad_update_says_nothing():
    assert not tallies((7,), 5, 0).any() and not tallies((0, 7), 5, 0).any()
    found, parts = torch.zeros(6), torch.tensor([3.0, 0.5, 0.25])
    apart.keep(found, parts, torch.tensor(1.0), torch.tensor(1.0))
    apart.keep(found, parts * float("nan"), torch.tensor(1.0), torch.tensor(1.0))
    assert not found.any()
    apart.keep(found, parts, torch.tensor(1.0), torch.tensor(0.0))
    assert found[0] == 1


# --- on a model -------------------------------------------------------------------------------------------------------------


def made(rows=4000, seed=0):
    dice = torch.Generator().manual_seed(seed)
    inputs = torch.randn(rows, 6, generator=dice)
    value = inputs @ torch.arange(6.0)[:, None] + 4 * torch.randn(rows, 1, generator=dice)
    return {"inputs": inputs, "value": value[:, 0], "row": torch.arange(rows)}


def still(micros, batch, seat=None):
    """A run that looks and does not learn: its true noise scale stays what it is."""
    reads, writes = (Port("inputs", Numbers(6)),), (Port("value", Numbers(1)),)
    update = Descent(training.SGD(1e-9), SquaredError().ready(writes), looks=1, **({"together": seat} if seat else {}))
    run = training.start(build(MLP((5,)), reads, writes, 3), update, Tuning())
    run.rate_scale = 0.0
    return run, Feed(made(), batch, 1, micros), update


def looked(micros, batch, epochs=1, seat=None):
    run, feed, update = still(micros, batch, seat)
    for _ in training.steps(run, feed, update, training.Training(epochs, batch=batch)):
        pass
    return training.noise_scale(run)


def truth(module, rows):
    """tr C / |G|^2 in float64, each row's gradient by itself."""
    from torch.func import functional_call, grad, vmap

    weights = {name: weight.detach().double() for name, weight in module.named_parameters()}

    def loss(weights, x, y):
        return (functional_call(module, weights, ({"inputs": x[None]},))["value"][0, 0] - y).square()

    found = vmap(grad(loss), in_dims=(None, 0, 0))(weights, rows["inputs"].double(), rows["value"].double())
    each = torch.cat([slope.flatten(1) for slope in found.values()], 1)
    mean = each.mean(0)
    return float((each - mean).square().sum(1).mean() / mean.square().sum())


@pytest.mark.parametrize("micros, batch", [(2, 32), (2, 33), (4, 50)])
def test_training_tells_the_true_scale(micros, batch):
    found, true = looked(micros, batch, 3), truth(still(micros, batch)[0].models["model"], made())
    assert found["noise_low"] <= true <= found["noise_high"]
    assert abs(found["noise"] / true - 1) < 0.2, (found, true)


def test_two_processes_tell_what_one_tells_with_two_parts():
    alone = looked(2, 32)
    for found in together(2, lambda seat: looked(2, 32, seat=seat)):
        assert found.keys() == alone.keys() and all(abs(found[name] / alone[name] - 1) < 1e-4 for name in alone)


def lesson(looks):
    update = Descent(training.Adam(0.01), CrossEntropy().ready(WRITES), clip=1.0, seed=7, looks=looks)
    run = training.start(build(MLP((24,), dropout=0.3), READS, WRITES, 7), update, Tuning())
    return run, update


def trained(looks=16, cut=None):
    from lessons import made

    feed, plan = Feed(made(150), 15, 7, 2), training.Training(40, batch=15)
    run, update = lesson(looks)
    told = []
    for step in training.steps(run, feed, update, plan):
        if step.ends_epoch:
            told.append(training.noise_scale(run))
        if step.number == cut:
            break
    if cut is not None:
        files = training.snapshot(run)
        run, update = lesson(looks)
        training.restore(run, files)
        told += [training.noise_scale(run) for step in training.steps(run, feed, update, plan) if step.ends_epoch]
    return dict(run.models["model"].named_parameters()), told


def test_it_changes_no_weight_and_comes_back_with_the_run():
    plain, _ = trained(0)
    weights, told = trained()
    assert equal(weights, plain) and sum(map(bool, told)) == 400 // 16 // noise.FEWEST
    again, others = trained(cut=173)
    assert equal(again, plain) and others == told


# --- in a life --------------------------------------------------------------------------------------------------------------


def digits(folder, **changed):
    sections = {
        "format": 1, "data": {"kind": "bundled", "name": "digits"}, "codec": {"kind": "columns", "label": "target"},
        "model": {"kind": "mlp", "widths": [12]}, "training": {"epochs": 20, "batch": 32, "accumulate": 2},
        "evaluation": {"baselines": False}, "explanation": {"mistakes": 0}, "machine": {"device": "cpu", "threads": 1},
    }  # fmt: skip
    return open_recipe({**sections, **changed}), RunFolder(folder)


def noted(folder):
    lines = (folder.path / "journal.jsonl").read_text(encoding="utf-8").splitlines()
    return [event for event in map(json.loads, lines) if event["event"] == "epoch" and "noise_low" in event]


def test_a_life_says_what_an_update_can_use(tmp_path):
    lived = life.run(*digits(tmp_path / "run"))
    last = noted(lived.folder)[-1]
    assert lived.ledger.measured.noise == (last.get("noise"), last["noise_low"], last.get("noise_high"))
    told = figures.useful(lived.ledger.measured.noise)
    page = lived.folder.report.read_text(encoding="utf-8")
    assert f"An update could use {told}" in page and "Rows that an update can use" in page
    again = life.run(*digits(tmp_path / "run"))
    assert again.reused and figures.useful(again.ledger.measured.noise) == told


def test_how_often_it_looks_follows_what_an_update_costs():
    assert training.every(500, 16, 2) == training.every(10**5, 64, 8) == noise.RAREST
    assert training.every(10**7, 64, 2) == 22 and training.every(10**7, 32, 1) == 22, "reading the slopes is what counts"
    assert training.every(10**6, 20 * 1024, 4) == 1, "tokens"


@pytest.mark.parametrize(
    "changed", [{"training": {"epochs": 6, "batch": 32}}, {"penalty": [{"kind": "l2"}]}], ids=["one part", "a penalty"]
)
def test_where_it_cannot_be_known_nothing_is_said(tmp_path, changed):
    lived = life.run(*digits(tmp_path / "run", **changed))
    assert not noted(lived.folder) and lived.ledger.measured.noise is None
    assert "update can use" not in lived.folder.report.read_text(encoding="utf-8")


def test_figures_bear_no_more_digits_than_their_interval():
    assert figures.useful((421.3, 310.2, 702.9)) == "420 rows [310 - 700]"
    assert figures.useful((None, 1234.5, None)) == "more than 1,200 rows"
