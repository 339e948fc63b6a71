"""Edits keep their promises, what is taken is proved, and an artifact carries what was done to it."""

import copy
import json

import numpy as np
import polars as pl
import pytest
import torch
from torch import nn

from modelwright import compression, models
from modelwright.compression import Cut, Edit, Kept, Rounded, eight_bits, pruning, rounding, surgery
from modelwright.compression.surgery import converted, places, ranges
from modelwright.evaluation.comparing import changed, compare, lowest, rows_needed
from modelwright.nouns import Answers, Classes, Numbers, Port, Refused
from modelwright.reader import read, write
from modelwright.testing.case import Case
from modelwright.testing.samples import READ

NUMBERS, CELLS, IMAGE, TOKENS, SERIES = READ
CASES = [
    Case(models.MLP((12, 7)), NUMBERS),
    Case(models.MLP((9,), activation="sigmoid"), IMAGE),
    Case(models.MLP((6,), embedding=5), TOKENS),
    Case(models.CNN(((4, 6), (5,)), (8,)), IMAGE),
    Case(models.LSTM(embedding=6, width=8, depth=2), TOKENS),
    Case(models.GRU(width=7, both_ways=True), SERIES),
    Case(models.RNN(embedding=5, width=6, depth=2, both_ways=True, dropout=0.3), TOKENS),
    Case(models.Linear(embedding=6), TOKENS),
    Case(models.MLP((8, 6)), CELLS),
]
NAMED = [f"{type(case.family).__name__}-{type(case.port).__name__}" for case in CASES]


def kept(case: Case, keep: float = 0.5) -> Kept:
    module = copy.deepcopy(case.module)
    return pruning.fit(module, [case.batch], keep, pruning.plan(module, case.batch))


def shaped_on_meta(case: Case, *edits: Edit) -> nn.Module:
    with torch.device("meta"):
        return compression.shaped(case.fresh(3), edits).eval()


def same(one: dict, other: dict) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize("case", CASES, ids=NAMED)
def test_an_edit_shapes_without_memory_and_converts_weight_by_weight(case):
    for edits in ((kept(case),), (rounding.fit(case.module)[0],), (kept(case), rounding.fit(case.module)[0])):
        live = copy.deepcopy(case.module)
        for edit in edits:
            live = edit.shape(live)
        empty = shaped_on_meta(case, *edits)
        assert all(weight.device.type == "meta" for weight in empty.parameters())
        empty.load_state_dict(converted(edits, case.module.state_dict()), assign=True)
        assert same(dict(empty.state_dict()), dict(live.state_dict()))
        assert torch.equal(case.answers(empty, case.batch), case.answers(live, case.batch))


@pytest.mark.parametrize("case", CASES, ids=NAMED)
def test_a_pruned_model_answers_as_the_original_with_those_units_silenced(case):
    whole, edit = copy.deepcopy(case.module).double(), kept(case)
    silent, cut = copy.deepcopy(whole), edit.shape(copy.deepcopy(whole))
    layers = dict(silent.named_modules())
    with torch.no_grad():
        for one in edit.cuts:
            layer = layers[one.layer]
            if one.inputs is not None:
                for name, weight in layer.named_parameters(recurse=False):
                    if weight.ndim > 1 and not name.startswith("weight_hh"):
                        weight[:, gone(weight.shape[1], one.inputs)] = 0
            if one.role == "recurrent" and one.units is not None:
                layer.weight_hh_l0[:, gone(one.width, one.units)] = 0
    batch = {name: tensor.double() if tensor.is_floating_point() else tensor for name, tensor in case.batch.items()}
    found, wanted = case.answers(cut, batch), case.answers(silent, batch)
    assert (found - wanted).abs().max() <= 1e-10
    assert (wanted - case.answers(whole, batch)).abs().max() > 1e-6  # the units did carry something
    assert sum(w.numel() for w in cut.parameters()) < 0.7 * sum(w.numel() for w in whole.parameters())


def gone(width: int, kept_ranges) -> list[int]:
    return sorted(set(range(width)) - set(places(kept_ranges).tolist()))


@pytest.mark.parametrize("case", CASES, ids=NAMED)
def test_the_right_layers_are_found_whatever_they_are_called(case):
    plan = pruning.plan(copy.deepcopy(case.module), case.batch)
    layers = {name for name, part in case.module.named_modules() if surgery.role(part) and not name.startswith("heads")}
    assert {one.layer for one in plan.prunable} == layers and not plan.skipped


def test_a_cut_convolution_takes_its_columns_out_of_the_dense_layer_behind_the_pooling():
    case = CASES[3]
    by_layer = {cut.layer: cut for cut in kept(case).cuts}
    dense = next(cut for name, cut in by_layer.items() if name.startswith("hidden"))
    last = next(cut for cut in by_layer.values() if cut.role == "conv" and cut.width == 5)
    area = case.module.hidden[0].in_features // 5
    assert places(dense.inputs).tolist() == [unit * area + at for unit in places(last.units).tolist() for at in range(area)]


def test_the_units_that_carry_most_stay():
    module = models.build(models.MLP((6,)), (Port("inputs", Numbers(3)),), (Port("y", Numbers(1)),), 0)
    with torch.no_grad():
        module.hidden[0].weight.fill_(1.0)
        module.hidden[0].bias.copy_(torch.tensor([0.0, 0.0, 0.0, 0.0, 0.0, -1e9]))  # the last never speaks
        module.heads.ports["y"].weight.copy_(torch.tensor([[0.1, 5.0, 0.2, 4.0, 0.3, 9.0]]))
    batch = {"inputs": torch.ones(4, 3), "row": torch.arange(4)}
    edit = pruning.fit(module, [batch], 0.5, pruning.plan(module, batch))
    assert next(cut.units for cut in edit.cuts if cut.layer == "hidden.0") == ((1, 2), (3, 5))


class Joined(nn.Module):
    """A residual sum: neither side can be cut alone. And a layer whose units leave as answers."""

    def __init__(self):
        super().__init__()
        self.a, self.b, self.free, self.head = nn.Linear(3, 4), nn.Linear(3, 4), nn.Linear(4, 5), nn.Linear(5, 2)
        self.norm = nn.LayerNorm(5)

    def forward(self, batch):
        x = self.a(batch["inputs"]) + self.b(batch["inputs"])
        return {"y": self.head(self.norm(self.free(x)))}


def test_units_that_are_joined_or_mixed_are_left_alone_with_the_reason():
    batch = {"inputs": torch.ones(2, 3)}
    module = Joined()
    with pytest.raises(Refused, match="nothing to prune"):
        pruning.plan(module, batch)
    module.norm = nn.Identity()
    plan = pruning.plan(module, batch)
    assert [one.layer for one in plan.prunable] == ["free"] and set(plan.skipped) == {"a", "b"}
    assert "joined" in plan.skipped["a"]


def test_a_linear_model_has_nothing_to_prune():
    case = Case(models.Linear(), NUMBERS)
    with pytest.raises(Refused, match="nothing to prune"):
        pruning.plan(case.module, case.batch)


def test_eight_bits_are_at_most_half_a_scale_off_as_torch_rounds():
    chance = torch.Generator().manual_seed(0)
    for shape in ((7, 5), (4, 3, 3, 3), (2, 1)):
        weight = torch.randn(shape, generator=chance) * torch.logspace(-6, 3, shape[0]).reshape(-1, *[1] * (len(shape) - 1))
        weight[0] = 0
        stored = eight_bits.rounded("w", weight)
        whole, scale = stored["w_int8"], stored["w_scale"]
        assert whole.dtype == torch.int8 and scale.shape == (shape[0],) and int(whole.abs().max()) <= 127
        back = eight_bits.unfolded(whole, scale)
        half = scale.reshape(-1, *[1] * (len(shape) - 1)) / 2
        assert ((back - weight).abs() <= half * (1 + 1e-5)).all() and not back[0].any()
        zeros = torch.zeros(shape[0], dtype=torch.int32)
        assert torch.equal(back, torch.fake_quantize_per_channel_affine(weight, scale, zeros, 0, -127, 127))


@pytest.mark.parametrize("case", CASES, ids=NAMED)
def test_eight_bits_take_a_quarter_and_answer_nearly_alike(case):
    edit, skipped = rounding.fit(case.module)
    small = edit.shape(copy.deepcopy(case.module))
    assert not skipped and set(edit.weights) == {name for name, w in case.module.named_parameters() if w.ndim > 1}
    was, now = case.answers(case.module, case.batch), case.answers(small, case.batch)
    assert 0 < (was - now).abs().max() < 0.1 * (1 + was.abs().max())
    alone = torch.cat([case.answers(small, {n: t[r : r + 1] for n, t in case.batch.items()}) for r in range(len(was))])
    assert (alone - now).abs().max() <= 1e-6 + 2e-6 * now.abs().max()  # no scale is a batch's


def test_edits_are_plain():
    for edit in (Kept((Cut("a.b", "conv", 4, ((0, 2), (3, 4)), None),)), Rounded(("a.weight",))):
        assert read(Edit, json.loads(json.dumps(write(edit))), "edits") == edit
    assert ranges([5, 0, 1, 7, 6]) == ((0, 2), (5, 8)) and places(((0, 2), (5, 8))).tolist() == [0, 1, 5, 6, 7]


# --- planted bugs --------------------------------------------------------------------------------------------------------


def test_planted_bugs_are_seen(monkeypatch):
    """Each is a mistake that was easy to make; the tests above must fail with it."""
    right = surgery.sliced

    def without_gates(tensor, weight, cut):
        """Gates forgotten: the first rows alone are cut."""
        if cut.role == "recurrent" and cut.units is not None:
            keep = places(cut.units)
            gates = weight.shape[0] // cut.width
            weight = torch.cat([weight[keep]] * gates)
            columns = cut.units if tensor.startswith("weight_hh") else cut.inputs
            return weight if columns is None or weight.ndim < 2 else weight[:, places(columns)]
        return right(tensor, weight, cut)

    monkeypatch.setattr(surgery, "sliced", without_gates)
    with pytest.raises(AssertionError):
        test_a_pruned_model_answers_as_the_original_with_those_units_silenced(CASES[4])
    monkeypatch.undo()
    monkeypatch.setattr(torch.Tensor, "round", torch.Tensor.floor)
    with pytest.raises(AssertionError):
        test_eight_bits_are_at_most_half_a_scale_off_as_torch_rounds()
    monkeypatch.undo()
    monkeypatch.setattr(pruning, "_meets", lambda reader: torch.ones(reader.in_features))
    with pytest.raises(AssertionError):
        test_the_units_that_carry_most_stay()


# --- comparing -----------------------------------------------------------------------------------------------------------


def numbers(label, answer) -> Answers:
    rows = np.arange(len(label))
    frame = pl.DataFrame({"row": rows, "label": label, "answer": answer, "fault": [None] * len(rows)})
    return Answers(frame.cast({"label": pl.Float64, "answer": pl.Float64, "fault": pl.String}), Port("y", Numbers(1)))


def test_numbers_are_compared_row_by_row():
    chance = np.random.default_rng(0)
    label = chance.normal(size=400) * 10
    noise = chance.normal(size=400)
    was, now = numbers(label, label + noise), numbers(label, label + 1.1 * noise)
    found = compare(was, now)
    assert found.name == "mae_difference" and found.value == pytest.approx(-0.1 * np.abs(noise).mean())
    assert found.low < found.value < found.high < 0  # pairs tell what two separate intervals never could
    back = compare(now, was)
    assert back.low == pytest.approx(-found.high, rel=0.05) and back.value == pytest.approx(-found.value)
    alike = compare(was, was)
    assert alike.low < 0 == alike.value < alike.high


def test_the_bound_covers_what_it_promises():
    """Of many small tests of a pair of models whose true loss is known, no more than one in twenty bounds it too low."""
    chance = np.random.default_rng(1)
    wrong = 0
    for _ in range(2000):
        lost, gained, _ = chance.multinomial(300, [0.03, 0.02, 0.95])
        wrong += -lowest(lost, gained, 300) < 0.01
    assert wrong / 2000 <= 0.05


def test_how_many_rows_a_promise_needs():
    needed = rows_needed(0.02)
    assert needed == 149 and lowest(0, 0, 149) >= -0.02 > lowest(0, 0, 148)
    assert rows_needed(0.01, 0.02, 0.005) is None
    more = rows_needed(0.01, 0.02, 0.015)
    assert more is not None and 5_000 < more < 50_000


def test_changed_counts_rightness_both_ways():
    port = Port("y", Classes(("a", "b")))

    def said(answers):
        frame = pl.DataFrame({"row": range(4), "label": list("aabb"), "answer": answers, "fault": [None] * 4})
        return Answers(frame.cast({"row": pl.Int64, "fault": pl.String}), port)

    assert changed(said(list("abba")), said(list("aaab"))) == (1, 2, 4)
