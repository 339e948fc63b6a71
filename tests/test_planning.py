"""What a recipe will cost, told before it runs, beside what is then measured."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

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
from modelwright.models import CNN, build, facts
from modelwright.nouns import Classes, Image, Port
from modelwright.testing.samples import READ, sample
label = Port("label", Classes(("a", "b", "c")))
image = next(port for port in READ if isinstance(port, Image))
assert facts(build(CNN(((4,),)), (Port("inputs", image),), (label,), 0), sample(image, label)).flops_per_row > 0
assert "torch._dynamo" not in sys.modules
"""
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, encoding="utf-8").stderr == ""
