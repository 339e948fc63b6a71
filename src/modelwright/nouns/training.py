"""What training turns on: the way this machine goes, one step, and the run itself."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module


@dataclass(frozen=True)
class Tuning:
    """What this machine does best for one model; stored with a run, and used again when it is resumed."""

    device: str = "cpu"
    threads: int = 1
    precision: Literal["highest", "high", "medium"] = "highest"
    """torch's float32 matmul precision."""
    dtype: Literal["float32", "bfloat16"] = "float32"
    """What autocast computes in."""
    channels_last: bool = False
    compiled: bool = False
    recompute: bool = False
    """Whether blocks of attention are computed once more on the way back, in place of kept."""
    processes: int = 1
    """How many train together: each adds up its own micro-batches first, and the order of a sum decides its last bits."""
    tried: int = 1
    """How many ways were measured before this one was chosen."""


@dataclass(frozen=True)
class Step:
    """What one update did. loss and norm stay tensors until somebody reads them, so that nothing waits."""

    number: int
    epoch: int
    loss: Tensor
    """() mean over the update's rows, penalties included."""
    norm: Tensor
    """() gradient norm before clipping."""
    skipped: Tensor
    """() bool: loss or gradient was not finite and the weights were left alone."""
    rate: float
    ends_epoch: bool


@dataclass
class Run:
    """The one mutable value of training. All of it is in the snapshot."""

    models: dict[str, Module]
    state: dict[str, Tensor]
    """What the update remembers, by name (moments and the like)."""
    tuning: Tuning
    step: int = 0
    best: dict[str, Tensor] | None = None
    """The weights of the best epoch so far, by name."""
    best_score: float | None = None
    best_epoch: int = -1
    waited: int = 0
    """Epochs since the best one."""
    rate_scale: float = 1.0
    skipped: int = 0
    ended: bool = False
    still: frozenset[str] = frozenset()
    """The names of the weights of models["model"] that never learn: no snapshot holds them."""
    history: list[dict[str, float]] = field(default_factory=list)
    """One entry per finished epoch: epoch, loss, validation, rate, norm, seconds."""

    def scale_rate(self, factor: float) -> None:
        self.rate_scale *= factor
