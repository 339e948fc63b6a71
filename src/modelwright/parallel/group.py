"""Several processes as one: sums by gloo on the processor, by nccl where each has a GPU. Loads torch."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import torch
import torch.distributed as dist
from torch import Tensor

from modelwright.parallel.gathering import Parted

_files = cast(Any, dist)
"""Those of its names that its types do not export."""


@dataclass(frozen=True)
class Group:
    """A Together of `size` processes. A peer that is gone shows as Parted, in whatever is asked for next."""

    rank: int
    size: int

    @classmethod
    def of(cls, meeting: Path, rank: int, size: int) -> Group:
        """Joins the others at this file, which none of an earlier group has used. Waits until all have come."""
        backend = "gloo"
        if torch.cuda.is_available() and torch.cuda.device_count() >= size:
            torch.cuda.set_device(rank)
            backend = "cpu:gloo,cuda:nccl"
        try:
            dist.init_process_group(backend, store=_files.FileStore(str(meeting), size), rank=rank, world_size=size)
        except (RuntimeError, ValueError) as error:
            raise Parted(str(error)) from error
        return cls(rank, size)

    def mine(self, micros: int) -> range:
        return range(self.rank, micros, self.size)

    def total(self, tensors: Sequence[Tensor]) -> list[Tensor]:
        """All tensors travel as one; each comes back laid out in memory as it was, as a part of that one."""
        flat = torch.cat([_line(tensor) for tensor in tensors])
        try:
            dist.all_reduce(flat)
        except RuntimeError as error:
            raise Parted(str(error)) from error
        parts = flat.split([tensor.numel() for tensor in tensors])
        pairs = zip(tensors, parts, strict=True)
        return [part.to(tensor.dtype).as_strided(tensor.shape, tensor.stride()) for tensor, part in pairs]

    def told(self, make: Callable[[], Any]) -> Any:
        """As JSON: its numbers come back exactly."""
        words = json.dumps(make()).encode() if self.rank == 0 else b""
        length = torch.tensor(len(words))
        try:
            dist.broadcast(length, 0)
            letters = torch.tensor(list(words), dtype=torch.uint8) if words else torch.empty(int(length), dtype=torch.uint8)
            dist.broadcast(letters, 0)
        except RuntimeError as error:
            raise Parted(str(error)) from error
        return json.loads(bytes(letters.tolist()))


def _line(tensor: Tensor) -> Tensor:
    """(N,) its numbers in the order in which they lie in memory, uncopied: weights are dense, whatever their layout."""
    return tensor.as_strided((tensor.numel(),), (1,))
