"""The seconds until `modelwright --help` and a wrong recipe have answered: median of eleven processes, after one to warm up.

    python benchmarks/cli.py
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

RUNS = 11
WRONG = """format = 1
data = {kind = "csv", path = "none.csv"}
codec = {kind = "columns", label = "y"}
model = {kind = "mlp", widht = [3]}
training = {epochs = 3}
"""


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        recipe = Path(folder) / "wrong.toml"
        recipe.write_text(WRONG, encoding="utf-8")
        for name, words, code in (("--help", ["--help"], 0), ("wrong recipe", ["run", str(recipe)], 2)):
            seconds = [answered(words, code) for _ in range(1 + RUNS)][1:]
            low, middle, high = min(seconds), statistics.median(seconds), max(seconds)
            sys.stdout.write(f"modelwright {name:12}  {middle:.3f} s  ({low:.3f} to {high:.3f})\n")


def answered(words: list[str], code: int) -> float:
    """Seconds of one process, its start included."""
    started = time.perf_counter()
    done = subprocess.run([sys.executable, "-m", "modelwright", *words], capture_output=True, check=False)
    seconds = time.perf_counter() - started
    if done.returncode != code:
        raise SystemExit(f"modelwright {' '.join(words)} gave {done.returncode}, not {code}: {done.stderr.decode()}")
    return seconds


if __name__ == "__main__":
    main()
