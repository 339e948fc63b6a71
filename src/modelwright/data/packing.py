"""Short pieces of texts share a passage, so that next to none of it is padding. B pieces, P passages, T time.

Best fit: the longest piece that is left opens a passage, and of all the others those share it that fill it best (the smallest
slack, J. Gupta and J. Ho 1999; why texts are not cut for this: https://arxiv.org/abs/2404.10830). Which piece lies where
follows from lengths and ids alone, not from the order of rows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelwright.data.codecs import Conversations, Documents
from modelwright.data.draws import draws
from modelwright.data.feed import STEPS, own_ids
from modelwright.nouns import Batch, Encoding

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np


def packed(batch: Batch, encoding: Encoding) -> Batch:
    """Passages in place of pieces, where the codec orders that: what has as many steps as the mask, laid side by side; and
    `document` int32 (P, T), which tells the pieces of a passage apart: 1, 2, ..., 0 where nothing lies.

    A passage bears row and place of its first piece, the bytes of all, and how many texts are `begun` in it. Sums over steps
    stay what they were."""
    import numpy as np
    import torch

    if not isinstance(encoding, (Documents, Conversations)) or not encoding.packing:
        return batch
    if not len(batch["row"]):
        return {**batch, "document": batch["mask"].int(), "begun": batch["place"]}
    mask = batch["mask"].numpy()
    lengths, ids = mask.sum(1), own_ids(batch)
    passage, start = best_fit(lengths, encoding.longest, draws(ids, "pack"))
    count, wide = int(passage.max()) + 1, int((start + lengths).max())
    firsts = np.cumsum(lengths) - lengths
    places = np.repeat(passage * wide + start - firsts, lengths) + np.arange(lengths.sum())

    def laid(values: np.ndarray) -> torch.Tensor:
        """Values of all real steps, piece after piece -> (P, T)."""
        whole = np.zeros(count * wide, values.dtype)
        whole[places] = values
        return torch.from_numpy(whole.reshape(count, wide))

    found = {name: laid(tensor.numpy()[mask]) for name, tensor in batch.items() if name in STEPS["mask"]}
    found["document"] = laid(np.repeat(_ranks(passage, start), lengths))
    head = np.flatnonzero(start == 0)
    head = torch.from_numpy(head[np.argsort(passage[head])])
    sums = {"bytes": batch["bytes"].numpy(), "begun": (batch["place"] == 0).numpy()}
    summed = {name: torch.from_numpy(np.bincount(passage, each, count).astype(np.int64)) for name, each in sums.items()}
    return {**found, **summed, "row": batch["row"][head], "place": batch["place"][head]}


def best_fit(lengths: np.ndarray, most: int, ties: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """int64 (B,) each: the passage of a piece, and where in it the piece starts. 1 <= length <= most; of pieces as long as one
    another the one with the smaller tie goes first."""
    import numpy as np

    passage, start = np.empty_like(lengths), np.empty_like(lengths)
    left = np.bincount(lengths, minlength=most + 1).tolist()
    order = np.lexsort((ties, lengths))
    next_of = (np.cumsum(left) - left).tolist()  # where in this order the next piece of each length stands
    count = 0
    for longest in range(most, 0, -1):
        while left[longest]:
            left[longest] -= 1
            pattern = [longest, *_fullest(left, most - longest)]
            left[longest] += 1
            times = min(left[length] // pattern.count(length) for length in set(pattern))
            passages, first = np.arange(count, count + times), 0
            for length in pattern:
                chosen = order[next_of[length] : next_of[length] + times]
                passage[chosen], start[chosen] = passages, first
                next_of[length] += times
                left[length] -= times
                first += length
            count += times
    return passage, start


def _fullest(left: Sequence[int], room: int) -> list[int]:
    """Lengths, of each at most as many as are left, that fill the room as far as can be; where there is a choice those of which
    most are left, so that none is left over that nothing goes with."""
    reached = [1]  # bit s: some of the lengths looked at so far sum to s
    lengths = sorted((length for length in range(room, 0, -1) if left[length]), key=left.__getitem__, reverse=True)
    for length in lengths:
        sums, times, shift = reached[-1], min(left[length], room // length), 1
        while times:
            shift = min(shift, times)
            sums |= sums << (shift * length)
            times, shift = times - shift, 2 * shift
        reached.append(sums & ((2 << room) - 1))
        if reached[-1] >> room:
            break
    total, found = reached[-1].bit_length() - 1, list[int]()
    for length, before in zip(reversed(lengths[: len(reached) - 1]), reversed(reached[:-1])):
        while not before >> total & 1:
            total -= length
            found.append(length)
    return found[::-1]


def _ranks(passage: np.ndarray, start: np.ndarray) -> np.ndarray:
    """int32 (B,): 1 for the first piece of its passage, 2 for the next."""
    import numpy as np

    order = np.lexsort((start, passage))
    first = np.flatnonzero(np.diff(passage[order], prepend=-1))
    ranks = np.empty(len(order), np.int32)
    ranks[order] = np.arange(len(order)) - np.repeat(first, np.diff(first, append=len(order))) + 1
    return ranks
