"""A description in, a live module out. Verb: build. A module is called module(batch) and gives named outputs."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from modelwright.data.chance import chance
from modelwright.models.base import Base
from modelwright.models.cnn import CNN
from modelwright.models.decoder import Decoder
from modelwright.models.encoder import Encoder
from modelwright.models.encoder_decoder import EncoderDecoder
from modelwright.models.facts import Facts, facts
from modelwright.models.linear import Linear
from modelwright.models.mlp import MLP
from modelwright.models.ports import refuse_unread, refuse_unwritten, writable
from modelwright.models.recurrent import GRU, LSTM, RNN
from modelwright.models.work import layers
from modelwright.nouns import Family as AnyFamily
from modelwright.nouns import Port

if TYPE_CHECKING:
    from torch.nn import Module

__all__ = [
    "CNN", "GRU", "LSTM", "MLP", "RNN", "Base", "Decoder", "Encoder", "EncoderDecoder", "Facts", "Family", "Linear", "build",
    "facts", "layers", "writable",
]  # fmt: skip

Family: TypeAlias = Linear | MLP | CNN | RNN | GRU | LSTM | Encoder | Decoder | EncoderDecoder


def build(family: AnyFamily, reads: tuple[Port, ...], writes: tuple[Port, ...], seed: int) -> Module:
    """The module with fresh weights on the CPU, a function of the seed alone; torch's own chance is left as it was.

    Under `with torch.device("meta")` it has shapes and no memory. Refused: ports that the family cannot read
    or write."""
    import torch

    refuse_unread(reads, family)
    refuse_unwritten(writes, family)
    meta = torch.get_default_device().type == "meta"
    with torch.random.fork_rng(devices=[]), torch.device("meta" if meta else "cpu"):
        torch.default_generator.manual_seed(chance(seed, "weights"))
        return family.build(reads, writes)
