"""Texts that are replied to: each is read as a whole, then the reply is gone on with from its beginning."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from modelwright.generating.begun import Begun

if TYPE_CHECKING:
    from torch.nn import Module

    from modelwright.data.codecs.pairs.paired import Paired
    from modelwright.models.networks.replying import Spoken


def begin(codec: Paired, prompt: str) -> Begun:
    """The text as it is read."""
    import polars as pl

    tokenizer, longest = codec.tokenizer, codec.encoding.longest
    own = tokenizer.numbers(pl.Series([prompt], dtype=pl.String))[0].tolist()
    whole = [*own, *tokenizer.controls.end]
    unknown = 0 if tokenizer.controls.unknown is None else own.count(tokenizer.controls.unknown)
    return Begun(whole[:longest], unknown, max(0, len(whole) - longest), longest, (codec.first,))


def writer(module: Module, texts: Sequence[list[int]]) -> Spoken:
    """The network that has read these texts, one or more tokens each."""
    import torch

    from modelwright.models.networks.replying import Replying, Spoken

    assert isinstance(module, Replying)
    device, lengths = next(module.parameters()).device, torch.tensor([len(text) for text in texts])
    mask = torch.arange(int(lengths.max())) < lengths[:, None]
    tokens = torch.zeros(mask.shape, dtype=torch.int64)
    tokens[mask] = torch.tensor([token for text in texts for token in text])
    with torch.inference_mode():
        return Spoken(module, module.read(tokens.to(device), mask.to(device)))
