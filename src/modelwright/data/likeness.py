"""How alike texts are: the share of all their shingles that two of them have in common, and which are worth comparing.

A shingle is WIDE bytes of a text in small letters, its words one space apart and its signs left out: four Chinese characters,
two or three English words. A text's sketch (MinHash) are the KEPT smallest of their hashes (A. Broder, On the resemblance and
containment of documents, 1997), of which two texts have about as large a share in common. Sketches only tell whom to compare:
the likeness is counted on all shingles. Sketches lie on the disk and meet by blocks (meeting.py). D texts, S shingles of one.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

import numpy as np
import polars as pl

from modelwright.data.meeting import MISSING, meetings, scratch

WIDE = 12
KEPT = 64
DOUBT = 0.18
"""A sketch errs by 0.054 where 0.25 are shared: what it says may be too small by so much and is compared all the same, so that
of such pairs one in 10,000 is missed."""
ENOUGH = 4096
"""Of so many of a long text's smallest hashes KEPT different ones are found, but for a text that repeats itself."""
AT_ONCE = 1 << 23
"""Bytes of texts that are looked at at a time."""
PAIRS = {"first": pl.Int64, "second": pl.Int64, "likeness": pl.Float64}
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
    sketches, place = scratch((len(texts), KEPT), np.uint32), 0
    for some in _some(texts):
        for text in folded(some):
            sketches[place] = _lower(sketch(text.encode()))
            place += 1
    longest = int(texts.str.len_bytes().max() or 1)  # pyright: ignore[reportArgumentType]  polars: any cell
    shingles = lru_cache(min(64, 2 + AT_ONCE // longest))(lambda place: _distinct(folded(texts.slice(place, 1)).item()))
    found = [pl.DataFrame(schema=PAIRS)]
    for first, second in _candidates(sketches, least):
        shares = [_shared(shingles(one), shingles(other)) for one, other in zip(first.tolist(), second.tolist())]
        block = pl.DataFrame([first, second, np.array(shares, np.float64)], PAIRS)
        found.append(block.filter(pl.col("likeness") >= least))
    return pl.concat(found).sort("first", "second")


def _lower(sketched: np.ndarray) -> np.ndarray:
    """uint32 (KEPT,): the lower halves tell hashes apart well enough; of two that are the same, one."""
    made = np.full(KEPT, MISSING)
    some = np.unique(sketched[sketched < np.iinfo(np.uint64).max].astype(np.uint32))
    made[: len(some)] = some
    return made


def _candidates(sketches: np.ndarray, least: float) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """For each block first and second, int64 (P,), texts whose sketches, uint32 (D, KEPT), say that they may be that alike."""
    for first, second, shared in meetings(sketches):
        most = np.maximum(*((sketches[places] != MISSING).sum(1) for places in (first, second)))
        near = shared >= (least - DOUBT) * most
        yield first[near], second[near]


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
