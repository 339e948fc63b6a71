"""The recipe's section [machine]: what is left to measurement, and what is ordered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from modelwright.nouns import Count


@dataclass(frozen=True)
class Machine:
    """auto: measured on this machine, for this model, before training."""

    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    threads: Count | Literal["auto"] = "auto"
    precision: Literal["auto", "highest", "high", "medium"] = "auto"
    """How exact a float32 matrix product is, as torch names it."""
    dtype: Literal["auto", "float32", "bfloat16"] = "auto"
    """What the forward pass computes in. Weights and losses stay float32. auto tries bfloat16 for convolutions,
    recurrent layers and attention only."""
    compiled: bool | Literal["auto"] = "auto"
    """Forward and backward as one compiled graph. auto: where training is long enough to pay for the compiler."""
    recompute: bool = False
    """Blocks of attention are computed once more on the way back in place of kept: what is learned is the same to the last
    bit, for far less memory and up to a third more work."""
    mapped: bool | Literal["auto"] = "auto"
    """Whether documents and their tokens lie in the cache and are mapped, so that only what is being read is in memory. auto:
    where their files are larger than an eighth of the memory that is free."""
