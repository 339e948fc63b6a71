"""The equations of the textbooks as plain loops over Python's own floats (float64), against our modules: within 1e-10.

B batch, T time, C channels, H height, W width. Where two forms of an equation are in use, the test says which is ours.
"""

from __future__ import annotations

from math import erf, exp, log, sqrt, tanh

import pytest
import torch
from torch import Tensor

from modelwright import models
from modelwright.models import CNN, GRU, LSTM, MLP, RNN, Linear
from modelwright.nouns import Batch, Classes, Image, Numbers, Port, Series
from modelwright.objectives import L1, L2, CrossEntropy, SquaredError, penalized
from modelwright.testing.families import stirred

THREE = Port("label", Classes(("a", "b", "c")))
NUMBERS = Port("label", Numbers(2))
CLOSE = 1e-10


def sigmoid(x: float) -> float:
    return 1 / (1 + exp(-x))


ACTIVATIONS = {
    "relu": lambda x: max(x, 0.0),
    "gelu": lambda x: x * (1 + erf(x / sqrt(2))) / 2,  # Phi itself, not its approximation by tanh
    "tanh": tanh,
    "sigmoid": sigmoid,
}


def affine(w: list, x: list, b: list) -> list:
    """W x + b"""
    return [sum(w[i][j] * x[j] for j in range(len(x))) + b[i] for i in range(len(b))]


def built(family, reads, writes=THREE):
    """In float64 and with biases that are not zero."""
    return stirred(models.build(family, (Port("inputs", reads),), (writes,), seed=0).double()).eval()


def weights(module, *at: str) -> list:
    """Weight and bias of these parts, as lists."""
    named = dict(module.named_parameters())
    return [named[f"{part}.{name}"].tolist() for part in at for name in ("weight", "bias")]


def answers(module, batch: Batch) -> Tensor:
    with torch.no_grad():
        return module(batch)["label"]


def assert_close(found: Tensor, wanted: list) -> None:
    assert found.dtype == torch.float64
    torch.testing.assert_close(found, torch.tensor(wanted, dtype=torch.float64), rtol=0, atol=CLOSE)


def drawn(*shape: int) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(3))


# --- y = f(W x + b) ---------------------------------------------------------------------------------------------------


def test_linear():
    module, rows = built(Linear(), Numbers(4)), drawn(5, 4)
    w, b = weights(module, "heads.ports.label")
    assert_close(answers(module, {"inputs": rows}), [affine(w, x, b) for x in rows.tolist()])


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_dense(activation):
    module, rows = built(MLP(widths=(6, 3), activation=activation), Numbers(4)), drawn(5, 4)
    f = ACTIVATIONS[activation]
    w1, b1, w2, b2, w3, b3 = weights(module, "hidden.0", "hidden.2", "heads.ports.label")
    wanted = []
    for x in rows.tolist():
        first = [f(value) for value in affine(w1, x, b1)]
        second = [f(value) for value in affine(w2, first, b2)]
        wanted.append(affine(w3, second, b3))
    assert_close(answers(module, {"inputs": rows}), wanted)


# --- h_t = f(W_xh x_t + W_hh h_(t-1) + b) -----------------------------------------------------------------------------


def rnn(x: list, h: list, c: list, w: list) -> tuple[list, list]:
    """One bias in the equation; ours are two that are added."""
    (w_xh, w_hh, b_x, b_h) = w
    found = zip(affine(w_xh, x, b_x), affine(w_hh, h, b_h))
    return [tanh(a + b) for a, b in found], c


def lstm(x: list, h: list, c: list, w: list) -> tuple[list, list]:
    """i, f, o = sigmoid(W x + U h + b); g = tanh(W x + U h + b); c = f c + i g; h = o tanh(c). Rows of W: i, f, g, o."""
    (w_xh, w_hh, b_x, b_h) = w
    sums = [a + b for a, b in zip(affine(w_xh, x, b_x), affine(w_hh, h, b_h))]
    n = len(h)
    i, f, g, o = sums[:n], sums[n : 2 * n], sums[2 * n : 3 * n], sums[3 * n :]
    c = [sigmoid(f[k]) * c[k] + sigmoid(i[k]) * tanh(g[k]) for k in range(n)]
    return [sigmoid(o[k]) * tanh(c[k]) for k in range(n)], c


def gru(x: list, h: list, c: list, w: list) -> tuple[list, list]:
    """r, z = sigmoid(W x + U h + b); n = tanh(W x + b + r (U h + b')); h = (1 - z) n + z h. Rows of W: r, z, n.

    The reset gate stands after the product, as in cuDNN; the paper of 2014 has U (r h)."""
    (w_xh, w_hh, b_x, b_h) = w
    read, kept, n = affine(w_xh, x, b_x), affine(w_hh, h, b_h), len(h)
    r = [sigmoid(read[k] + kept[k]) for k in range(n)]
    z = [sigmoid(read[n + k] + kept[n + k]) for k in range(n)]
    new = [tanh(read[2 * n + k] + r[k] * kept[2 * n + k]) for k in range(n)]
    return [(1 - z[k]) * new[k] + z[k] * h[k] for k in range(n)], c


def way(step, w: list, steps: list, width: int) -> list:
    """States (T, D) from h_0 = 0."""
    h, c, states = [0.0] * width, [0.0] * width, []
    for x in steps:
        h, c = step(x, h, c, w)
        states.append(h)
    return states


def cell(module, at: str) -> list:
    named = dict(module.named_parameters())
    return [named[f"{at}.{name}_l0"].tolist() for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")]


@pytest.mark.parametrize("both_ways", [False, True])
@pytest.mark.parametrize(("kind", "step"), [(RNN, rnn), (LSTM, lstm), (GRU, gru)])
def test_recurrent(kind, step, both_ways):
    """Two layers over rows of unequal length: the state after the last real step, and of the way back after the first."""
    width, lengths = 4, (5, 2, 1)
    module = built(kind(width=width, depth=2, both_ways=both_ways), Series(3, 9))
    steps = drawn(3, 5, 3)
    mask = torch.arange(5) < torch.tensor(lengths).unsqueeze(1)
    w, b = weights(module, "heads.ports.label")
    wanted = []
    for row, length in zip(steps.tolist(), lengths):
        layer = row[:length]
        for n in range(2):
            there = way(step, cell(module, f"layers.{n}.there"), layer, width)
            back = way(step, cell(module, f"layers.{n}.back"), layer[::-1], width)[::-1] if both_ways else [[]] * length
            layer = [a + b for a, b in zip(there, back)]
        wanted.append(affine(w, layer[-1][:width] + layer[0][width:], b))
    assert_close(answers(module, {"inputs": steps, "mask": mask}), wanted)


# --- y = f(W * X + b) -------------------------------------------------------------------------------------------------


def convolved(w: list, x: list, b: list) -> list:
    """y[o][i][j] = sum over c, u, v of w[o][c][u][v] * x[c][i + u - 1][j + v - 1] + b[o]; outside the picture is 0.

    What the field calls convolution: the kernel is not turned round (cross-correlation)."""
    height, width = len(x[0]), len(x[0][0])

    def at(c: int, i: int, j: int) -> float:
        return x[c][i][j] if 0 <= i < height and 0 <= j < width else 0.0

    def one(o: int, i: int, j: int) -> float:
        near = [(c, u, v) for c in range(len(x)) for u in range(3) for v in range(3)]
        return sum(w[o][c][u][v] * at(c, i + u - 1, j + v - 1) for c, u, v in near) + b[o]

    return [[[one(o, i, j) for j in range(width)] for i in range(height)] for o in range(len(b))]


def pooled(x: list) -> list:
    """The largest of each 2 x 2; a last odd row or column is left out."""
    size = range(len(x[0]) // 2), range(len(x[0][0]) // 2)
    return [[[max(m[2 * i + u][2 * j + v] for u in (0, 1) for v in (0, 1)) for j in size[1]] for i in size[0]] for m in x]


def test_convolution():
    image = Image(2, 5, 4, (100.0, 120.0), (50.0, 60.0))
    module = built(CNN(stages=((3,), (2,)), head=(4,), activation="tanh"), image)
    pixels = torch.randint(0, 256, (2, 2, 5, 4), dtype=torch.uint8, generator=torch.Generator().manual_seed(3))
    w1, b1, w2, b2, w3, b3, w4, b4 = weights(module, "stages.0", "stages.3", "hidden.0", "heads.ports.label")
    inverse = module.inputs.inverse.flatten().tolist()  # made in float32, then widened
    assert inverse == pytest.approx([1 / 50, 1 / 60], rel=1e-6)

    def f(maps: list) -> list:
        return [[[tanh(value) for value in line] for line in one] for one in maps]

    wanted = []
    for picture in pixels.tolist():
        x = [[[(value - image.mean[c]) * inverse[c] for value in line] for line in picture[c]] for c in (0, 1)]
        x = pooled(f(convolved(w1, x, b1)))
        x = pooled(f(convolved(w2, x, b2)))
        flat = [value for one in x for line in one for value in line]  # C, then H, then W
        wanted.append(affine(w4, [tanh(value) for value in affine(w3, flat, b3)], b4))
    assert_close(answers(module, {"inputs": pixels}), wanted)


# --- losses -----------------------------------------------------------------------------------------------------------


def softmax(z: list) -> list:
    return [exp(one) / sum(exp(other) for other in z) for one in z]


def loss(objective, port: Port, found: Tensor, label: Tensor) -> float:
    aim, batch = objective.ready((port,)), {"label": label}
    return (aim({"model": lambda _: {"label": found}}, batch)["label"] / aim.counts(batch)["label"]).item()


def test_mean_squared_error_is_a_mean_and_not_half_a_sum():
    """1/n sum (found - wanted)^2 over rows and numbers. Some books call 1/2 sum the MSE: of 6 numbers 3 times as much."""
    found, wanted = drawn(3, 2), drawn(6, 2)[3:]
    squares = [(a - b) ** 2 for x, y in zip(found.tolist(), wanted.tolist()) for a, b in zip(x, y)]
    ours = loss(SquaredError(), NUMBERS, found, wanted)
    assert abs(ours - sum(squares) / 6) < CLOSE
    assert abs(sum(squares) / 2 / ours - 3) < CLOSE


def test_cross_entropy_of_softmax():
    logits, label = 3 * drawn(5, 3), torch.tensor([0, 1, 2, 1, 0])
    wanted = -sum(log(softmax(z)[y]) for z, y in zip(logits.tolist(), label.tolist())) / 5
    assert abs(loss(CrossEntropy(), THREE, logits, label) - wanted) < CLOSE


def test_cross_entropy_smoothed():
    """The label gets 1 - s + s / C, each other class s / C."""
    logits, label, s = 3 * drawn(5, 3), torch.tensor([0, 1, 2, 1, 0]), 0.1
    wanted = 0.0
    for z, y in zip(logits.tolist(), label.tolist()):
        wanted -= sum((s / 3 + (1 - s) * (c == y)) * log(softmax(z)[c]) for c in range(3)) / 5
    assert abs(loss(CrossEntropy(smoothing=s), THREE, logits, label) - wanted) < CLOSE


def test_cross_entropy_of_one_sigmoid():
    port = Port("label", Classes(("no", "yes"), sigmoid=True))
    logits, label = 3 * drawn(5, 1), torch.tensor([0, 1, 1, 1, 0])
    chances = [sigmoid(z) for (z,) in logits.tolist()]
    wanted = -sum(log(p if y else 1 - p) for p, y in zip(chances, label.tolist())) / 5
    assert abs(loss(CrossEntropy(), port, logits, label) - wanted) < CLOSE


def test_penalties():
    """weight * sum |w| and weight * sum w^2, of matrices alone."""
    matrix, bias = drawn(3, 4), drawn(7)
    flat = matrix.flatten().tolist()
    wanted = 0.3 * sum(abs(w) for w in flat) + 0.2 * sum(w * w for w in flat)
    found = penalized((L1(0.3), L2(0.2)), (matrix, bias))
    assert found is not None and abs(found.item() - wanted) < CLOSE
