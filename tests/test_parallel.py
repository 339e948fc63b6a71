"""Two processes with one micro-batch each are one process with two: the same losses, norms and weights, bit for bit.

Here they are threads that take turns, so that each way of getting it wrong can be planted; test_processes has real ones.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
import torch

from modelwright import training
from modelwright.data.feed import Feed
from modelwright.models import CNN, GRU, LSTM, MLP, build
from modelwright.nouns import Batch, Classes, Image, Numbers, Port, Together, Tokens, Tuning
from modelwright.objectives import L2, CrossEntropy
from modelwright.parallel import ALONE
from modelwright.training import descent
from modelwright.training.descent import Descent
from turns import Seat, together

Told = dict[str, torch.Tensor]
IMAGE = Port("inputs", Image(1, 8, 8, (0.5,), (0.3,)))
WRITES = (Port("label", Classes(("a", "b", "c"))),)


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def table(rows: int) -> Batch:
    """Rows of numbers, each with a weight of its own."""
    dice = torch.Generator().manual_seed(3)
    inputs = torch.randn(rows, 7, generator=dice)
    label = (inputs[:, 0] * 2).long().clamp(0, 2)
    return {"inputs": inputs, "label": label, "weight": torch.rand(rows, generator=dice) * 3, "row": torch.arange(rows)}


def texts(rows: int) -> Batch:
    """Rows of 1 to 9 tokens of an alphabet of 11."""
    dice = torch.Generator().manual_seed(4)
    length = torch.randint(1, 10, (rows,), generator=dice)
    mask = torch.arange(9) < length[:, None]
    inputs = torch.randint(1, 11, (rows, 9), generator=dice) * mask
    return {"inputs": inputs, "mask": mask, "label": inputs[:, 0] % 3, "row": torch.arange(rows)}


def pictures(rows: int) -> Batch:
    dice = torch.Generator().manual_seed(5)
    inputs = torch.randint(0, 256, (rows, 1, 8, 8), generator=dice, dtype=torch.uint8)
    return {"inputs": inputs, "label": inputs[:, 0, 0, 0].long() % 3, "row": torch.arange(rows)}


@dataclass(frozen=True)
class Case:
    """A training of which every part that could go wrong is in use."""

    family: MLP | CNN | LSTM | GRU
    reads: Port
    rows: Batch
    batch: int
    accumulate: int = 1
    epochs: int = 3
    clip: float = 0.5
    tuning: Tuning = field(default_factory=Tuning)


CASES = {
    # 33 rows are parts of 16 and 17; the last batch has 150 - 4 * 33 = 18
    "weighted rows": Case(MLP((24,), dropout=0.3), Port("inputs", Numbers(7)), table(150), 33),
    "texts": Case(LSTM(8, 12, dropout=0.2), Port("inputs", Tokens(11, 9)), texts(70), 13),
    "texts both ways": Case(GRU(8, 12, depth=2, both_ways=True), Port("inputs", Tokens(11, 9)), texts(41), 8),
    "pictures": Case(CNN(((4,), (8,)), head=(8,), dropout=0.2), IMAGE, pictures(50), 12),
    "channels last": Case(CNN(((4,), (8,)), head=(8,)), IMAGE, pictures(50), 12, tuning=Tuning(channels_last=True)),
    "a last batch of one row": Case(MLP((8,), dropout=0.3), Port("inputs", Numbers(7)), table(41), 10),
    "a last text alone": Case(LSTM(8, 12), Port("inputs", Tokens(11, 9)), texts(21), 10),
}


def trained(case: Case, seat: Together = ALONE, micros: int = 2, spoil: Callable[[Batch], Batch] = dict) -> Told:
    """Losses, norms, skipped and the final weights, of a training cut into so many micro-batches."""
    feed = Feed(spoil(case.rows), case.batch, 7, micros)
    module = build(case.family, (case.reads,), WRITES, 7)
    update = Descent(training.Adam(0.02), CrossEntropy().ready(WRITES), (L2(0.01),), case.clip, 7, seat)
    run = training.start(module, update, case.tuning)
    steps = list(training.steps(run, feed, update, training.Training(case.epochs, batch=case.batch)))
    told = {name: torch.stack([getattr(step, name).clone() for step in steps]) for name in ("loss", "norm", "skipped")}
    return {**told, **{name: weight.detach() for name, weight in module.named_parameters()}}


def same(one: Told, other: Told) -> bool:
    """Bit for bit; NaN is NaN."""
    return all(torch.equal(bits(one[name]), bits(other[name])) for name in one)


def bits(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.contiguous().view(torch.int32)


@pytest.mark.parametrize("name", CASES)
def test_two_processes_are_one_with_two_micro_batches(name):
    alone = trained(CASES[name])
    assert alone["loss"].isfinite().all() and not alone["skipped"].any()
    for found in together(2, lambda seat: trained(CASES[name], seat)):
        assert same(alone, found)


@pytest.mark.parametrize(("size", "micros"), [(2, 4), (3, 3), (4, 8)])
def test_more_of_them_differ_only_in_the_order_of_a_sum(size, micros):
    case = CASES["weighted rows"]
    alone = trained(case, micros=micros)
    first, *others = together(size, lambda seat: trained(case, seat, micros))
    assert all(same(first, other) for other in others)
    for name, found in first.items():
        torch.testing.assert_close(found, alone[name], rtol=2e-4, atol=2e-5)
    torch.testing.assert_close(first["loss"][:3], alone["loss"][:3], rtol=1e-6, atol=0.0)


def test_what_agreeing_takes_is_measured_by_all_and_told_by_the_first():
    module = build(MLP((8,)), (Port("inputs", Numbers(7)),), WRITES, 7)
    assert training.agreeing(module, ALONE) == 0.0
    first, second = together(2, lambda seat: training.agreeing(module, seat))
    assert first == second > 0


def broken(batch: Batch) -> Batch:
    """The same rows, one of them no number."""
    inputs = batch["inputs"].clone()
    inputs[17, 2] = torch.nan
    return {**batch, "inputs": inputs}


def test_what_is_not_finite_in_one_process_is_skipped_in_all_at_the_same_step():
    case = CASES["weighted rows"]
    alone = trained(case, spoil=broken)
    assert alone["skipped"].sum() == case.epochs, "each epoch meets the row once"
    assert all(weight.isfinite().all() for name, weight in alone.items() if "." in name)
    for found in together(2, lambda seat: trained(case, seat, spoil=broken)):
        assert same(alone, found)


# --- ways to get it wrong, planted: each must be found ------------------------------------------------------------------------


@dataclass(frozen=True)
class Wrong:
    """A Together that is wrong in one way."""

    seat: Seat
    way: str

    @property
    def rank(self) -> int:
        return 0 if self.way == "a penalty and the same dropout in each" else self.seat.rank

    @property
    def size(self) -> int:
        return self.seat.size

    def mine(self, micros: int) -> range:
        return range(1) if self.way == "the same rows in each" else self.seat.mine(micros)

    def told(self, make):
        return self.seat.told(make)

    def total(self, tensors):
        if len(tensors) == 1:  # the counts
            return [2 * tensors[0]] if self.way == "a mean of means" else self.seat.total(tensors)
        if self.way == "each its own gradient":
            return list(tensors)
        if self.way == "clipped before the sum":
            norm = torch.stack([tensor.norm() for tensor in tensors[1:]]).norm()
            tensors = [tensors[0], *[tensor / (norm / 0.5).clamp_min(1.0) for tensor in tensors[1:]]]
        if self.way == "skipped by one alone" and not all(tensor.isfinite().all() for tensor in tensors):
            tensors = [torch.zeros_like(tensor) for tensor in tensors]
        found = self.seat.total(tensors)
        return [tensor / self.size for tensor in found] if self.way == "the mean of gradients" else found


WAYS = [
    "a mean of means",
    "a penalty and the same dropout in each",
    "the same rows in each",
    "each its own gradient",
    "the mean of gradients",
    "clipped before the sum",
    "skipped by one alone",
]


@pytest.mark.parametrize("way", WAYS)
def test_a_planted_fault_of_the_sums_is_found(way):
    case, spoil = CASES["weighted rows"], broken if way == "skipped by one alone" else dict
    alone = trained(case, spoil=spoil)
    assert not any(same(alone, found) for found in together(2, lambda seat: trained(case, Wrong(seat, way), spoil=spoil)))


@pytest.mark.parametrize("fault", ["penalty", "chance"])
def test_a_planted_fault_of_the_update_is_found(fault, monkeypatch):
    """A penalty that enters once in each process; chance that is drawn from the process's number and the micro-batch's both."""
    part, number = Descent._part, descent.chance
    alone = trained(CASES["weighted rows"])

    def penalised(self, run, batch, counts, micro):
        loss, slopes = part(self, run, batch, counts, micro)
        weights = list(self._weights.values()) if micro else []
        return loss, [slope + 0.02 * weight.detach() * (weight.ndim > 1) for slope, weight in zip(slopes, weights)] or slopes

    if fault == "penalty":
        monkeypatch.setattr(Descent, "_part", penalised)
    else:
        monkeypatch.setattr(descent, "chance", lambda seed, *where: number(seed + where[-1], *where))
    assert not any(same(alone, found) for found in together(2, lambda seat: trained(CASES["weighted rows"], seat)))
