"""Small models that begin with a base, for tests of what learns beside it."""

from __future__ import annotations

import torch

from modelwright.models import MLP, Decoder, Encoder, build
from modelwright.models.beginning import Beginning, as_stored, begin
from modelwright.models.networks import beside
from modelwright.nouns import Classes, Numbers, Port, Reference, Tokens

NUMBERS, TOKENS = Port("inputs", Numbers(4)), Port("inputs", Tokens(23, 12))
NEXT, TWO, THREE = Port("next", Tokens(23, 12)), Port("label", Classes(("a", "b"))), Port("label", Classes(("a", "b", "c")))
SHAPES = [(MLP((6, 5)), NUMBERS, TWO), (Encoder(2, 16, 2), TOKENS, TWO), (Decoder(2, 16, 2), TOKENS, NEXT)]


def batch(port, rows=3, steps=7):
    dice = torch.Generator().manual_seed(1)
    if isinstance(port.kind, Numbers):
        return {"inputs": torch.randn(rows, 4, generator=dice)}
    mask = torch.ones(rows, steps, dtype=torch.bool)
    mask[0, 4:] = False
    return {"inputs": torch.randint(23, (rows, steps), generator=dice), "mask": mask}


def begun(family, reads, writes, lora, train=(), base_writes=None, seed=0):
    base = build(family, (reads,), (base_writes or writes,), 1).eval()
    fresh, stored = build(family, (reads,), (writes,), 2).eval(), as_stored(train, lora)
    weights = {name: stored(name, weight) for name, weight in base.state_dict().items()}
    begin(fresh, Beginning(weights, (base_writes or writes,), Reference("base"), None, train, lora), (writes,), seed)
    return base, fresh


def said(module, reads, writes):
    with torch.no_grad():
        return module(batch(reads))[writes.name]


def disturb(module):
    """As learning would: what is beside the matrices is no longer zero."""
    with torch.no_grad():
        for _, layer in beside.beside(module):
            layer.up.copy_(torch.randn(layer.up.shape, generator=torch.Generator().manual_seed(3)) / 4)
    return module
