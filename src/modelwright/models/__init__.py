"""A description in, a live module out. Verb: build. A module is called module(batch) and gives named outputs."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from modelwright.data.chance import chance
from modelwright.models.cnn import CNN
from modelwright.models.facts import Facts, facts
from modelwright.models.linear import Linear
from modelwright.models.mlp import MLP
from modelwright.models.recurrent import GRU, LSTM, RNN
from modelwright.nouns import Family as AnyFamily
from modelwright.nouns import Port, Refused
from modelwright.reader import kind
from modelwright.wording import say

if TYPE_CHECKING:
    from torch.nn import Module

__all__ = ["CNN", "GRU", "LSTM", "MLP", "RNN", "Facts", "Family", "Linear", "build", "facts"]

Family: TypeAlias = Linear | MLP | CNN | RNN | GRU | LSTM


def build(family: AnyFamily, reads: tuple[Port, ...], writes: tuple[Port, ...], seed: int) -> Module:
    """The module with fresh weights, a function of the seed alone. Refused: a port that the family cannot read."""
    import torch

    for port in reads:
        if not isinstance(port.kind, family.accepts):
            facts_ = {"model": kind(type(family)), "port": type(port.kind).__name__}
            raise Refused(say("model {model} cannot read {port}, which the codec makes.", **facts_))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(chance(seed, "weights"))
        return family.build(reads, writes)
