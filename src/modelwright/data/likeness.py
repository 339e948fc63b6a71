"""How alike texts are: the share of all their shingles that two of them have in common, and which are worth comparing.

A shingle is WIDE bytes of a text in small letters, its words one space apart and its signs left out: four Chinese characters,
two or three English words. A text's sketch (MinHash) are the KEPT smallest of their hashes (A. Broder, On the resemblance and
containment of documents, 1997), of which two texts have about as large a share in common. Sketches only tell whom to compare:
the likeness is counted on all shingles. D texts, S shingles of one.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

import numpy as np
import polars as pl

WIDE = 12
KEPT = 64
DOUBT = 0.18
"""A sketch errs by 0.054 where 0.25 are shared: what it says may be too small by so much and is compared all the same, so that
of such pairs one in 10,000 is missed."""
CROWD = 16
"""Of more texts that share a hash, each is compared with the first and with the one before it: the hash is of common words."""
ENOUGH = 4096
"""Of so many of a long text's smallest hashes KEPT different ones are found, but for a text that repeats itself."""
AT_ONCE = 1 << 23
"""Bytes of texts that are looked at at a time."""
PARTS = 16
"""In so many parts hashes are compared, for the sake of memory."""
MISSING = np.uint32(0xFFFFFFFF)
_NO_SIGN = r"[^\p{L}\p{N}]+"


def folded(texts: pl.Series) -> pl.Series:
    """What is compared of them."""
    return texts.str.to_lowercase().str.replace_all(_NO_SIGN, " ").str.strip_chars()


def hashes(text: bytes) -> np.ndarray:
    """uint64 (S,): one for each shingle, in order; of a text shorter than one shingle, one of the whole of it."""
    padded = text.ljust(WIDE, b"\0") + b"\0" * 4
    count = len(padded) - WIDE - 3
    first, last = (np.ndarray(count, "<u8", padded, start, (1,)) for start in (0, WIDE - 8))
    state = first * np.uint64(0x9E3779B97F4A7C15) ^ (last + np.uint64(0x632BE59BD9B4E019)) * np.uint64(0xD6E8FEB86659FD93)
    state ^= state >> np.uint64(30)
    state *= np.uint64(0xBF58476D1CE4E5B9)
    state ^= state >> np.uint64(27)
    state *= np.uint64(0x94D049BB133111EB)
    return state ^ (state >> np.uint64(31))


def sketch(text: bytes) -> np.ndarray:
    """uint64 (KEPT,) ascending, the smallest that differ; what is missing is the largest number."""
    found = hashes(text)
    some = np.unique(np.partition(found, ENOUGH)[:ENOUGH] if len(found) > ENOUGH else found)
    if len(some) < KEPT and len(found) > ENOUGH:
        some = np.unique(found)
    made = np.full(KEPT, np.iinfo(np.uint64).max)
    made[: min(KEPT, len(some))] = some[:KEPT]
    return made


def alike(texts: pl.Series, least: float) -> pl.DataFrame:
    """Pairs of texts, first < second as places, that share at least this of their shingles: columns first, second and likeness,
    0 < likeness <= 1. Of long texts few are copied at a time."""
    found: list[tuple[int, int, float]] = []
    sketches, place = np.empty((len(texts), KEPT), np.uint32), 0
    for some in _some(texts):
        for text in folded(some):
            sketches[place] = sketch(text.encode()).astype(np.uint32)  # the lower half tells them apart well enough
            place += 1
    shingles = lru_cache(maxsize=64)(lambda place: _distinct(folded(texts.slice(place, 1)).item()))
    for first, second in _candidates(sketches, least):
        share = _shared(shingles(first), shingles(second))
        if share >= least:
            found.append((first, second, share))
    return pl.DataFrame(found, {"first": pl.Int64, "second": pl.Int64, "likeness": pl.Float64}, orient="row")


def _some(texts: pl.Series) -> Iterator[pl.Series]:
    """All, AT_ONCE bytes at a time or so."""
    ends = np.cumsum(texts.str.len_bytes().to_numpy(), dtype=np.int64) // AT_ONCE
    starts = np.flatnonzero(np.diff(ends, prepend=-1))
    for start, stop in zip(starts, np.append(starts[1:], len(texts))):
        yield texts.slice(int(start), int(stop - start))


def likeness(one: str, other: str) -> float:
    """The shingles of both over those of either (Jaccard)."""
    return _shared(_distinct(one), _distinct(other))


def _shared(mine: np.ndarray, theirs: np.ndarray) -> float:
    both = len(np.intersect1d(mine, theirs, assume_unique=True))
    return both / (len(mine) + len(theirs) - both)


def _distinct(text: str) -> np.ndarray:
    return np.unique(hashes(text.encode()))


def _candidates(sketches: np.ndarray, least: float) -> Iterator[tuple[int, int]]:
    """Pairs of texts whose sketches, uint32 (D, KEPT), say that they may be that much alike; ascending."""
    met = [_meeting(sketches, part) for part in range(PARTS)]
    pairs, times = np.unique(np.concatenate(met), return_counts=True)
    first, second = np.divmod(pairs, len(sketches))
    real = (sketches != MISSING).sum(1)
    shared = times / np.maximum(real[first], real[second])
    for place in np.flatnonzero(shared >= least - DOUBT).tolist():
        yield int(first[place]), int(second[place])


def _meeting(sketches: np.ndarray, part: int) -> np.ndarray:
    """int64 (P,): first * D + second of texts with a hash in common, once for each; of a part of all hashes."""
    whose, column = np.nonzero((sketches % PARTS == part) & (sketches != MISSING))
    flat = sketches[whose, column]
    order = np.argsort(flat, kind="stable")  # texts stay in order within each hash
    whose, flat = whose[order], flat[order]
    starts = np.flatnonzero(np.diff(flat, prepend=~flat[:1]))
    height = np.diff(starts, append=len(flat))
    place = np.arange(len(flat)) - np.repeat(starts, height)
    crowded = np.repeat(height > CROWD, height)
    met: list[np.ndarray] = []
    for back in range(1, CROWD):
        second = np.flatnonzero((place >= back) & ~crowded)
        met.append(whose[second - back] * len(sketches) + whose[second])
    crowd = np.flatnonzero(crowded & (place > 0))
    met.append(whose[crowd - 1] * len(sketches) + whose[crowd])
    crowd = crowd[place[crowd] > 1]
    met.append(whose[crowd - place[crowd]] * len(sketches) + whose[crowd])
    return np.concatenate(met)
