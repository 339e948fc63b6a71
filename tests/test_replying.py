"""A sequence read, another written: torch's own Transformer of 2017, memory that changes nothing, what must not be seen."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import nn

from modelwright.machine import tuned
from modelwright.models import EncoderDecoder, build
from modelwright.models.networks import blocks, views
from modelwright.models.networks.positions import Buckets
from modelwright.models.networks.replying import Spoken
from modelwright.nouns import Port, Refused, Reply, Tokens, Tuning
from modelwright.testing import conforms

READS = (Port("inputs", Tokens(23, 30)), Port("before", Tokens(23, 30)))
SHARED, APART = Port("next", Reply(23, 30, shared=True)), Port("next", Reply(23, 30))
FIRST_OF_ALL = EncoderDecoder(
    2, 3, 16, 4, hidden=24, positions="sinusoidal", norm="layer", order="post", feed="relu", bias=True
)  # fmt: skip
SHAPES = {"2017": FIRST_OF_ALL, "t5": EncoderDecoder(2, 2, 16, 4), "rotary": EncoderDecoder(1, 2, 16, 4, positions="rotary")}
MASK = torch.arange(9) < torch.tensor([[9], [4], [1]])
REAL = torch.arange(7) < torch.tensor([[2], [7], [5]])


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    with tuned(Tuning(threads=1)):
        yield


def batch(seed=0):
    chance = torch.Generator().manual_seed(seed)
    source, before = (torch.randint(1, 23, mask.shape, generator=chance) * mask for mask in (MASK, REAL))
    return {"inputs": source, "mask": MASK, "before": before, "before_mask": REAL}


def made(family, writes=SHARED, seed=0):
    """Weights as they begin say nearly the same everywhere: they are made louder."""
    module = build(family, READS, (writes,), seed).double().eval()
    with torch.no_grad():
        for weight in module.parameters():
            if weight.ndim == 2:
                weight.mul_(3)
    return module


def said(module, given):
    with torch.no_grad():
        return module(given)["next"]


@pytest.mark.parametrize(
    "family",
    [
        FIRST_OF_ALL,
        replace(FIRST_OF_ALL, order="pre", tied=False, balance="none", dropout=0.3, feed="swiglu"),
        EncoderDecoder(1, 2, 16, 2, 6, 10, "buckets", 6, 9, "layer", 1e-5, "pre", "gelu", True, False, True, "writing", 0.1),
        EncoderDecoder(1, 1, 16, positions="rotary"),
    ],
    ids=["2017", "untied", "every_dial", "rotary"],
)
def test_it_keeps_every_promise(family):
    conforms(family)


def test_it_is_torchs_transformer_of_2017():
    module = made(FIRST_OF_ALL, APART)
    layer = {"d_model": 16, "nhead": 4, "dim_feedforward": 24, "dropout": 0.0, "batch_first": True, "layer_norm_eps": 1e-6}
    theirs = nn.Transformer(
        16, 4, batch_first=True,
        custom_encoder=nn.TransformerEncoder(nn.TransformerEncoderLayer(**layer), 2, enable_nested_tensor=False),
        custom_decoder=nn.TransformerDecoder(nn.TransformerDecoderLayer(**layer), 3),
    ).double().eval()  # fmt: skip

    def attends(their, our):
        for kind in ("weight", "bias"):
            parts = [getattr(layer, kind) for layer in (our.query, our.key, our.value)]
            getattr(their, f"in_proj_{kind}").copy_(torch.cat(parts))
        their.out_proj.load_state_dict(our.out.state_dict())

    def waves(count):
        place, i = torch.arange(count).double()[:, None], torch.arange(16)
        angle = place / 10_000 ** (2 * (i // 2) / 16)
        return torch.where(i % 2 == 0, angle.sin(), angle.cos())

    given = batch()
    with torch.no_grad():
        for part in module.parameters():
            if part.ndim == 1:
                part.add_(0.3 * torch.randn(part.shape, generator=torch.Generator().manual_seed(1)))
        for our, their in [*zip(module.reader, theirs.encoder.layers), *zip(module.writer, theirs.decoder.layers)]:
            attends(their.self_attn, our.attention)
            if isinstance(our, blocks.CrossBlock):
                attends(their.multihead_attn, our.cross)
            for place, norm in enumerate(our.norms, 1):
                getattr(their, f"norm{place}").load_state_dict(norm.state_dict())
            their.linear1.load_state_dict(our.feed[0].state_dict())
            their.linear2.load_state_dict(our.feed[2].state_dict())
        source, target = (
            4 * steps.table(given[name]) + waves(given[name].shape[1])
            for steps, name in ((module.steps, "inputs"), (module.said, "before"))
        )
        states = theirs(
            source, target, tgt_mask=torch.full((7, 7), -torch.inf).triu(1).double(),
            src_key_padding_mask=~MASK, memory_key_padding_mask=~MASK,
        )  # fmt: skip
        wanted = states @ module.said.table.weight.T
    torch.testing.assert_close(said(module, given)[REAL], wanted[REAL], atol=1e-5, rtol=1e-6)  # waves are float32


@pytest.mark.parametrize("name", SHAPES)
def test_memory_changes_nothing(name):
    """Token by token with what was kept, as all at once."""
    module, given = made(SHAPES[name]), batch()
    wanted = said(module, given)
    going = Spoken(module, module.read(given["inputs"], MASK))
    memories = going.memories()
    with torch.no_grad():
        found = [
            going.logits(going.states(given["before"][:, t : t + 1], torch.ones(3, t + 1, dtype=torch.bool), memories))
            for t in range(7)
        ]
    torch.testing.assert_close(torch.cat(found, 1)[REAL], wanted[REAL], atol=1e-12, rtol=1e-12)


@pytest.mark.parametrize("name", SHAPES)
def test_no_step_sees_what_comes_after_it(name):
    module, given = made(SHAPES[name]), batch()
    later = given["before"].clone()
    later[:, 4:] = (later[:, 4:] + 5) % 23
    before, after = said(module, given), said(module, {**given, "before": later})
    assert torch.equal(before[:, :4], after[:, :4])
    assert not torch.allclose(before[1, 4:], after[1, 4:])


@pytest.mark.parametrize("name", SHAPES)
def test_padding_of_what_is_read_is_not_looked_at_and_the_rest_is(name):
    module, given = made(SHAPES[name]), batch()
    wanted = said(module, given)
    more = {"inputs": nn.functional.pad(given["inputs"], (0, 4), value=7), "mask": nn.functional.pad(MASK, (0, 4))}
    assert torch.allclose(said(module, {**given, **more})[REAL], wanted[REAL], atol=1e-12)
    for place in range(4):
        other = given["inputs"].clone()
        other[1, place] = other[1, place] % 22 + 1
        assert not torch.allclose(said(module, {**given, "inputs": other})[1][REAL[1]], wanted[1][REAL[1]], atol=1e-9)


def test_a_planted_bug_is_seen(monkeypatch):
    """Cross-attention that sees padding; a reply that sees ahead; memory that forgets: each breaks a test above."""
    given = batch()
    more = {"inputs": nn.functional.pad(given["inputs"], (0, 4), value=7), "mask": nn.functional.pad(MASK, (0, 4))}
    module = made(SHAPES["t5"])
    wanted = said(module, given)
    with monkeypatch.context() as planted:
        all_seen = lambda mask, fresh: views.View.whole(torch.ones_like(mask[:, :1]).expand(-1, fresh))  # noqa: E731
        planted.setattr(views.View, "of", lambda mask, fresh: replace(
            all_seen(mask, fresh), seen=torch.ones(len(mask), 1, fresh, mask.shape[1], dtype=torch.bool)))  # fmt: skip
        assert not torch.allclose(said(module, {**given, **more})[REAL], wanted[REAL], atol=1e-6)
    with monkeypatch.context() as planted:
        planted.setattr(views.View, "back", lambda mask, fresh: views.View.whole(mask))
        changed = {**given, "before": given["before"].roll(1, 0) * REAL}
        later = {**changed, "before": torch.where(torch.arange(7) < 3, changed["before"], 5) * REAL}
        assert not torch.allclose(said(module, later)[1, :3], said(module, changed)[1, :3], atol=1e-6)


def test_buckets_by_hand():
    """Eight for both ways: four each side, two of them exact, the rest shared up to 6 and beyond."""
    both, back = Buckets(8, 6, 1, both_ways=True), Buckets(4, 6, 1, both_ways=False)
    distances = torch.tensor([-9, -6, -3, -2, -1, 0, 1, 2, 3, 6, 9])
    assert both._bucket(distances).tolist() == [3, 3, 2, 2, 1, 0, 5, 6, 6, 7, 7]
    assert back._bucket(distances).tolist() == [3, 3, 2, 2, 1, 0, 0, 0, 0, 0, 0]


def test_one_port_is_not_enough():
    with pytest.raises(Refused, match="reads a text"):
        build(EncoderDecoder(1, 1, 16), READS[:1], (SHARED,), 0)
    with pytest.raises(Refused, match="cannot write Tokens"):
        build(EncoderDecoder(1, 1, 16), READS, (Port("next", Tokens(23, 30)),), 0)
