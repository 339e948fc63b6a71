"""Changes of training rows that leave their label true: a function of (seed, epoch, row), whatever batch a row is in.

Every kind is called with pictures uint8 (B, C, H, W) or series float32 (B, T, F), one uint64 draw for each row and, of series,
how many of the steps are real; and gives the same shape.
numpy does the work: on batches this small torch's threads cost more than they bring, 10x and worse on a busy machine.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Protocol, TypeAlias

from modelwright.data.draws import below, draws
from modelwright.nouns import Count, Image, Series, Whole

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor


class Change(Protocol):
    """What a kind of augmentation keeps."""

    fits: ClassVar[tuple[type, ...]]
    """Port kinds that it can change."""

    def __call__(self, inputs: np.ndarray, drawn: np.ndarray, real: np.ndarray | None = None) -> np.ndarray: ...


@dataclass(frozen=True)
class Flip:
    """Left and right exchanged, one time in two."""

    fits: ClassVar[tuple[type, ...]] = (Image,)

    def __call__(self, inputs: np.ndarray, drawn: np.ndarray, real: np.ndarray | None = None) -> np.ndarray:
        flipped = below(drawn, 2).astype(bool)
        changed = inputs.copy()
        changed[flipped] = inputs[flipped][..., ::-1]
        return changed


@dataclass(frozen=True)
class Shift:
    """Moved by up to `pixels` along each axis, each distance as likely; what comes in from outside is 0."""

    fits: ClassVar[tuple[type, ...]] = (Image,)

    pixels: Count

    def __call__(self, inputs: np.ndarray, drawn: np.ndarray, real: np.ndarray | None = None) -> np.ndarray:
        import numpy as np

        (images, channels, height, width), pad = inputs.shape, self.pixels
        padded = np.zeros((images, channels, height + 2 * pad, width + 2 * pad), inputs.dtype)
        padded[:, :, pad : pad + height, pad : pad + width] = inputs
        return windows(padded, height, width, drawn)


@dataclass(frozen=True)
class Crop:
    """Made larger by `pad` on every side, mirrored at the edges, and cut back to size at a random place."""

    fits: ClassVar[tuple[type, ...]] = (Image,)

    pad: Count

    def __call__(self, inputs: np.ndarray, drawn: np.ndarray, real: np.ndarray | None = None) -> np.ndarray:
        height, width = inputs.shape[2:]
        padded = inputs.take(mirrored(height, self.pad), axis=2).take(mirrored(width, self.pad), axis=3)
        return windows(padded, height, width, drawn)


@dataclass(frozen=True)
class Veil:
    """A stretch of steps and a stretch of features hidden: both are 0, the mean (SpecAugment, https://arxiv.org/abs/1904.08779)."""

    fits: ClassVar[tuple[type, ...]] = (Series,)

    steps: Whole = 10
    """At most, and at most half of the real ones."""
    features: Whole = 8
    """Neighbours, as the bands of a spectrum; at most."""

    def __call__(self, inputs: np.ndarray, drawn: np.ndarray, real: np.ndarray | None = None) -> np.ndarray:
        import numpy as np

        time, count = inputs.shape[1:]
        lengths = np.full(len(inputs), time) if real is None else real
        bands = np.full(len(inputs), count)
        late = stretches(lengths, np.minimum(self.steps, lengths // 2), time, draws(drawn, "steps"))
        high = stretches(bands, np.minimum(self.features, bands), count, draws(drawn, "features"))
        return np.where(late[:, :, None] | high[:, None, :], np.float32(0), inputs)


Augmentation: TypeAlias = Flip | Shift | Crop | Veil


def stretches(lengths: np.ndarray, most: np.ndarray, width: int, drawn: np.ndarray) -> np.ndarray:
    """bool (B, width): in each row a stretch of 0 to `most` places, each number as likely, anywhere in the first `lengths`."""
    import numpy as np

    wide = below(drawn, most + 1)[:, None]
    start = below(draws(drawn, "start"), lengths + 1 - wide[:, 0])[:, None]
    place = np.arange(width)
    return (place >= start) & (place < start + wide)


def mirrored(length: int, pad: int) -> np.ndarray:
    """int64 (length + 2 pad,): places in 0 .. length - 1 as between two mirrors, the edge itself once: 2 1 | 0 1 2 3 | 2 1."""
    import numpy as np

    period = max(2 * (length - 1), 1)
    place = np.arange(-pad, length + pad) % period
    return np.minimum(np.minimum(place, period - place), length - 1)


def windows(padded: np.ndarray, height: int, width: int, drawn: np.ndarray) -> np.ndarray:
    """Cuts (H, W) out of each of (B, C, H + 2p, W + 2p) where its draw says."""
    import numpy as np

    places = padded.shape[2] - height + 1
    down, right = np.divmod(below(drawn, places * places), places)
    views = np.lib.stride_tricks.sliding_window_view(padded, (height, width), axis=(2, 3))
    return views[np.arange(len(padded)), :, down, right]


def augment(
    inputs: Tensor, changes: Sequence[Change], ids: np.ndarray, seed: int, epoch: int, real: np.ndarray | None = None
) -> Tensor:
    """All changes in their order, each with its own draws."""
    import torch

    changed = inputs.cpu().numpy()
    for place, change in enumerate(changes):
        changed = change(changed, draws(ids, "augment", place, seed, epoch), real)
    return torch.from_numpy(changed).to(inputs.device)
