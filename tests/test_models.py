"""Families: each keeps every promise of the conformance suite, and the suite finds each bug that is planted."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import ClassVar

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F  # noqa: N812

from modelwright.machine import tuned
from modelwright.models import CNN, GRU, LSTM, MLP, RNN, Family, Linear, build, facts
from modelwright.models.networks.inputs import FlatCells
from modelwright.nouns import Cells, Classes, Image, Numbers, Port, Refused, Series, Tokens, Tuning
from modelwright.reader import kinds
from modelwright.testing import conforms
from modelwright.testing.samples import sample

NUMBERS = Port("inputs", Numbers(5))
TOKENS = Port("inputs", Tokens(13, 9))
SERIES = Port("inputs", Series(4, 9))
IMAGE = Port("inputs", Image(3, 32, 32, (120.0, 110.0, 100.0), (60.0, 55.0, 65.0)))
LABEL = Port("label", Classes(("ant", "bee", "cat")))


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    """Tensors are tiny here, and threads that wait for one another are slow."""
    with tuned(Tuning(threads=1)):
        yield


# --- every family, as it comes and with every dial turned -----------------------------------------------------------------


TURNED = [
    Linear(embedding=7),
    MLP((9, 7, 5), "gelu", 0.4, 6),
    MLP((), "sigmoid"),
    MLP((16,), "tanh"),
    CNN(((4,), (6, 8)), (), "tanh", 0.3),
    CNN((), (12,), "sigmoid"),
    RNN(5, 6, 2, True, 0.3),
    GRU(5, 6, 3, True, 0.3),
    LSTM(5, 6, 2, True, 0.3),
]


@pytest.mark.parametrize("family", kinds(Family), ids=lambda family: family.__name__)
def test_a_family_keeps_every_promise(family):
    conforms(family)


@pytest.mark.parametrize("family", TURNED, ids=lambda family: type(family).__name__)
def test_with_every_dial_turned(family):
    conforms(family)


# --- planted bugs: the suite must see each --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Planted:
    """A family of the house's own making, correct: each bug below is one line away from it."""

    room: ClassVar[str] = "model"
    accepts: ClassVar[tuple[type, ...]] = (Tokens,)

    def build(self, reads, writes):
        if len(reads) != 1:
            raise Refused("one port")
        return self.net(reads[0].kind.alphabet, writes[0].kind)

    def net(self, alphabet, kind):
        return Net(alphabet, kind.units if isinstance(kind, Classes) else kind.count)


class Net(nn.Module):
    def __init__(self, alphabet, units):
        super().__init__()
        self.table, self.head = nn.Embedding(alphabet, 6, padding_idx=0), nn.Linear(6, units)

    def forward(self, batch):
        return {"label": self.head(self.mean(batch)).float()}

    def mean(self, batch):
        mask = batch["mask"].unsqueeze(-1)
        return (self.table(batch["inputs"]) * mask).sum(1) / mask.sum(1).clamp_min(1)


def planted(net):
    """The family whose net this class is."""

    @dataclass(frozen=True)
    class Bug(Planted):
        def net(self, alphabet, kind):
            return net(alphabet, kind.units if isinstance(kind, Classes) else kind.count)

    return Bug


class ReadsPadding(Net):
    def mean(self, batch):
        return self.table(batch["inputs"]).mean(1)


class LooksAround(Net):
    def mean(self, batch):
        found = super().mean(batch)
        return found - found.mean(0)


class DeadWeight(Net):
    def __init__(self, alphabet, units):
        super().__init__(alphabet, units)
        self.unused = nn.Linear(3, 3)


class NoSeed(Net):
    def __init__(self, alphabet, units):
        torch.manual_seed(1)
        super().__init__(alphabet, units)


class ReadsLabel(Net):
    def mean(self, batch):
        known = batch["label"].float().reshape(len(batch["label"]), -1)[:, :1] if "label" in batch else 0
        return super().mean(batch) + known


class Forgets(Net):
    def __init__(self, alphabet, units):
        super().__init__(alphabet, units)
        self.scale = torch.rand(6) + 1

    def mean(self, batch):
        return super().mean(batch) * self.scale


class NeverStill(Net):
    def mean(self, batch):
        return F.dropout(super().mean(batch), 0.5, training=True)


class OwnChance(Net):
    def mean(self, batch):
        found = super().mean(batch)
        return found * random.random() if self.training else found


class Branches(Net):
    def mean(self, batch):
        found = super().mean(batch)
        return found if found.sum() > 0 else found * 1


class Narrow(Net):
    def forward(self, batch):
        return {"label": self.head(self.mean(batch))}


class OtherName(Net):
    def forward(self, batch):
        return {"output": super().forward(batch)["label"]}


class NotANumber(Net):
    def mean(self, batch):
        mask = batch["mask"].unsqueeze(-1)
        return (self.table(batch["inputs"]) * mask).sum(1) / mask.sum(1)


BUGS = {
    ReadsPadding: "read the mask",
    LooksAround: "rows around a row",
    DeadWeight: "unused.weight gets no gradient",
    NoSeed: "the seed is not used",
    ReadsLabel: "reads what it must foretell",
    Forgets: "not in its state_dict",
    NeverStill: "answers two things",
    OwnChance: "no run could be resumed",
    Branches: "torch.export cannot follow",
    Narrow: "under bfloat16 autocast",
    OtherName: "it writes ['output']",
    NotANumber: "not finite",
}


def test_the_planted_family_is_right_before_a_bug_is_planted():
    conforms(Planted)


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.__name__)
def test_the_suite_finds_a_planted_bug(bug):
    with pytest.raises(AssertionError) as found:
        conforms(planted(bug))
    assert BUGS[bug] in str(found.value)


def test_a_family_that_breaks_off_is_told_with_what_it_raised():
    class Breaks(Net):
        def forward(self, batch):
            raise KeyError("image")

    with pytest.raises(AssertionError, match="bug reading Tokens: answers broke off with KeyError: 'image'"):
        conforms(planted(Breaks))


def test_a_port_that_raises_instead_of_refusing_is_told():
    @dataclass(frozen=True)
    class Rude(Planted):
        def build(self, reads, writes):
            (port,) = reads
            return self.net(port.kind.alphabet, writes[0].kind)

    with pytest.raises(AssertionError, match="raise Refused"):
        conforms(Rude)


def test_neither_family_nor_objective():
    with pytest.raises(AssertionError, match="neither a family"):
        conforms(3)


# --- building -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("device", ["cpu", "meta"])
def test_building_leaves_chance_as_it_was(device):
    torch.manual_seed(5)
    before = torch.get_rng_state()
    with torch.device(device):
        build(LSTM(), (TOKENS,), (LABEL,), 0)
    assert torch.equal(before, torch.get_rng_state())


def test_weights_do_not_depend_on_what_was_drawn_before():
    torch.manual_seed(1)
    one = build(MLP(), (NUMBERS,), (LABEL,), 3).state_dict()
    torch.rand(7)
    other = build(MLP(), (NUMBERS,), (LABEL,), 3).state_dict()
    assert all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize(
    ("family", "port", "told"),
    [
        (CNN(), TOKENS, "model cnn cannot read Tokens, which the codec makes; it reads Image, Series."),
        (LSTM(), NUMBERS, "model lstm cannot read Numbers, which the codec makes; it reads Tokens, Series."),
    ],
)
def test_a_port_it_cannot_read_is_refused(family, port, told):
    with pytest.raises(Refused) as refusal:
        build(family, (port,), (LABEL,), 0)
    assert refusal.value.sentences == (told,)


def test_a_picture_too_small_for_its_stages_is_refused():
    small = Port("inputs", Image(1, 28, 7, (0.0,), (1.0,)))
    assert build(CNN(((4,), (4,))), (small,), (LABEL,), 0)
    with pytest.raises(Refused) as refusal:
        build(CNN(((4,), (4,), (4,))), (small,), (LABEL,), 0)
    assert refusal.value.sentences == (
        "Pictures of 28 x 7 are too small for 3 stages, each halves them.",
        "Give fewer model.stages, or pictures of 8 x 8 at least.",
    )


def test_two_ports_are_read_side_by_side_or_refused():
    ports = (NUMBERS, Port("picture", IMAGE.kind))
    batch = {**sample(NUMBERS.kind, LABEL), "picture": sample(IMAGE.kind, LABEL)["inputs"]}
    assert build(MLP(), ports, (LABEL,), 0)(batch)["label"].shape == (8, 3)
    with pytest.raises(Refused, match="model cnn reads one port, but the codec makes 2: inputs, more"):
        build(CNN(), (IMAGE, Port("more", IMAGE.kind)), (LABEL,), 0)


def test_one_head_for_each_port_that_is_written():
    writes = (LABEL, Port("price", Numbers(2)), Port("sure", Classes(("no", "yes"), sigmoid=True)))
    found = build(MLP(), (NUMBERS,), writes, 0)(sample(NUMBERS.kind, LABEL))
    assert {name: tuple(output.shape) for name, output in found.items()} == {"label": (8, 3), "price": (8, 2), "sure": (8, 1)}


# --- how weights begin ----------------------------------------------------------------------------------------------------


def test_he_before_relu_and_glorot_before_sigmoid():
    wide = Port("inputs", Numbers(400))
    he, glorot = (6 / 400) ** 0.5, (6 / (400 + 300)) ** 0.5
    for activation, bound in {"relu": he, "gelu": he, "tanh": glorot, "sigmoid": glorot}.items():
        hidden = build(MLP((300,), activation), (wide,), (LABEL,), 0).hidden[0]
        assert 0.99 * bound < hidden.weight.abs().max() <= bound
        assert hidden.weight.std().item() == pytest.approx(bound / 3**0.5, rel=0.01)
        assert not hidden.bias.any()


def test_memory_begins_orthogonal_and_the_forget_gate_open():
    module = build(LSTM(width=16), (TOKENS,), (LABEL,), 0)
    cell = module.layers[0].there
    for gate in cell.weight_hh_l0.chunk(4):
        torch.testing.assert_close(gate @ gate.T, torch.eye(16), atol=1e-5, rtol=0)
    forget = (cell.bias_ih_l0 + cell.bias_hh_l0).chunk(4)[1]
    assert torch.equal(forget, torch.ones(16))
    assert (cell.bias_ih_l0 + cell.bias_hh_l0).sum() == 16


def test_the_signal_keeps_its_size_through_many_layers():
    deep = build(MLP((256,) * 20, "relu"), (Port("inputs", Numbers(256)),), (LABEL,), 0)
    x = torch.randn(512, 256, generator=torch.Generator().manual_seed(0))
    assert 0.2 < deep.hidden(x).square().mean() < 5


# --- reading --------------------------------------------------------------------------------------------------------------


def test_pictures_are_scaled_with_the_numbers_of_their_port():
    module = build(Linear(), (IMAGE,), (LABEL,), 0)
    pixels = sample(IMAGE.kind, LABEL)["inputs"]
    port = IMAGE.kind
    scaled = torch.stack([(pixels[:, c].double() - port.mean[c]) / port.spread[c] for c in range(3)], dim=1)
    torch.testing.assert_close(module.inputs.doors[0].scaled(pixels).double(), scaled, atol=1e-5, rtol=0)


@given(lengths=st.lists(st.integers(0, 7), min_size=1, max_size=6), more=st.integers(0, 5), word=st.integers(1, 12))
@settings(max_examples=25, deadline=None)
@pytest.mark.parametrize("family", [MLP((6,)), LSTM(5, 6, 2, True), GRU(5, 6)], ids=lambda family: type(family).__name__)
def test_padding_of_any_length_and_content_is_never_seen(family, lengths, more, word):
    steps = max(*lengths, 1)
    mask = torch.arange(steps + more) < torch.tensor(lengths).unsqueeze(1)
    words = torch.randint(1, 13, mask.shape, generator=torch.Generator().manual_seed(word))
    module = build(family, (TOKENS,), (LABEL,), word).eval()
    with torch.no_grad():
        short = module({"inputs": (words * mask)[:, :steps], "mask": mask[:, :steps]})["label"]
        long = module({"inputs": torch.where(mask, words, word), "mask": mask})["label"]
    torch.testing.assert_close(short, long, atol=1e-6, rtol=0)


@pytest.mark.parametrize("family", [Linear(), RNN(), GRU(both_ways=True), LSTM(both_ways=True)], ids=lambda f: type(f).__name__)
def test_not_even_nan_in_padding_reaches_answers_or_gradients(family):
    module = build(family, (SERIES,), (LABEL,), 0)
    batch = sample(SERIES.kind, LABEL)
    wild = {**batch, "inputs": torch.where(batch["mask"].unsqueeze(-1), batch["inputs"], torch.nan)}
    answers = module(wild)["label"]
    assert torch.equal(answers, module(batch)["label"])
    answers.sum().backward()
    assert all(weight.grad.isfinite().all() for weight in module.parameters())


@pytest.mark.parametrize("cell", [RNN, GRU, LSTM])
def test_both_ways_is_torchs_own_layer_on_packed_sequences(cell):
    module = build(cell(embedding=5, width=6, both_ways=True), (SERIES,), (LABEL,), 0).eval()
    batch = sample(SERIES.kind, LABEL)
    rows = batch["mask"].any(1)  # torch packs no row without a step
    theirs = getattr(nn, cell.__name__)(4, 6, batch_first=True, bidirectional=True)
    for way, suffix in ((module.layers[0].there, ""), (module.layers[0].back, "_reverse")):
        for name, weight in way.named_parameters():
            theirs.get_parameter(name + suffix).data.copy_(weight)
    lengths = batch["mask"].sum(1)[rows]
    packed = nn.utils.rnn.pack_padded_sequence(batch["inputs"][rows], lengths, batch_first=True, enforce_sorted=False)
    state = theirs(packed)[1]
    state = (state[0] if cell is LSTM else state).transpose(0, 1).flatten(1)
    torch.testing.assert_close(module(batch)["label"][rows], module.heads.ports["label"](state), atol=1e-6, rtol=0)


# --- dropout --------------------------------------------------------------------------------------------------------------


def test_dropout_keeps_the_mean_and_drops_its_share():
    from modelwright.models.networks.heads import Dropout

    layer = Dropout(0.3)
    x = torch.ones(400, 400)
    dropped = layer.train()(x)
    assert (dropped == 0).float().mean().item() == pytest.approx(0.3, abs=0.01)
    assert dropped.mean().item() == pytest.approx(1, abs=0.01)
    assert dropped.unique().numel() == 2
    assert torch.equal(layer.eval()(x), x)


# --- facts ----------------------------------------------------------------------------------------------------------------


def test_facts_of_an_mlp_by_hand():
    found = facts(build(MLP((16,)), (NUMBERS,), (LABEL,), 0), sample(NUMBERS.kind, LABEL))
    assert (found.parameters, found.layers, found.weight_bytes) == (5 * 16 + 16 + 16 * 3 + 3, 2, 147 * 4)
    assert found.flops_per_row == 2 * (5 * 16 + 16 * 3)


def test_facts_of_a_cnn_by_hand():
    found = facts(build(CNN(((4,), (6,)), (10,)), (IMAGE,), (LABEL,), 0), sample(IMAGE.kind, LABEL))
    assert found.parameters == (27 * 4 + 4) + (36 * 6 + 6) + (6 * 64 * 10 + 10) + (30 + 3)
    assert found.flops_per_row == 2 * (32 * 32 * 27 * 4 + 16 * 16 * 36 * 6 + 6 * 64 * 10 + 30)


@pytest.mark.parametrize(("family", "gates"), [(RNN, 1), (GRU, 3), (LSTM, 4)])
@pytest.mark.parametrize("learning", [False, True])
def test_facts_of_a_recurrence_by_hand(family, gates, learning):
    module = build(family(embedding=5, width=6, depth=2, both_ways=True), (TOKENS,), (LABEL,), 0).train(learning)
    found = facts(module, sample(TOKENS.kind, LABEL))
    first, second = 2 * gates * 6 * (5 + 6), 2 * gates * 6 * (12 + 6)
    assert found.flops_per_row == 2 * (6 * (first + second) + 12 * 3)
    assert found.parameters == 13 * 5 + first + second + 4 * 2 * gates * 6 + 12 * 3 + 3
    assert module.training is learning and all(part.training is learning for part in module.modules())


# --- speed's door: the whole forward is one graph -------------------------------------------------------------------------


@pytest.mark.parametrize(("family", "port"), [(MLP(dropout=0.2), NUMBERS), (MLP(), TOKENS), (CNN(((4,),), dropout=0.2), IMAGE)])
def test_forward_is_one_graph(family, port):
    torch._dynamo.reset()
    module = build(family, (port,), (LABEL,), 0).eval()
    batch = sample(port.kind, LABEL)
    one_graph = torch.compile(module, backend="eager", fullgraph=True)
    torch.testing.assert_close(one_graph(batch)["label"], module(batch)["label"])


def test_choices_are_unfolded_into_slots_and_none_is_zeros():
    door = FlatCells(Cells((0, 3, 0, 1)))
    cells = torch.tensor([[0.5, 2, -7, 0], [1, 0, 2, -1], [2, -1, 0, 0]])
    assert door(cells, {}).tolist() == [[0.5, 0, 0, 1, -7, 1], [1, 1, 0, 0, 2, 0], [2, 0, 0, 0, 0, 1]]
    assert not door.state_dict() and FlatCells(Cells((0, 0)))(cells[:, :2], {}).tolist() == cells[:, :2].tolist()
