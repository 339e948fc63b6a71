"""How far the gradients of an update's micro-batches lie apart: what noise.py makes its figure of. Loads torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

import torch
from torch import Tensor

from modelwright.nouns import Aim, Batch

_kernels = cast(Any, torch)


def start(device: torch.device) -> Tensor:
    return torch.zeros(6, dtype=torch.float32 if device.type == "mps" else torch.float64, device=device)


class Apart:
    """What is seen of one update. Few kernels: of a small network's update each is a hundredth."""

    def __init__(self, aim: Aim) -> None:
        self._aim = aim
        self._norms: list[Tensor] = []
        self._counts: list[Tensor] = []
        self._rows: list[int] = []

    def add(self, batch: Batch, slopes: Sequence[Tensor]) -> None:
        """One micro-batch, before its slopes are added to others'."""
        (count,) = self._aim.counts(batch).values()
        self._norms.append(torch.linalg.vector_norm(torch.stack(_kernels._foreach_norm(slopes))))
        self._counts.append(count)
        self._rows.append(len(batch["row"]))

    def sums(self, counts: Mapping[str, Tensor]) -> Tensor:
        """(3,) over its micro-batches, which several processes add up: of |w_i g_i|^2 / w_i, w_i / b_i and w_i^2 / b_i.

        counts: of the whole update, of an objective of one term. What has no rows or bears no weight adds nothing."""
        (whole,) = counts.values()
        norms, each = torch.stack([*self._norms, *self._counts]).chunk(2)
        share, rows = each / whole, torch.tensor(self._rows, dtype=each.dtype, device=each.device)
        found = torch.stack([norms.square() / share, share / rows, share.square() / rows])
        return found.where(share > 0, 0.0).sum(1)


def keep(tallies: Tensor, sums: Tensor, norm: Tensor, bad: Tensor) -> None:
    """Adds what an update says, unless it was bad or came of one micro-batch alone. norm () of all its slopes together."""
    squares, shares, own = sums.unbind()
    between, square = shares - own, norm.square()
    noise = (squares - square) / between
    told = torch.stack([torch.ones_like(noise), noise, square - noise * own])
    told = told.where((between > 1e-6 * shares) & (bad == 0), 0.0).to(tallies.dtype)
    tallies.add_(torch.cat([told, told[1:].square(), told[1:].prod(0, keepdim=True)]))
