"""Our layers against the equations of the books, written out as plain loops in float64.

f is the activation, W and U weights, b biases, * convolution, . the product number by number, s the sigmoid.
B batch, C channels, H height, W width, T time, D width, F features.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from modelwright.models import CNN, GRU, LSTM, MLP, RNN, Linear, build
from modelwright.nouns import Classes, Image, Numbers, Port, Series
from modelwright.objectives import CrossEntropy, SquaredError
from modelwright.testing.case import stirred

CLOSE = 1e-10
LABEL = Port("label", Classes(("ant", "bee", "cat")))


def s(x: float) -> float:
    return 1 / (1 + math.exp(-x))


F = {
    "relu": lambda x: max(x, 0.0),
    "gelu": lambda x: x * 0.5 * (1 + math.erf(x / math.sqrt(2))),
    "tanh": math.tanh,
    "sigmoid": s,
}


def exact(family, port):
    """A module in float64 whose weights and biases are all in use."""
    return stirred(build(family, (Port("inputs", port),), (LABEL,), 0)).double().eval()


def drawn(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(3), dtype=torch.float64)


def logits(module, **batch) -> np.ndarray:
    with torch.no_grad():
        return module(batch)["label"].numpy()


def weights(module, *names: str) -> list[list]:
    return [module.state_dict()[name].tolist() for name in names]


# --- the equations --------------------------------------------------------------------------------------------------------


def affine(w, x, b):
    """W x + b: y_i = sum over j of w_ij x_j, plus b_i."""
    return [sum(w_ij * x_j for w_ij, x_j in zip(w_i, x, strict=True)) + b_i for w_i, b_i in zip(w, b, strict=True)]


def plus(*vectors):
    return [sum(numbers) for numbers in zip(*vectors, strict=True)]


def times(one, other):
    return [a * b for a, b in zip(one, other, strict=True)]


def each(f, vector):
    return [f(x) for x in vector]


def convolved(w, picture, b):
    """W * X + b with zeros around: y_(o,i,j) = sum over c, p, q of w_(o,c,p,q) x_(c,i+p-1,j+q-1), plus b_o."""
    height, width = len(picture[0]), len(picture[0][0])

    def x(c, i, j):
        return picture[c][i][j] if 0 <= i < height and 0 <= j < width else 0.0

    window = [(c, p, q) for c in range(len(picture)) for p in range(3) for q in range(3)]

    def y(o, i, j):
        return sum(w[o][c][p][q] * x(c, i + p - 1, j + q - 1) for c, p, q in window) + b[o]

    return [[[y(o, i, j) for j in range(width)] for i in range(height)] for o in range(len(w))]


def pooled(maps):
    """The largest of each 2 x 2; a last odd row or column is left out."""

    def largest(m, i, j):
        return max(m[i][j], m[i][j + 1], m[i + 1][j], m[i + 1][j + 1])

    return [[[largest(m, i, j) for j in range(0, len(m[0]) - 1, 2)] for i in range(0, len(m) - 1, 2)] for m in maps]


def elman(x, state, w, u, b, c):
    """h_t = tanh(W x_t + b + U h_(t-1) + c)."""
    (h,) = state
    return (each(math.tanh, plus(affine(w, x, b), affine(u, h, c))),)


def gru(x, state, w, u, b, c):
    """r, z = s(W x_t + b + U h_(t-1) + c); n = tanh(W x_t + b + r . (U h_(t-1) + c)); h_t = (1 - z) . n + z . h_(t-1)."""
    (h,) = state
    size = len(h)
    (wr, wz, wn), (ur, uz, un) = gates(affine(w, x, b), size), gates(affine(u, h, c), size)
    r, z = each(s, plus(wr, ur)), each(s, plus(wz, uz))
    n = each(math.tanh, plus(wn, times(r, un)))
    return (plus(times(each(lambda a: 1 - a, z), n), times(z, h)),)


def lstm(x, state, w, u, b, c):
    """i, f, o = s(...), g = tanh(...) of W x_t + b + U h_(t-1) + c; c_t = f . c_(t-1) + i . g; h_t = o . tanh(c_t)."""
    h, memory = state
    i, f, g, o = gates(plus(affine(w, x, b), affine(u, h, c)), len(h))
    i, f, g, o = each(s, i), each(s, f), each(math.tanh, g), each(s, o)
    memory = plus(times(f, memory), times(i, g))
    return times(o, each(math.tanh, memory)), memory


def gates(vector, size):
    """A vector of all gates, cut into one for each."""
    return [vector[k : k + size] for k in range(0, len(vector), size)]


# --- feed-forward: y = f(W x + b) -----------------------------------------------------------------------------------------


def test_linear():
    module, x = exact(Linear(), Numbers(5)), drawn(4, 5)
    w, b = weights(module, "heads.ports.label.weight", "heads.ports.label.bias")
    np.testing.assert_allclose(logits(module, inputs=x), [affine(w, row, b) for row in x.tolist()], atol=CLOSE, rtol=0)


@pytest.mark.parametrize("activation", F)
def test_feed_forward(activation):
    module, x = exact(MLP((7, 6), activation), Numbers(5)), drawn(4, 5)
    layers = [weights(module, f"{at}.weight", f"{at}.bias") for at in ("hidden.0", "hidden.2", "heads.ports.label")]

    def y(row):
        for w, b in layers[:-1]:
            row = each(F[activation], affine(w, row, b))
        return affine(layers[-1][0], row, layers[-1][1])

    np.testing.assert_allclose(logits(module, inputs=x), [y(row) for row in x.tolist()], atol=CLOSE, rtol=0)


# --- convolution: y = f(W * X + b) ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("activation", F)
def test_convolution(activation):
    """Two stages on odd sides; scaling is checked here too, with numbers that float32 holds exactly."""
    image = Image(2, 7, 6, (128.0, 96.0), (64.0, 32.0))
    module = exact(CNN(((3,), (2, 4)), (5,), activation), image)
    pixels = torch.randint(0, 256, (3, 2, 7, 6), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    first, second, third = (weights(module, f"stages.{n}.weight", f"stages.{n}.bias") for n in (0, 3, 5))
    hidden, head = (weights(module, f"{at}.weight", f"{at}.bias") for at in ("hidden.0", "heads.ports.label"))

    def layer(maps, weight):
        w, b = weight
        return [[each(F[activation], line) for line in one] for one in convolved(w, maps, b)]

    def y(picture):
        maps = [[[(x - image.mean[c]) / image.spread[c] for x in line] for line in picture[c]] for c in range(2)]
        maps = pooled(layer(maps, first))
        maps = pooled(layer(layer(maps, second), third))
        flat = [x for one in maps for line in one for x in line]  # channel by channel, line by line
        return affine(head[0], each(F[activation], affine(hidden[0], flat, hidden[1])), head[1])

    np.testing.assert_allclose(logits(module, inputs=pixels), [y(one) for one in pixels.tolist()], atol=CLOSE, rtol=0)


# --- recurrence: h_t = f(W x_t + U h_(t-1) + b) ---------------------------------------------------------------------------

CELLS = {RNN: (elman, 1), GRU: (gru, 1), LSTM: (lstm, 2)}


def read(cell, steps, weight, states):
    """h after each step, from a state of zeros."""
    size = len(weight[1][0])
    state, found = tuple([0.0] * size for _ in range(states)), []
    for x in steps:
        state = cell(x, state, *weight)
        found.append(state[0])
    return found


@pytest.mark.parametrize("family", CELLS, ids=lambda family: family.__name__)
@pytest.mark.parametrize("both_ways", [False, True])
def test_recurrence(family, both_ways):
    """Two layers, rows of unequal length: the head sees h at the last real step, and the way back h at the first."""
    module = exact(family(width=4, depth=2, both_ways=both_ways), Series(3, 6))
    steps, lengths = drawn(4, 6, 3), [6, 1, 4, 3]
    mask = torch.arange(6) < torch.tensor(lengths).unsqueeze(1)
    cell, states = CELLS[family]
    parts = ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0")
    ways = ("there", "back") if both_ways else ("there",)
    layers = [[weights(module, *(f"layers.{n}.{way}.{part}" for part in parts)) for way in ways] for n in (0, 1)]
    w, b = weights(module, "heads.ports.label.weight", "heads.ports.label.bias")

    def y(row):
        for layer in layers:
            there = read(cell, row, layer[0], states)
            back = read(cell, row[::-1], layer[1], states)[::-1] if both_ways else [[] for _ in row]
            row = [one + other for one, other in zip(there, back, strict=True)]
        return affine(w, row[-1][:4] + row[0][4:], b)

    wanted = [y(row[:length]) for row, length in zip(steps.tolist(), lengths)]
    np.testing.assert_allclose(logits(module, inputs=steps, mask=mask), wanted, atol=CLOSE, rtol=0)


def test_the_mean_of_the_real_steps():
    module = exact(Linear(), Series(3, 6))
    steps, lengths = drawn(3, 6, 3), [6, 1, 4]
    mask = torch.arange(6) < torch.tensor(lengths).unsqueeze(1)
    w, b = weights(module, "heads.ports.label.weight", "heads.ports.label.bias")
    means = [[sum(x) / length for x in zip(*row[:length])] for row, length in zip(steps.tolist(), lengths)]
    np.testing.assert_allclose(logits(module, inputs=steps, mask=mask), [affine(w, x, b) for x in means], atol=CLOSE, rtol=0)


def test_the_loops_would_see_a_wrong_gate():
    """The equations are no mirror: with two gates of the LSTM exchanged they part from the layer."""
    module, steps = exact(LSTM(width=4), Series(3, 6)), drawn(1, 6, 3)
    parts = ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0")
    right = weights(module, *(f"layers.0.there.{part}" for part in parts))
    wrong = [weight[4:8] + weight[:4] + weight[8:] for weight in right]
    w, b = weights(module, "heads.ports.label.weight", "heads.ports.label.bias")
    found = logits(module, inputs=steps, mask=torch.ones(1, 6, dtype=torch.bool))[0]
    apart = [np.abs(found - affine(w, read(lstm, steps[0].tolist(), weight, 2)[-1], b)).max() for weight in (right, wrong)]
    assert apart[0] < CLOSE < 1e-3 < apart[1]


# --- what is made small ---------------------------------------------------------------------------------------------------


def loss(objective, port, outputs, label) -> float:
    batch = {"label": label}
    aim = objective.ready((port,))
    return (aim({"model": lambda batch: {"label": outputs}}, batch)["label"] / aim.counts(batch)["label"]).item()


def softmax(z):
    """p_k = e^(z_k) / sum over j of e^(z_j)."""
    whole = sum(math.exp(one) for one in z)
    return [math.exp(one) / whole for one in z]


def test_softmax_and_cross_entropy():
    """-1/N sum over n of log p_(n, label n)."""
    z, label = drawn(6, 3), [0, 2, 1, 1, 0, 2]
    wanted = -sum(math.log(softmax(row)[k]) for row, k in zip(z.tolist(), label)) / 6
    assert loss(CrossEntropy(), LABEL, z, torch.tensor(label)) == pytest.approx(wanted, abs=CLOSE)


def test_smoothed_cross_entropy():
    """-1/N sum over n and k of q_k log p_(n, k), q = (1 - e) at the label, and e / C everywhere beside."""
    z, label, e = drawn(6, 3), [0, 2, 1, 1, 0, 2], 0.15
    wanted = 0.0
    for row, right in zip(z.tolist(), label):
        wanted -= sum(((1 - e) * (k == right) + e / 3) * math.log(p) for k, p in enumerate(softmax(row))) / 6
    assert loss(CrossEntropy(e), LABEL, z, torch.tensor(label)) == pytest.approx(wanted, abs=CLOSE)


def test_binary_cross_entropy():
    """-1/N sum of y log s(z) + (1 - y) log(1 - s(z))."""
    z, label = drawn(6, 1), [0, 1, 1, 0, 0, 1]
    wanted = -sum(y * math.log(s(one)) + (1 - y) * math.log(1 - s(one)) for (one,), y in zip(z.tolist(), label)) / 6
    port = Port("label", Classes(("no", "yes"), sigmoid=True))
    assert loss(CrossEntropy(), port, z, torch.tensor(label)) == pytest.approx(wanted, abs=CLOSE)


def test_mean_squared_error_is_a_mean():
    """1/N sum of (found - wanted)^2, and neither 1/2 sum nor 1/(2N) sum."""
    found, wanted = drawn(6, 1), drawn(6, 2)[:, 1:]
    squares = [(a - b) ** 2 for (a,), (b,) in zip(found.tolist(), wanted.tolist())]
    value = loss(SquaredError(), Port("label", Numbers(1)), found, wanted)
    assert value == pytest.approx(sum(squares) / 6, abs=CLOSE)
    assert abs(value - sum(squares) / 2) > 0.1 and abs(value - sum(squares) / 12) > 0.1
