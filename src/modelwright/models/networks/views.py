"""What each step of a sequence may look at. B batch, T time, S steps looked at, H heads."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from modelwright.models.networks.looking import turns
from modelwright.models.rotary import Scaling


@dataclass(frozen=True)
class View:
    """What each step may look at."""

    places: Tensor
    """int64 (B, T): counted from 0 at the first real step."""
    seen: Tensor | None
    """bool (B, 1, T, S). Every step sees one at least, so that a row without a real step is a number too. None: itself and
    all before it."""
    bias: Tensor | None = None
    """float (B, H, T, S), added to each likeness; -inf where nothing is seen."""
    later: bool = True
    """Whether a step may see one that comes after it."""
    _turns: dict[tuple[int, float, Scaling | None], tuple[Tensor, Tensor]] = field(
        default_factory=dict[Any, Any], repr=False, compare=False
    )

    @classmethod
    def of(cls, mask: Tensor, fresh: int) -> View:
        """Each of `fresh` steps sees every real one of something else, mask bool (B, S); places there mean nothing."""
        rest = cls.whole(mask)
        assert rest.seen is not None
        return cls(rest.places[:, :1].expand(-1, fresh), rest.seen[:, :, :1].expand(-1, -1, fresh, -1))

    def biased(self, bias: Tensor) -> View:
        """bias float (B, H, T, S)."""
        assert self.seen is not None
        return View(self.places, self.seen, bias.masked_fill(~self.seen, -torch.inf), self.later)

    @classmethod
    def whole(cls, mask: Tensor, document: Tensor | None = None) -> View:
        """Each step sees every real one, of its own document where passages hold several. mask bool (B, T)."""
        steps = torch.arange(mask.shape[1], device=mask.device)
        if document is not None:
            seen = (mask[:, None, :] & _alike(document)) | (steps[:, None] == steps)
            return cls(_anew(document), seen[:, None])
        seen = (mask | (steps == 0))[:, None, None, :].expand(-1, 1, mask.shape[1], -1)
        return cls(steps.expand_as(mask), seen)

    @classmethod
    def begun(cls, mask: Tensor) -> View:
        """Each step sees itself and all before it: enough where padding stands at the end, for nobody looks back at that."""
        return cls(torch.arange(mask.shape[1], device=mask.device).expand_as(mask), None, later=False)

    @classmethod
    def back(cls, mask: Tensor, fresh: int, document: Tensor | None = None) -> View:
        """Each of the last `fresh` steps sees itself and the real ones before it; padding may stand on either side.

        document int (B, T): the number of the one that each step belongs to, where passages hold several. No step sees
        another document, and places begin anew in each."""
        total = mask.shape[1]
        steps = torch.arange(total, device=mask.device)
        asking = steps[total - fresh :, None]
        before = mask[:, None, :] & (asking >= steps)
        seen = (before if document is None else before & _alike(document)[:, total - fresh :]) | (asking == steps)  # (B, T, S)
        places = (mask.long().cumsum(1) - 1).clamp_min(0) if document is None else _anew(document)
        return cls(places[:, total - fresh :], seen[:, None], later=False)

    def turns(self, width: int, base: float, scaling: Scaling | None = None) -> tuple[Tensor, Tensor]:
        """Cosines and sines (B, 1, T, E/2) for heads of this width; every block turns by the same, so they are told once."""
        key = (width, base, scaling)
        if key not in self._turns:
            self._turns[key] = turns(self.places, *key)
        return self._turns[key]


def _alike(document: Tensor) -> Tensor:
    """bool (B, T, T): whether two steps are of one document."""
    return document[:, :, None] == document[:, None, :]


def _anew(document: Tensor) -> Tensor:
    """int64 (B, T): places, counted from 0 at the first step of each document."""
    steps = torch.arange(document.shape[1], device=document.device).expand_as(document)
    begins = torch.ones_like(document, dtype=torch.bool)
    begins[:, 1:] = document[:, 1:] != document[:, :-1]
    return steps - torch.where(begins, steps, torch.zeros_like(steps)).cummax(1).values
