"""Batches with addresses, from encoded rows in memory: the same (step, micro) gives the same batch, always.

An epoch's order is a function of (seed, epoch) and the row ids. No row is left out of an epoch and none comes twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from modelwright.data.augmentation import Change, augment
from modelwright.data.draws import draws
from modelwright.nouns import Batch, Refused
from modelwright.wording import say

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

    from modelwright.data.codecs.documents.masking import Hiding
    from modelwright.data.codecs.spans.cutting import Cutting

STEPS = {"mask": ("inputs", "mask", "next", "bears", "document", "tags")}
"""What has as many steps as a mask, where there is one."""
REPLIES = {"mask": ("inputs", "mask"), "before_mask": ("before", "before_mask", "next", "bears")}
"""The same of texts with replies, which have a length of their own."""
GAPS = {**REPLIES, "whole_mask": ("whole", "whole_mask")}
"""And of texts of which parts are cut out anew in each epoch."""
SIDES = {"mask": ("inputs", "mask"), "other_mask": ("other", "other_mask")}
"""The same of pairs of texts ..."""
AGAINST = {**SIDES, "against_mask": ("against", "against_mask")}
"""... and of those with a third that means something else."""
PLACES = 32
"""Bits for the place of a piece in its row."""
POOL = 50
"""Batches that are sorted by length together, so that a batch of texts is about as long as each of its texts."""


class Feed:
    """A batch is `batch` rows; each is cut in `micros` parts as equal as can be. The last batch of an epoch may be smaller."""

    def __init__(
        self, tensors: Batch, batch: int, seed: int, micros: int = 1, augmentation: Sequence[Change] = (), shuffle: bool = True,
        hiding: Hiding | Cutting | None = None,
    ) -> None:  # fmt: skip
        import numpy as np

        if not len(tensors["row"]):
            raise Refused(say("There is no row to train on."))
        self.tensors, self.size, self.seed, self.augmentation, self.shuffle = tensors, batch, seed, augmentation, shuffle
        self._micros, self._hiding = micros, hiding
        self._ids = own_ids(tensors)
        self._real = lengths(tensors)
        self._lengths: np.ndarray | None = np.sum([*self._real.values()], axis=0) if self._real else None
        self._epoch = -1
        self._order: Tensor
        self._bounds: list[tuple[int, int]]

    def __len__(self) -> int:
        return len(self._ids)

    @property
    def steps_per_epoch(self) -> int:
        return -(-len(self) // self.size)

    @property
    def micros(self) -> int:
        return self._micros

    @property
    def height(self) -> int:
        """Rows of the largest micro-batch."""
        return -(-min(self.size, len(self)) // self._micros)

    def batch(self, step: int, micro: int = 0) -> Batch:
        """Part `micro` of the batch of this step, steps counted from 0 through all epochs; tokens cut to its longest text."""
        epoch, place = divmod(step, self.steps_per_epoch)
        self._turn_to(epoch)
        first, last = self._bounds[place]
        height = last - first
        start, stop = first + height * micro // self._micros, first + height * (micro + 1) // self._micros
        picked = self._order[start:stop]
        return self._finished(gathered(self.tensors, picked), picked.numpy(), epoch)

    def heaviest(self) -> int:
        """The step of the first epoch whose batch holds most: the longest texts, or as many rows as any other."""
        return max(range(self.steps_per_epoch), key=lambda step: self.cells([step])) if self._lengths is not None else 0

    def cells(self, steps: Iterable[int]) -> int:
        """Rows of these steps of an epoch, each times the longest of its batch."""
        each = self._cells
        return sum(each[step % len(each)] for step in steps)

    @cached_property
    def _cells(self) -> list[int]:
        order, bounds = self.order(0)
        lengths = self._lengths
        longest = [1 if lengths is None else max(1, int(lengths[order[start:stop]].max())) for start, stop in bounds]
        return [(stop - start) * long for (start, stop), long in zip(bounds, longest)]

    def in_order(self, size: int) -> Iterator[Batch]:
        """All rows as they came, `size` at a time, never augmented: for evaluation."""
        return batches(self.tensors, size)

    def order(self, epoch: int) -> tuple[np.ndarray, list[tuple[int, int]]]:
        """Positions (N,) in the order of this epoch, and for each step where its batch starts and stops in it."""
        import numpy as np

        bounds = [(start, min(start + self.size, len(self))) for start in range(0, len(self), self.size)]
        if not self.shuffle:
            return np.arange(len(self)), bounds
        order = np.argsort(draws(self._ids, "order", self.seed, epoch), kind="stable")
        if self._lengths is not None:
            pool = POOL * self.size
            pools = (order[start : start + pool] for start in range(0, len(order), pool))
            order = np.concatenate([rows[np.argsort(self._lengths[rows], kind="stable")] for rows in pools])
            turns = np.argsort(draws(np.arange(len(bounds)), "turns", self.seed, epoch), kind="stable")
            bounds = [bounds[turn] for turn in turns.tolist()]
        return order, bounds

    def _turn_to(self, epoch: int) -> None:
        import torch

        if epoch == self._epoch:
            return
        order, self._bounds = self.order(epoch)
        self._order = torch.from_numpy(order)
        self._epoch = epoch

    def _finished(self, batch: Batch, picked: np.ndarray, epoch: int) -> Batch:
        real = {mask: each[picked] for mask, each in self._real.items()}
        if len(picked):
            batch = trimmed(batch, {mask: int(each.max()) for mask, each in real.items()})
        if self._hiding is not None:
            batch = self._hiding(batch, self._ids[picked], self.seed, epoch)
        if self.augmentation:
            changed = augment(batch["inputs"], self.augmentation, self._ids[picked], self.seed, epoch, real.get("mask"))
            batch = {**batch, "inputs": changed}
        return batch


def own_ids(tensors: Batch) -> np.ndarray:
    """int64 (B,) a number of its own for each row or, where rows are cut, for each piece; the same in whatever company."""
    ids = tensors["row"].cpu().numpy()
    return ids if "place" not in tensors else (ids << PLACES) + tensors["place"].cpu().numpy()


def gathered(tensors: Batch, positions: Tensor) -> Batch:
    return widened({name: tensor.index_select(0, positions.to(tensor.device)) for name, tensor in tensors.items()})


def widened(batch: Batch) -> Batch:
    """Tokens as int64, as losses want them; on a disk they lie narrower."""
    import torch

    return {name: tensor.long() if tensor.dtype == torch.int32 else tensor for name, tensor in batch.items()}


def steps(batch: Batch) -> Mapping[str, tuple[str, ...]]:
    """By the name of each mask what has as many steps; nothing where rows have no length."""
    if "mask" not in batch:
        return {}
    if "whole_mask" in batch:
        return GAPS
    if "other_mask" in batch:
        return AGAINST if "against_mask" in batch else SIDES
    return REPLIES if "before_mask" in batch else STEPS


def lengths(batch: Batch) -> dict[str, np.ndarray]:
    """By the name of each mask int64 (B,), the real steps of each row."""
    return {mask: batch[mask].sum(dim=1).cpu().numpy() for mask in steps(batch)}


def trimmed(batch: Batch, longest: Mapping[str, int]) -> Batch:
    """The batch without the steps that are padding in every row, by mask the longest of them; one step stays."""
    most = {name: max(longest[mask], 1) for mask, names in steps(batch).items() for name in names}
    return {name: tensor[:, : most[name]] if name in most else tensor for name, tensor in batch.items()}


def batches(tensors: Batch, size: int) -> Iterator[Batch]:
    """All rows in their order, `size` at a time, texts cut to the longest of their batch."""
    real = lengths(tensors)
    for start in range(0, len(tensors["row"]), size):
        batch = widened({name: tensor[start : start + size] for name, tensor in tensors.items()})
        yield trimmed(batch, {mask: int(each[start : start + size].max()) for mask, each in real.items()})
