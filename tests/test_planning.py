"""What a recipe will cost, told before it runs, beside what is then measured."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from modelwright import planning
from modelwright.models import CNN, GRU, LSTM, MLP, RNN, Linear, build
from modelwright.models.counting import flops
from modelwright.nouns import Classes, Port
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
from modelwright import planning
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
