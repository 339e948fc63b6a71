"""What permutation shuffles among rows. Columns and patches are the same numbers in every row; texts and recordings, whose
lengths differ, are cut into tenths of their own length, and a tenth gets the steps that stand as far along in another row.

N rows, T time, K features.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from modelwright.explanation.features import Features, features_of
from modelwright.nouns import Batch, Codec, Rows, Series, Tokens

TENTHS = 10


class Shuffled(Protocol):
    @property
    def features(self) -> Features: ...

    def swapped(self, batch: Batch, order: Tensor, chosen: Tensor) -> Batch:
        """The batch in which the chosen features (int64) of row n are those of row order[n]."""
        ...


@dataclass(frozen=True)
class Same:
    """Features that are the same numbers in every row."""

    features: Features

    def swapped(self, batch: Batch, order: Tensor, chosen: Tensor) -> Batch:
        inputs = batch[self.features.port]
        taken = torch.isin(self.features.places, chosen)
        return {**batch, self.features.port: torch.where(taken, inputs[order], inputs)}


@dataclass(frozen=True)
class Along:
    """Tenths of each row's own length: real steps come first and keep their count."""

    features: Features

    def swapped(self, batch: Batch, order: Tensor, chosen: Tensor) -> Batch:
        inputs, mask = batch[self.features.port], batch["mask"]
        length = mask.sum(1, keepdim=True)  # (N, 1)
        steps, real = torch.arange(mask.shape[1]), length.clamp_min(1)
        source = (steps * length[order] // real).clamp_max(mask.shape[1] - 1)  # (N, T): as far along in the other row
        given = inputs[order[:, None], source]
        taken = torch.isin(steps * TENTHS // real, chosen) & mask & (length[order] > 0)
        taken = taken if inputs.ndim == 2 else taken.unsqueeze(2)
        return {**batch, self.features.port: torch.where(taken, given, inputs)}


def shuffled(codec: Codec, rows: Rows, batch: Batch) -> Shuffled:
    """Refused: what reads several things at once."""
    port = codec.reads[0]
    if isinstance(port.kind, (Tokens, Series)):
        names = tuple(f"{10 * tenth}-{10 * tenth + 10} %" for tenth in range(TENTHS))
        return Along(Features("moments", port.name, names, ("",) * TENTHS, torch.arange(TENTHS)))
    first = {name: tensor[:1] for name, tensor in batch.items()}
    return Same(features_of(codec, rows.take(np.arange(1)), first, rows.take(np.arange(0)))[0])
