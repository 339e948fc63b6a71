"""Changes of training pictures that leave their label true: a function of (seed, epoch, row), whatever batch a row is in.

Every kind is called with pictures uint8 (B, C, H, W) and one uint64 draw for each, and gives pictures of the same shape.
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

    def __call__(self, pictures: Tensor, drawn: np.ndarray) -> Tensor: ...


@dataclass(frozen=True)
class Flip:
    """Left and right exchanged, one time in two."""

    def __call__(self, pictures: Tensor, drawn: np.ndarray) -> Tensor:
        import torch

        flipped = torch.from_numpy(below(drawn, 2).astype(bool)).to(pictures.device)
        return torch.where(flipped[:, None, None, None], pictures.flip(3), pictures)


@dataclass(frozen=True)
class Shift:
    """Moved by up to `pixels` along each axis, each distance as likely; what comes in from outside is 0."""

    pixels: Count

    def __call__(self, pictures: Tensor, drawn: np.ndarray) -> Tensor:
        from torch.nn.functional import pad

        return windows(pad(pictures, (self.pixels,) * 4), pictures.shape[2], pictures.shape[3], drawn)


@dataclass(frozen=True)
class Crop:
    """Made larger by `pad` on every side, mirrored at the edges, and cut back to size at a random place."""

    pad: Count

    def __call__(self, pictures: Tensor, drawn: np.ndarray) -> Tensor:
        height, width = pictures.shape[2:]
        tall, wide = mirrored(height, self.pad), mirrored(width, self.pad)
        padded = pictures.index_select(2, tall.to(pictures.device)).index_select(3, wide.to(pictures.device))
        return windows(padded, height, width, drawn)


Augmentation: TypeAlias = Flip | Shift | Crop


def mirrored(length: int, pad: int) -> Tensor:
    """int64 (length + 2 pad,): places in 0 .. length - 1 as between two mirrors, the edge itself once: 2 1 | 0 1 2 3 | 2 1."""
    import torch

    period = max(2 * (length - 1), 1)
    place = torch.arange(-pad, length + pad).remainder(period)
    return torch.minimum(place, period - place).clamp(max=length - 1)


def windows(padded: Tensor, height: int, width: int, drawn: np.ndarray) -> Tensor:
    """Cuts (H, W) out of each of (B, C, H + 2p, W + 2p) where its draw says."""
    import numpy as np
    import torch

    places = padded.shape[2] - height + 1
    place = below(drawn, places * places)
    down, right = torch.from_numpy(np.stack([place // places, place % places])).to(padded.device)
    views = padded.unfold(2, height, 1).unfold(3, width, 1)
    return views[torch.arange(len(padded), device=padded.device), :, down, right]


def augment(pictures: Tensor, changes: Sequence[Change], ids: np.ndarray, seed: int, epoch: int) -> Tensor:
    """All changes in their order, each with its own draws."""
    for place, change in enumerate(changes):
        pictures = change(pictures, draws(ids, "augment", place, seed, epoch))
    return pictures
