"""What a recipe will cost, told before it runs, beside what is then measured."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from modelwright import evaluation, machine, planning, rehearsing
from modelwright.machine import memory
from modelwright.models import CNN, GRU, LSTM, MLP, RNN, Linear, build
from modelwright.models.counting import flops
from modelwright.nouns import Classes, Costs, Port, Refused
from modelwright.planning.plan import Slope, refuse_misfit, refuse_step
from modelwright.recipe import open_recipe
from modelwright.testing.samples import READ, sample

LABEL = Port("label", Classes(("ant", "bee", "cat")))
FAMILIES = [Linear(), MLP((7, 5), dropout=0.1), CNN(((4, 3), (6,)), (10,)), RNN(5, 6), GRU(5, 6, 2), LSTM(5, 6, 2, True)]
PAIRS = [(family, port) for family in FAMILIES for port in READ if type(port) in type(family).accepts]


def unrolled(layer: torch.nn.RNNBase, batch: int, time: int) -> int:
    """The layer cell by cell, every product counted by torch."""
    cell = {"RNN_TANH": torch.nn.RNNCell, "GRU": torch.nn.GRUCell, "LSTM": torch.nn.LSTMCell}[layer.mode]
    one, step = cell(layer.input_size, layer.hidden_size), torch.zeros(batch, layer.input_size)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        state = None
        for _ in range(time):
            state = one(step) if state is None else one(step, state)
    return counter.get_total_flops()


@pytest.mark.parametrize(("family", "port"), PAIRS, ids=lambda one: type(one).__name__)
def test_arithmetic_is_what_torchs_counter_finds(family, port):
    module, batch = build(family, (Port("inputs", port),), (LABEL,), 0), sample(port, LABEL)
    recurrent = [part for part in module.modules() if isinstance(part, torch.nn.RNNBase)]
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        module.eval()(batch)
    seen = counter.get_flop_counts()
    inside = sum(sum(counts.values()) for name, counts in seen.items() if name.endswith((".there", ".back")))
    expected = counter.get_total_flops() - inside
    expected += sum(unrolled(layer, *batch["inputs"].shape[:2]) for layer in recurrent)
    assert flops(module, batch) == expected > 0


def test_products_that_stand_in_no_layer_are_counted():
    class Bilinear(torch.nn.Module):
        def forward(self, batch):
            return {"label": batch["inputs"] @ batch["inputs"].T}

    assert flops(Bilinear(), {"inputs": torch.ones(6, 5)}) == 2 * 6 * 5 * 6


def test_counting_loads_no_compiler():
    code = """
import sys
from pathlib import Path
from modelwright import evaluation, machine, planning, rehearsing
from modelwright.machine import memory
from modelwright.models import CNN, build, facts
from modelwright.nouns import Classes, Image, Port
from modelwright.testing.samples import READ, sample
label = Port("label", Classes(("a", "b", "c")))
image = next(port for port in READ if isinstance(port, Image))
assert facts(build(CNN(((4,),)), (Port("inputs", image),), (label,), 0), sample(image, label)).flops_per_row > 0
assert "torch._dynamo" not in sys.modules
"""
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, encoding="utf-8").stderr == ""


# --- the plan of digits --------------------------------------------------------------------------------------------------

SCHEMA = {
    "model": str, "costs": dict, "causes": dict, "peaks": dict, "seconds": dict, "disk": dict,
    "memory_limit": int, "disk_room": int,
}  # fmt: skip


def modelwright(folder: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """The command line in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "modelwright", *words], capture_output=True, text=True, encoding="utf-8", cwd=folder,
        env={**os.environ, **environment}, check=False,
    )  # fmt: skip


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    """What plan says of digits, and what its run then says, each in a process of its own."""
    folder = tmp_path_factory.mktemp("digits")
    quick = ("digits", "--set", "training.epochs=3", "--json")
    planned, ran = modelwright(folder, "plan", *quick), modelwright(folder, "run", *quick)
    assert (planned.returncode, ran.returncode) == (0, 0), planned.stderr + ran.stderr
    return json.loads(planned.stdout), json.loads(ran.stdout), folder


def test_a_plan_has_its_schema(digits):
    told, _, _ = digits
    assert {name: type(value) for name, value in told.items()} == SCHEMA
    assert tuple(told["causes"]) == planning.CAUSES
    assert set(told["seconds"]) <= set(planning.STAGES)
    costs = told["costs"]
    assert (costs["parameters"], costs["rows_used"]) == (9610, 1257)
    assert costs["flops"] == 3 * 2 * (64 * 128 + 1280) * 1257 * 3, "of three epochs, backward twice as much as forward"
    assert told["causes"]["weights"] == told["causes"]["best"] == 4 * 9610
    assert told["causes"]["optimizer"] >= 2 * 4 * 9610, "Adam keeps two moments"
    assert told["costs"]["watt_hours"] > 0 and all(seconds >= 0 for seconds in told["seconds"].values())


def test_memory_is_foretold_for_the_whole_process(digits):
    told, ran, _ = digits
    for predicted in (told["costs"]["peak_bytes"], ran["predicted"]["peak_bytes"]):
        assert 0.95 <= predicted / ran["measured"]["peak_bytes"] <= 1.15
    assert told["costs"]["peak_bytes"] == max(told["peaks"].values())


def test_a_plan_leaves_nothing_behind_and_a_run_shows_it(digits):
    told, ran, folder = digits
    assert [entry.name for entry in folder.iterdir()] == ["runs"], "the plan wrote nothing"
    assert ran["predicted"]["parameters"] == told["costs"]["parameters"]
    kept = json.loads((folder / "runs" / "digits" / "run.json").read_text(encoding="utf-8"))
    assert planning.planned(kept["plan"]).costs.seconds == ran["predicted"]["seconds"]


# --- what cannot fit -----------------------------------------------------------------------------------------------------

WIDE = """
[data]
kind = "csv"
path = "rows.csv"

[codec]
kind = "columns"
label = "label"

[model]
kind = "mlp"
widths = [2048, 2048]

[training]
epochs = 1
batch = 8192
optimizer = {kind = "sgd", rate = 0.01}

[check]
accept = ["leak", "contradiction"]

[evaluation]
baselines = false
batch = 256

[machine]
compiled = false
threads = 1
"""
LIMIT = 900_000_000


def wide(folder):
    """A recipe of 8,192 rows a step through two layers of 2,048."""
    numbers = np.random.default_rng(0).normal(size=(12_000, 8)).round(5)
    lines = [",".join(map(str, row)) + (",yes" if row[0] > 0 else ",no") for row in numbers]
    (folder / "rows.csv").write_text("a,b,c,d,e,f,g,h,label\n" + "\n".join(lines), encoding="utf-8")
    (folder / "wide.toml").write_text(WIDE, encoding="utf-8")


def advice(refused):
    """The parts that a refusal names."""
    assert refused.returncode == 2, refused.stderr
    return int(re.search(r"--set training\.accumulate=(\d+)", refused.stderr)[1])


def test_what_cannot_fit_is_refused_with_the_change_that_would(tmp_path):
    wide(tmp_path)
    refused = modelwright(tmp_path, "plan", "wide.toml", MODELWRIGHT_MEMORY=str(LIMIT))
    assert "8,192 rows" in refused.stderr, refused.stderr
    batch = int(re.search(r"--set training\.batch=(\d+)", refused.stderr)[1])
    assert 1 < advice(refused) < 64 and 128 < batch < 8192, refused.stderr
    assert modelwright(tmp_path, "plan", "wide.toml", MODELWRIGHT_MEMORY="plenty").returncode == 2


@pytest.mark.long
def test_what_is_advised_runs_within_the_limit(tmp_path):
    """The first advice may be a little short: the run then names the next."""
    wide(tmp_path)
    ran, parts = modelwright(tmp_path, "plan", "wide.toml", MODELWRIGHT_MEMORY=str(LIMIT)), 1
    for _ in range(3):
        parts = max(parts + 1, advice(ran))
        way = ("--fresh", "--json", "--set", f"training.accumulate={parts}")
        ran = modelwright(tmp_path, "run", "wide.toml", *way, MODELWRIGHT_MEMORY=str(LIMIT))
        if ran.returncode == 0:
            break
    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stdout)["measured"]["peak_bytes"] < 1.05 * LIMIT, "a plan is at most 5 % under"


def test_a_disk_without_room_is_refused_by_name():
    plan = planning.Plan("mlp", Costs(), {}, {"train": 5}, {}, {"snapshots": 10, "artifact": 2}, memory_limit=5, disk_room=11)
    with pytest.raises(Refused, match=r"12 B.*11 B"):
        refuse_misfit(plan)
    refuse_misfit(replace(plan, disk_room=12))
    with pytest.raises(Refused, match="train"):
        refuse_misfit(replace(plan, disk_room=12, memory_limit=4))


def test_a_step_is_a_line_over_its_rows():
    assert [Slope(100.0, 2.0).rows_within(room) for room in (0, 100, 101, 102, 300)] == [0, 0, 0, 1, 100]
    with pytest.raises(Refused, match="Not one row") as refusal:
        refuse_step(8, 1, 10.0, 5, 0)
    assert "--set" not in str(refusal.value)


# --- memory ----------------------------------------------------------------------------------------------------------------


def test_a_peak_is_this_process_own_and_not_that_of_who_started_it():
    held = np.ones(60_000_000)
    code = "from modelwright import machine; print(machine.peak_bytes())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, encoding="utf-8", check=True)
    assert int(done.stdout) < held.nbytes


def test_growth_sees_what_is_gone_again():
    with machine.Growth() as grown:
        passing = np.ones(20_000_000)
        time.sleep(0.1)  # where the process has held more before, what passes is seen only when it is looked at
        del passing
    assert 0.9 * 160e6 < grown.bytes < 1.3 * 160e6


@pytest.mark.parametrize(("most", "used", "files", "free"), [("max", 7, 0, None), ("1000", 400, 300, 900), ("100", 400, 0, 0)])
def test_a_containers_limit_counts_and_its_files_do_not(tmp_path, monkeypatch, most, used, files, free):
    (tmp_path / "memory.max").write_text(most + "\n", encoding="utf-8")
    (tmp_path / "memory.current").write_text(str(used), encoding="utf-8")
    (tmp_path / "memory.stat").write_text(f"anon 5\ninactive_file {files}\nactive_file 0\n", encoding="utf-8")
    monkeypatch.setattr(memory, "GROUPS", tmp_path)
    monkeypatch.delenv("MODELWRIGHT_MEMORY", raising=False)
    found, held = machine.memory_limit(), machine.held_bytes()
    assert found == pytest.approx(held + free, rel=0.05) if free is not None else found > 2 * held


# --- the rehearsal ---------------------------------------------------------------------------------------------------------

DIGITS = {
    "data": {"kind": "bundled", "name": "digits"},
    "codec": {"kind": "columns", "label": "target"},
    "model": {"kind": "mlp", "widths": [8]},
    "training": {"epochs": 1000, "batch": 512},
}


def test_a_rehearsal_leads_every_stage_and_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = rehearsing.rehearse(open_recipe(DIGITS))
    stages = [one.stage for one in found.stages]
    assert found.fault is None and found.rows < 700
    assert stages[:5] == ["read", "check", "encode", "plan", "stop"], "stopped at a snapshot"
    assert stages[5:10] == ["check", "encode", "plan", "train", "evaluate"] and stages[-1] == "take back", "and come back"
    assert not list(tmp_path.iterdir())
    assert set(found.plain()) == {"ok", "rows", "stages", "cut", "plan"} and not found.cut


def test_a_rehearsal_whose_time_is_up_says_what_it_did_not_reach(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    seen: list[str] = []
    ended = rehearsing.Course.ended

    def late(course, stage, fault=""):
        ended(course, stage, fault)
        seen.append(stage)
        if stage == "encode":
            course.opened -= rehearsing.LONGEST

    monkeypatch.setattr(rehearsing.Course, "ended", late)
    found = rehearsing.rehearse(open_recipe(DIGITS))
    assert seen == ["read", "check", "encode"] == [one.stage for one in found.stages]
    assert found.cut == found.plain()["cut"] == "plan" and found.fault is None
    assert rehearsing.told(found).endswith("After 60 s time was up: plan and what comes after it was not rehearsed.")
    assert not list(tmp_path.iterdir())


def test_a_rehearsal_finds_what_only_evaluation_would_show(monkeypatch):
    def broken(*given):
        raise ZeroDivisionError("no rival")

    monkeypatch.setattr(evaluation, "baselines", broken)
    found = rehearsing.rehearse(open_recipe(DIGITS))
    assert (found.fault.stage, found.fault.fault) == ("evaluate", "ZeroDivisionError: no rival")
    assert "ZeroDivisionError" in rehearsing.told(found) and found.plain()["ok"] is False
