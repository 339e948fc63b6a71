"""Which texts have hashes in common, and how many: a block of texts at a time, from a list of all hashes that lies on the disk.

It is sorted by hash, then by text: whoever shares a hash stands side by side in it. In memory is what one block meets; on the
disk lie 12 bytes for each hash of a text, 4 of its sketch and 8 of the list. D texts, K hashes of one, N hashes of all.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np

from modelwright import vault

MISSING = np.uint32(0xFFFFFFFF)
"""Stands where a text has fewer hashes than others."""
CROWD = 16
"""Of more texts that share a hash, each is compared with the first and with the one before it: the hash is of common words."""
BLOCK = 1 << 11
"""Texts whose meetings are counted at a time: with K = 64 at most 2 million of them, 16 MB."""
AT_ONCE = 1 << 20
"""Hashes that are sorted at a time, or all that are the same."""
ROWS = 1 << 14
"""Texts whose hashes are looked through at a time."""
_TEXT = np.uint64(32)
"""Bits of an entry of the list that tell the text; those above them tell the hash."""


def scratch(shape: tuple[int, ...], dtype: Any) -> np.ndarray:
    """An array on the disk, mapped, zeros at first; it has no name there and goes with the process, even one that is killed."""
    if 0 in shape:
        return np.zeros(shape, dtype)
    with vault.scratch(vault.cache_folder()) as file:
        return np.memmap(file, dtype, "w+", shape=shape)


def meetings(sketches: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """For each block of sketches, uint32 (D, K), a row's hashes all different: first < second, int64 (P,), texts that share
    hashes, and how many these are. Each pair comes once."""
    lies, height = _listed(sketches), len(sketches)
    for start in range(0, height, BLOCK):
        pairs, times = np.unique(_met(lies, sketches[start : start + BLOCK], start, height), return_counts=True)
        first, second = np.divmod(pairs, max(height, 1))
        yield first, second, times


def _entries(sketches: np.ndarray, start: int, low: int, high: int) -> np.ndarray:
    """uint64: hash and text of all hashes from low to below high; the first row is of text `start`."""
    whose, column = np.nonzero((sketches >= low) & (sketches < high))
    return (sketches[whose, column].astype(np.uint64) << _TEXT) | (whose + start).astype(np.uint64)


def _listed(sketches: np.ndarray) -> np.ndarray:
    """uint64 (N,), ascending."""
    starts = range(0, len(sketches), ROWS)
    count = sum(int(np.count_nonzero(sketches[start : start + ROWS] != MISSING)) for start in starts)
    lies, end = scratch((count,), np.uint64), 0
    bounds = np.linspace(0, int(MISSING), 2 + count // AT_ONCE).astype(np.int64)
    for low, high in pairwise(bounds.tolist()):
        some = np.concatenate([_entries(sketches[start : start + ROWS], start, low, high) for start in starts] or [lies])
        some.sort()
        lies[end : end + len(some)] = some
        end += len(some)
    return lies


def _met(lies: np.ndarray, sketches: np.ndarray, start: int, height: int) -> np.ndarray:
    """int64: first * D + second for each hash that a text of the block, the second, shares with one before it."""
    mine = _entries(sketches, start, 0, int(MISSING))
    mine.sort()
    second = (mine & np.uint64(MISSING)).astype(np.int64)
    hashes = mine >> _TEXT << _TEXT
    here, begin = np.searchsorted(lies, mine), np.searchsorted(lies, hashes)
    crowded = np.searchsorted(lies, hashes + (np.uint64(1) << _TEXT)) - begin > CROWD
    place = here - begin

    def pairs(of: np.ndarray, at: np.ndarray) -> np.ndarray:
        first = (lies[at] & np.uint64(MISSING)).astype(np.int64)
        return first * height + second[of]

    met: list[np.ndarray] = []
    for back in range(1, CROWD):
        of = np.flatnonzero(place >= back if back == 1 else (place >= back) & ~crowded)
        met.append(pairs(of, here[of] - back))
    of = np.flatnonzero(crowded & (place > 1))
    met.append(pairs(of, begin[of]))
    return np.concatenate(met)
