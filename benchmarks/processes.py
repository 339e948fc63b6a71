"""Rows a second of one process and of two, in turn: the best epoch of each training, start-up and judging of the others apart.

python benchmarks/processes.py digits --set training.epochs=20
python benchmarks/processes.py recipes/cifar10_cnn.toml --runs 3 --set training.epochs=1 --set training.batch=256
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from itertools import pairwise
from pathlib import Path


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("recipe")
    words.add_argument("--runs", type=int, default=3)
    words.add_argument("--set", action="append", default=[])
    given = words.parse_args()
    sets = [word for one in given.set for word in ("--set", one)]
    found: dict[int, list[tuple[float, float]]] = {1: [], 2: []}
    with tempfile.TemporaryDirectory() as work:
        for number in range(given.runs):
            for processes, seen in found.items():
                seen.append(trained([given.recipe, *sets], Path(work) / f"{number}-{processes}", processes))
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    for processes, seen in found.items():
        rows = sorted(one[0] for one in seen)
        busy = statistics.median(one[1] for one in seen)
        told = f"{statistics.median(rows):,.0f} rows/s ({rows[0]:,.0f} to {rows[-1]:,.0f}), {busy:.1f} processor seconds"
        sys.stdout.write(f"{processes} process{'es' * (processes > 1):2}  {told}\n")
    ratio = statistics.median(two[0] / one[0] for one, two in zip(found[1], found[2]))
    sys.stdout.write(f"two / one: {ratio:.2f}   (load of the machine at the end: {load:.1f})\n")


def trained(words: list[str], folder: Path, processes: int) -> tuple[float, float]:
    """Rows a second in its best epoch, and the processor seconds of all processes."""
    command = [sys.executable, "-m", "modelwright", "train", *words, "-o", str(folder), "--processes", str(processes), "--json"]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    noted = [json.loads(line) for line in (folder / "journal.jsonl").read_text(encoding="utf-8").splitlines()]
    times = [one["time"] for one in noted if one["event"] in ("train", "epoch")]
    told = json.loads(done.stdout)
    return told["rows"] / min(after - before for before, after in pairwise(times)), told["spent"]["cpu_seconds"]


if __name__ == "__main__":
    main()
