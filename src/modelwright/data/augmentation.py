"""Changes of training pictures that leave their label true: a function of (seed, epoch, row), whatever batch a row is in.

Every kind is called with pictures uint8 (B, C, H, W) and one uint64 draw for each, and gives pictures of the same shape.
numpy does the work: on batches this small torch's threads cost more than they bring, 10x and worse on a busy machine.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeAlias

from modelwright.data.draws import below, draws
from modelwright.nouns import Count

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor


class Change(Protocol):
    """What a kind of augmentation keeps."""

    def __call__(self, pictures: np.ndarray, drawn: np.ndarray) -> np.ndarray: ...


@dataclass(frozen=True)
class Flip:
    """Left and right exchanged, one time in two."""

    def __call__(self, pictures: np.ndarray, drawn: np.ndarray) -> np.ndarray:
        flipped = below(drawn, 2).astype(bool)
        changed = pictures.copy()
        changed[flipped] = pictures[flipped][..., ::-1]
        return changed


@dataclass(frozen=True)
class Shift:
    """Moved by up to `pixels` along each axis, each distance as likely; what comes in from outside is 0."""

    pixels: Count

    def __call__(self, pictures: np.ndarray, drawn: np.ndarray) -> np.ndarray:
        import numpy as np

        (images, channels, height, width), pad = pictures.shape, self.pixels
        padded = np.zeros((images, channels, height + 2 * pad, width + 2 * pad), pictures.dtype)
        padded[:, :, pad : pad + height, pad : pad + width] = pictures
        return windows(padded, height, width, drawn)


@dataclass(frozen=True)
class Crop:
    """Made larger by `pad` on every side, mirrored at the edges, and cut back to size at a random place."""

    pad: Count

    def __call__(self, pictures: np.ndarray, drawn: np.ndarray) -> np.ndarray:
        height, width = pictures.shape[2:]
        padded = pictures.take(mirrored(height, self.pad), axis=2).take(mirrored(width, self.pad), axis=3)
        return windows(padded, height, width, drawn)


Augmentation: TypeAlias = Flip | Shift | Crop


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


def augment(pictures: Tensor, changes: Sequence[Change], ids: np.ndarray, seed: int, epoch: int) -> Tensor:
    """All changes in their order, each with its own draws."""
    import torch

    changed = pictures.cpu().numpy()
    for place, change in enumerate(changes):
        changed = change(changed, draws(ids, "augment", place, seed, epoch))
    return torch.from_numpy(changed).to(pictures.device)
