"""Keras' answers to small networks (golden/keras/make.py), against our modules that carry the same weights.

Keras keeps dense kernels as (in, out), convolutions as (H, W, in, out) and flattens pictures as H, W, C; ours are (out, in),
(out, in, H, W) and C, H, W. Its GRU orders its gates update, reset, new; torch reset, update, new.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from modelwright import models
from modelwright.models import CNN, GRU, LSTM, MLP, RNN
from modelwright.nouns import Batch, Classes, Family, Image, Numbers, Port, PortKind, Tokens
from modelwright.objectives import CrossEntropy, SquaredError

GOLDEN = Path(__file__).parent / "golden" / "keras"
THREE, TWO = Classes(("a", "b", "c")), Classes(("no", "yes"), sigmoid=True)
PICTURE = Image(3, 12, 8, (120.0, 110.0, 100.0), (60.0, 55.0, 65.0))
TOKENS = Tokens(20, 9)
TWINS: dict[str, tuple[Family, PortKind, PortKind]] = {
    "dense": (MLP(widths=(7, 6)), Numbers(5), THREE),
    "number": (MLP(widths=(7,), activation="tanh"), Numbers(5), Numbers(1)),
    "convolution": (CNN(stages=((4,), (6,)), head=(8,)), PICTURE, THREE),
    "simple_rnn": (RNN(embedding=4, width=6), TOKENS, TWO),
    "lstm": (LSTM(embedding=4, width=6), TOKENS, TWO),
    "gru": (GRU(embedding=4, width=6), TOKENS, TWO),
    "lstm_both_ways": (LSTM(embedding=4, width=6, both_ways=True), TOKENS, TWO),
}


def golden(name: str) -> tuple[dict[str, np.ndarray], list[Tensor]]:
    """The named arrays, and Keras' weights in its order."""
    with np.load(GOLDEN / f"{name}.npz", allow_pickle=False) as file:
        arrays = {key: file[key] for key in file.files}
    return arrays, [torch.from_numpy(arrays[key]) for key in sorted(arrays) if key.startswith("weight_")]


def dense(kernel: Tensor, bias: Tensor, at: str) -> Batch:
    return {f"{at}.weight": kernel.T, f"{at}.bias": bias}


def cell(kernel: Tensor, recurrent: Tensor, bias: Tensor, at: str) -> Batch:
    """One bias of Keras is our input's, two (GRU) are both of ours."""
    if bias.ndim == 2:
        gates = (weight.chunk(3, dim=1) for weight in (kernel, recurrent, bias))
        kernel, recurrent, bias = (torch.cat([reset, update, new], dim=1) for update, reset, new in gates)
    read, kept = (bias[0], bias[1]) if bias.ndim == 2 else (bias, torch.zeros_like(bias))
    named = {"weight_ih": kernel.T, "weight_hh": recurrent.T, "bias_ih": read, "bias_hh": kept}
    return {f"{at}.{name}_l0": weight for name, weight in named.items()}


def ours(name: str, w: list[Tensor]) -> Batch:
    """Our state_dict from Keras' weights."""
    if name in ("dense", "number"):
        hidden = [(f"hidden.{2 * n}", w[2 * n], w[2 * n + 1]) for n in range(len(w) // 2 - 1)]
        state = {key: weight for at, kernel, bias in hidden for key, weight in dense(kernel, bias, at).items()}
    elif name == "convolution":
        state = {"stages.0.weight": w[0].permute(3, 2, 0, 1), "stages.0.bias": w[1]}
        state |= {"stages.3.weight": w[2].permute(3, 2, 0, 1), "stages.3.bias": w[3]}
        turned = w[4].reshape(3, 2, 6, 8).permute(2, 0, 1, 3).reshape(36, 8)  # rows H, W, C -> C, H, W
        state |= dense(turned, w[5], "hidden.0")
    else:
        state = {"steps.table.weight": w[0], **cell(*w[1:4], at="layers.0.there")}
        state |= cell(*w[4:7], at="layers.0.back") if name == "lstm_both_ways" else {}
    return state | dense(w[-2], w[-1], "heads.ports.label")


def batch_of(arrays: dict[str, np.ndarray]) -> Batch:
    inputs, labels = torch.from_numpy(arrays["inputs"]), torch.from_numpy(arrays["labels"])
    if inputs.ndim == 4:
        return {"inputs": inputs.permute(0, 3, 1, 2).contiguous(), "label": labels}
    return {"inputs": inputs, "label": labels, **({"mask": inputs != 0} if inputs.dtype == torch.int64 else {})}


def twin(name: str, weights: list[Tensor]):
    family, reads, writes = TWINS[name]
    module = models.build(family, (Port("inputs", reads),), (Port("label", writes),), seed=0)
    missing, more = module.load_state_dict(ours(name, weights), strict=False)
    assert more == [] and all(name.startswith("inputs.") for name in missing)  # the picture's mean and spread
    return module.eval()


@pytest.mark.parametrize("name", TWINS)
def test_same_weights_same_answers(name):
    arrays, weights = golden(name)
    with torch.no_grad():
        found = twin(name, weights)(batch_of(arrays))["label"]
    wanted = torch.from_numpy(arrays["logits"])
    assert wanted.std() > 0.05, "answers that are all alike would prove nothing"
    assert (found - wanted).abs().max() < 1e-5


@pytest.mark.parametrize("name", ["lstm", "gru"])
def test_a_gate_in_the_wrong_place_would_be_seen(name):
    arrays, weights = golden(name)
    module = twin(name, weights)
    with torch.no_grad():
        cell = module.layers[0].there
        for weight in cell.parameters():
            weight.copy_(torch.cat([weight[6:12], weight[:6], weight[12:]]))
        found = module(batch_of(arrays))["label"]
    assert (found - torch.from_numpy(arrays["logits"])).abs().max() > 1e-3


@pytest.mark.parametrize("name", TWINS)
def test_same_answers_same_loss(name):
    arrays, weights = golden(name)
    writes, batch = TWINS[name][2], batch_of(arrays)
    aim = (CrossEntropy() if isinstance(writes, Classes) else SquaredError()).ready((Port("label", writes),))
    with torch.no_grad():
        loss = aim({"model": twin(name, weights)}, batch)["label"] / aim.counts(batch)["label"]
    assert abs(loss.item() - arrays["loss"].item()) < 1e-5


@pytest.mark.parametrize("name", TWINS)
def test_each_golden_weight_matters(name):
    """A weight that no answer depends on would be mapped anywhere unseen. The vector of padding is the one exception."""
    arrays, weights = golden(name)
    batch = batch_of(arrays)
    module = twin(name, weights)
    with torch.no_grad():
        before = module(batch)["label"]
        for weight in module.parameters():
            old = weight.clone()
            weight += 0.1
            assert (module(batch)["label"] - before).abs().max() > 1e-4
            weight.copy_(old)


def test_goldens_are_small_and_complete():
    files = sorted(GOLDEN.glob("*.npz"))
    assert {file.stem for file in files} == set(TWINS)
    assert sum(file.stat().st_size for file in files) < 200_000
