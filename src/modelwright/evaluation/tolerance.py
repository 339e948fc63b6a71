"""How far answers move when the same rows come in other batches. B rows in a batch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelwright.evaluation import following, words
from modelwright.evaluation.answering import outputs
from modelwright.evaluation.resting import at_rest
from modelwright.nouns import Codec, Rows, Tagged, Tokens

if TYPE_CHECKING:
    from torch.nn import Module

SHAPES = (1, 7, 64)
"""Batch sizes that are held against each other."""
ROWS = 64


def tolerance(module: Module, codec: Codec, rows: Rows) -> float:
    """The largest difference between outputs of one row across batch shapes, divided by 1 + the row's largest output; of tokens
    what is said of a whole piece stands for its outputs."""
    import numpy as np
    import torch

    if isinstance(codec.writes[0].kind, Tokens):
        return _of_pieces(module, codec, rows)

    sample = rows.take(np.arange(min(ROWS, len(rows))))
    if not len(sample):
        return 0.0
    if isinstance(codec.writes[0].kind, Tagged):
        batch, _ = codec.encode(sample)
        with at_rest(module):
            found = [words.sureness(module, codec, batch, size) for size in SHAPES]
    else:
        found = [torch.cat(list(outputs(module, codec, sample, size))) for size in SHAPES]
    scale = 1 + found[0].abs().amax(dim=1, keepdim=True)
    return max(float(((other - found[0]).abs() / scale).max()) for other in found[1:])


def _of_pieces(module: Module, codec: Codec, rows: Rows) -> float:
    batch = following.some(codec, rows, ROWS)
    if batch is None:
        return 0.0
    with at_rest(module):
        first, *others = [following.nats(module, codec, batch, size) for size in SHAPES]
    return max(float(((other - first).abs() / (1 + first)).max()) for other in others)
