"""Attention: torch's own encoder layer, the formulas in float64, what a mask hides, a task that needs the order of words."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812

from modelwright.machine import tuned
from modelwright.models import Decoder, Encoder, build, layers
from modelwright.models.networks import looking
from modelwright.models.networks.attention import Attention
from modelwright.models.networks.blocks import Block
from modelwright.models.networks.looking import looked, turned, turns
from modelwright.models.networks.views import View
from modelwright.nouns import Classes, Port, Refused, Tokens, Tuning
from modelwright.testing import conforms

SHAPE = replace(Encoder(width=24, heads=4).attending, base=0.0)
BASE = 10_000.0
MASK = torch.arange(7) < torch.tensor([[7], [4], [1]])
TOKENS, LABEL = Port("inputs", Tokens(13, 9)), Port("label", Classes(("ant", "bee", "cat")))


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    with tuned(Tuning(threads=1)):
        yield


def drawn(*shape):
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("order", ["pre", "post"])
@pytest.mark.parametrize("feed", ["gelu", "relu"])
def test_a_block_is_torchs_encoder_layer(order, feed):
    block = Block(replace(SHAPE, order=order, feed=feed)).double().eval()
    theirs = nn.TransformerEncoderLayer(24, 4, 96, 0.0, feed, batch_first=True, norm_first=order == "pre").double().eval()
    ours = block.attention
    with torch.no_grad():
        theirs.self_attn.in_proj_weight.copy_(torch.cat([ours.query.weight, ours.key.weight, ours.value.weight]))
        theirs.self_attn.in_proj_bias.copy_(torch.cat([ours.query.bias, ours.key.bias, ours.value.bias]))
        theirs.self_attn.out_proj.load_state_dict(ours.out.state_dict())
        theirs.linear1.load_state_dict(block.feed[0].state_dict())
        theirs.linear2.load_state_dict(block.feed[2].state_dict())
        theirs.norm1.weight.mul_(1.3)
        block.norms[0].load_state_dict(theirs.norm1.state_dict())
        x = drawn(3, 7, 24)
        found, wanted = block(x, View.whole(MASK)), theirs(x, src_key_padding_mask=~MASK)
    torch.testing.assert_close(found[MASK], wanted[MASK], atol=1e-12, rtol=0)


def test_a_turn_is_a_product_of_complex_numbers():
    x = drawn(2, 3, 5, 8)
    pace = BASE ** (-torch.arange(4, dtype=torch.float64) / 4)
    turn = torch.polar(torch.ones(5, 4, dtype=torch.float64), torch.arange(5, dtype=torch.float64)[:, None] * pace)
    wanted = torch.complex(x[..., :4], x[..., 4:]) * turn
    found = turned(x, *turns(torch.arange(5).expand(2, 5), x.shape[-1], BASE))
    torch.testing.assert_close(found, torch.cat([wanted.real, wanted.imag], dim=-1), atol=1e-6, rtol=0)


def test_turned_vectors_know_only_how_far_apart_they_are():
    one, other = drawn(1, 1, 1, 8), drawn(1, 1, 2, 8)[:, :, 1:]
    places = torch.arange(20).unsqueeze(0)
    query, key = (turned(x.expand(1, 1, 20, 8), *turns(places, 8, BASE)) for x in (one, other))
    likeness = (query @ key.transpose(2, 3))[0, 0]
    for apart in (-7, 0, 5):
        diagonal = likeness.diagonal(apart)
        torch.testing.assert_close(diagonal, diagonal[:1].expand_as(diagonal), atol=1e-5, rtol=0)


def test_groups_are_heads_with_the_same_keys_and_values():
    few = Attention(replace(SHAPE, groups=2)).double()
    many = Attention(SHAPE).double()
    many.query.load_state_dict(few.query.state_dict())
    many.out.load_state_dict(few.out.state_dict())
    with torch.no_grad():
        for name in ("key", "value"):
            for part in ("weight", "bias"):
                shared = getattr(getattr(few, name), part).unflatten(0, (2, 6))
                getattr(getattr(many, name), part).copy_(shared.repeat_interleave(2, 0).flatten(0, 1))
    x, view = drawn(3, 7, 24), View.whole(MASK)
    torch.testing.assert_close(few(x, view), many(x, view), atol=1e-12, rtol=0)


@pytest.mark.parametrize("shape", [SHAPE, replace(SHAPE, base=BASE, groups=2)])
def test_the_weights_shown_are_those_used(shape):
    layer = Attention(shape).double()
    x, view = drawn(3, 7, 24), View.whole(MASK)
    shown = layer.weights(x, view)
    assert torch.allclose(shown.sum(-1), torch.ones(3, 4, 7, dtype=torch.float64))
    assert not shown[1, :, :, 4:].any(), "padding is looked at"
    value = layer.value(x).unflatten(2, (-1, 6)).transpose(1, 2).repeat_interleave(4 // shape.groups, dim=1)
    torch.testing.assert_close(layer.out((shown @ value).transpose(1, 2).flatten(2)), layer(x, view), atol=1e-12, rtol=0)


@pytest.mark.parametrize("groups", [1, 2, 4])
@pytest.mark.parametrize("view", ["begun", "back", "whole", "documents"])
def test_plain_products_are_torchs_attention_back_and_forth(view, groups, monkeypatch):
    monkeypatch.setattr(looking, "BLOCK", 3)  # seven steps are three blocks
    document = torch.tensor([[1, 1, 2, 2, 2, 3, 3]]).expand(3, 7)
    views = {
        "begun": View.begun(MASK), "back": View.back(MASK, 7), "whole": View.whole(MASK),
        "documents": View.back(MASK, 7, document),
    }  # fmt: skip
    seen = views[view]
    query, key, value = (drawn(3, heads, 7, 6).requires_grad_() for heads in (4, groups, groups))
    slope = drawn(3, 4, 7, 6)
    ours = looked(query * 6**-0.5, key, value, seen)
    theirs = F.scaled_dot_product_attention(query, key, value, seen.seen, is_causal=seen.seen is None, enable_gqa=True)
    torch.testing.assert_close(ours, theirs, atol=1e-12, rtol=0)
    for found, wanted in zip(*(torch.autograd.grad(one, (query, key, value), slope) for one in (ours, theirs)), strict=True):
        torch.testing.assert_close(found, wanted, atol=1e-12, rtol=0)


@pytest.mark.parametrize("view", [View.begun(MASK), View.whole(MASK)], ids=["begun", "whole"])
def test_learning_and_answering_look_alike(view):
    layer, x = Attention(SHAPE).double(), drawn(3, 7, 24)
    learning = layer(x, view)
    with torch.no_grad():
        torch.testing.assert_close(learning, layer(x, view), atol=1e-12, rtol=0)


@pytest.mark.parametrize("family", [Encoder(1, 8, 2), Decoder(1, 8, 2)])
def test_the_machine_is_asked_as_for_attention(family):
    assert layers(build(family, (TOKENS,), (LABEL,), 0)) == "attending"


def test_padding_at_the_end_needs_no_mask():
    layer, x = Attention(replace(SHAPE, base=BASE)).double(), drawn(3, 7, 24)
    with_mask, without = layer(x, View.back(MASK, 7)), layer(x, View.begun(MASK))
    torch.testing.assert_close(with_mask[MASK], without[MASK], atol=1e-12, rtol=0)


def test_looking_back_does_not_see_what_comes():
    block = Block(replace(SHAPE, base=BASE)).double().eval()
    x, view = drawn(3, 7, 24), View.back(MASK, 7)
    other = x.clone()
    other[:, 4:] += 1
    before, after = block(x, view), block(other, view)
    torch.testing.assert_close(before[:, :4], after[:, :4], atol=0, rtol=0)
    assert not torch.allclose(before[0, 4:], after[0, 4:])


@pytest.mark.parametrize(
    "family",
    [
        Encoder(1, 24, 3, 40, "learned", "layer", 1e-3, "post", "relu", "first", "tanh", 0.3),
        Encoder(3, 16, 2, norm="rms", feed="swiglu"),
        Decoder(1, 24, 4, 2, 40, 0.0, "layer", 1e-3, "gelu_tanh", True, False, 0.3),
        Decoder(2, 16, 2),
    ],
)
def test_every_dial_turned_conforms(family):
    conforms(family)


@pytest.mark.parametrize("positions", ["rotary", "learned"])
def test_it_reads_the_order_of_words(positions):
    """Is the 2 before the 3? A network that only counts words cannot tell."""
    chance = torch.Generator().manual_seed(0)
    tokens = torch.randint(4, 13, (256, 8), generator=chance)
    places = torch.rand(256, 8, generator=chance).argsort(1)[:, :2]
    tokens.scatter_(1, places[:, :1], 2).scatter_(1, places[:, 1:], 3)
    label = (places[:, 0] < places[:, 1]).long()
    batch = {"inputs": tokens, "mask": torch.ones(256, 8, dtype=torch.bool), "label": label}
    module = build(Encoder(1, 32, 2, positions=positions), (TOKENS,), (LABEL,), seed=0)
    optimizer = torch.optim.Adam(module.parameters(), 0.003)
    for _ in range(150):
        loss = nn.functional.cross_entropy(module(batch)["label"], label)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert (module(batch)["label"].argmax(1) == label).float().mean() > 0.95


@pytest.mark.parametrize(("family", "word"), [(Encoder(width=30, heads=4), "30"), (Encoder(width=12, heads=4), "12")])
def test_heads_that_do_not_fit_are_refused(family, word):
    with pytest.raises(Refused, match=rf"model.width = {word} does not fall into 4 heads"):
        build(family, (TOKENS,), (LABEL,), seed=0)
