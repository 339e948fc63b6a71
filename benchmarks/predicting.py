"""Rows a second of `modelwright predict` by a model and by the smaller one made of it, in turn, the program's start counted.

    python benchmarks/predicting.py runs/sentiment_lstm/original runs/sentiment_lstm/artifact ROWS [--turns 5] [--key value ...]

ROWS and what follows it are what `modelwright predict` is told. Bytes are those of all files of an artifact.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("artifacts", nargs=2, type=Path, metavar=("MODEL", "SMALLER"))
    words.add_argument("rows")
    words.add_argument("--turns", type=int, default=5)
    asked, more = words.parse_known_args()
    found: dict[Path, list[tuple[float, float]]] = {one: [] for one in asked.artifacts}
    for turn in range(asked.turns + 1):
        for artifact, seen in found.items():
            took = predicted(artifact, [asked.rows, *more])
            if turn:  # the first warms up the disk
                seen.append(took)
    for artifact, seen in found.items():
        wall, busy = ([one[place] for one in seen] for place in (0, 1))
        spread = f"({min(wall):.2f} to {max(wall):.2f})"
        told = f"{statistics.median(wall):7.2f} s {spread}   {statistics.median(busy):7.2f} processor seconds"
        sys.stdout.write(f"{artifact}   {told}   {size(artifact):,} bytes\n")
    model, smaller = (found[one] for one in asked.artifacts)
    ratios = [statistics.median(one[place] / two[place] for one, two in zip(model, smaller)) for place in (0, 1)]
    share = size(asked.artifacts[0]) / size(asked.artifacts[1])
    told = f"{ratios[0]:.2f} times the rows a second, {ratios[1]:.2f} a processor second, 1/{share:.1f} of the bytes"
    sys.stdout.write(f"{told}   (load of the machine at the end: {os.getloadavg()[0]:.1f})\n")


def predicted(artifact: Path, rows: list[str]) -> tuple[float, float]:
    """Seconds by the clock, and of the processor."""
    with tempfile.TemporaryDirectory() as work:
        command = [sys.executable, "-m", "modelwright", "predict", str(artifact), *rows, "-o", str(Path(work) / "answers.csv")]
        began, before = time.perf_counter(), spent()
        done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
        if done.returncode:
            raise SystemExit(done.stderr)
        return time.perf_counter() - began, spent() - before


def spent() -> float:
    of_children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return of_children.ru_utime + of_children.ru_stime


def size(artifact: Path) -> int:
    return sum(path.stat().st_size for path in artifact.rglob("*") if path.is_file())


if __name__ == "__main__":
    main()
