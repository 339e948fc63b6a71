"""Frozen matrices in bfloat16: the products that autocast would compute anyway, half the memory, and one model everywhere."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812

from bases import NEXT, NUMBERS, SHAPES, TOKENS, TWO, batch, begun, disturb, said
from modelwright.machine import tuned
from modelwright.models import MLP, Decoder, Encoder, build
from modelwright.models.beginning import as_stored
from modelwright.models.lora import Lora
from modelwright.models.networks.narrow import NarrowTable, narrows, product, rounded
from modelwright.nouns import Tuning

HALF = Lora(2, stored="bfloat16")
MATRICES = [(Encoder(2, 16, 2), TOKENS, TWO), (Decoder(2, 16, 2, tied=False), TOKENS, NEXT), (Decoder(2, 16, 2), TOKENS, NEXT)]


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    with tuned(Tuning(threads=1)):
        yield


def bfloat16():
    return torch.autocast("cpu", dtype=torch.bfloat16)


@pytest.mark.parametrize("biased", [True, False])
def test_a_product_is_that_of_the_widened_matrix_slopes_and_all(biased):
    weight, bias = torch.randn(6, 70).bfloat16(), torch.randn(6, requires_grad=True) if biased else None
    x = torch.randn(3, 2, 70, requires_grad=True)
    learned = [x, bias] if biased else [x]
    found, wanted = product(x, weight, bias), F.linear(x, weight.float(), bias)
    assert torch.equal(found, wanted)
    slopes = (torch.autograd.grad(one.square().sum(), learned) for one in (found, wanted))
    assert all(torch.allclose(a, b, rtol=1e-6, atol=1e-6) for a, b in zip(*slopes, strict=True))


def test_under_autocast_a_product_is_that_of_the_matrix_before_it_was_rounded():
    weight, bias, x = torch.randn(6, 70), torch.randn(6), torch.randn(4, 70, requires_grad=True)
    with bfloat16():
        found, wanted = product(x, weight.bfloat16(), bias), F.linear(x, weight, bias)
    assert torch.equal(found, wanted) and found.dtype == torch.bfloat16
    assert all(torch.equal(*slopes) for slopes in zip(*(torch.autograd.grad(one.sum(), x) for one in (found, wanted))))


def test_under_autocast_what_is_learned_beside_it_is_the_same_to_the_last_bit():
    """Where nothing is looked up: there a vector is rounded that else was not."""
    slopes = []
    for lora in (HALF, Lora(2)):
        fresh = disturb(begun(MLP((6, 5)), NUMBERS, TWO, lora)[1])
        with bfloat16():
            loss = fresh(batch(NUMBERS))["label"].float().square().sum()
        slopes.append(torch.autograd.grad(loss, [weight for weight in fresh.parameters() if weight.requires_grad]))
    assert len(slopes[0]) > 2 and all(torch.equal(a, b) for a, b in zip(*slopes, strict=True))


@pytest.mark.parametrize("shape", [*SHAPES, MATRICES[1]], ids=["mlp", "encoder", "decoder", "untied"])
def test_a_base_of_such_numbers_loses_nothing(shape):
    """Many are handed on in bfloat16: until something is learned the answers are theirs, bit for bit."""
    family, reads, writes = shape
    exact = build(family, (reads,), (writes,), 1).eval()
    for name, weight in exact.named_parameters():
        weight.data = rounded(weight.data) if narrows(name, weight, ()) else weight.data
    _, fresh = begun(*shape, HALF)
    assert torch.equal(said(fresh, reads, writes), said(exact, reads, writes))
    assert not torch.equal(said(begun(*shape, HALF)[0], reads, writes), said(exact, reads, writes)), "this base is of others"


@pytest.mark.parametrize("shape", MATRICES, ids=["encoder", "untied", "tied"])
def test_all_frozen_matrices_take_half_and_nothing_else_is_rounded(shape):
    base, fresh = begun(*shape, HALF, ("blocks.1",))
    plain = dict(base.named_parameters())
    for name, weight in fresh.named_parameters():
        if name.endswith((".down", ".up")):
            continue
        narrow = weight.ndim == 2 and not name.startswith(("blocks.1.", "heads."))
        assert weight.dtype == (torch.bfloat16 if narrow else torch.float32), name
        assert torch.equal(weight, plain[name].to(weight.dtype)), name
        assert weight.requires_grad == name.startswith("blocks.1.")
    assert any(isinstance(layer, NarrowTable) for layer in fresh.modules())


@pytest.mark.parametrize("wide", [False, True], ids=["autocast", "float32"])
def test_no_widened_matrix_is_kept_for_the_way_back(wide):
    _, fresh = begun(Decoder(2, 64, 2), TOKENS, NEXT, Lora(2, layers=("query",), stored="bfloat16"))
    kept = []
    with torch.autograd.graph.saved_tensors_hooks(lambda tensor: kept.append(tensor) or tensor, lambda tensor: tensor):
        if wide:
            disturb(fresh)(batch(TOKENS))["next"].sum()
        else:
            with bfloat16():
                disturb(fresh)(batch(TOKENS))["next"].sum()
    own = {weight.untyped_storage().data_ptr() for weight in fresh.parameters()}
    frozen = {shape for weight in fresh.parameters() if not weight.requires_grad and weight.ndim == 2
              for shape in (weight.shape, weight.t().shape)}  # fmt: skip
    strangers = [tensor for tensor in kept if tensor.shape in frozen and tensor.untyped_storage().data_ptr() not in own]
    assert kept and not strangers


def test_float32_is_as_it_was():
    """Where it is not ordered nothing is rounded, and no layer is another."""
    base = build(Decoder(2, 16, 2), (TOKENS,), (NEXT,), 1)
    assert all(as_stored((), Lora(2))(name, weight) is weight for name, weight in base.state_dict().items())
    _, fresh = begun(Decoder(2, 16, 2), TOKENS, NEXT, Lora(2, layers=("query",)))
    assert {type(layer) for layer in fresh.modules() if isinstance(layer, nn.Linear)} == {nn.Linear}
