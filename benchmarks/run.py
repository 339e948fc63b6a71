"""A work by us and by peers in turn, each run a process of its own: medians, ratios, equal accuracy, the physical limit.

    python benchmarks/run.py WORK --peer-python PATH [--data DIR] [--runs 5] [--scale 1]

PATH is a Python with tensorflow-cpu and keras; the torch loop runs on the Python that runs this. See README.md beside this.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
PLAIN = ("--together", "1", "--jit", "auto", "--policy", "float32")
"""Keras as it is when nothing is said."""
PEERS = {
    "mnist_mlp": {"keras": ("keras_mnist", *PLAIN), "keras tuned": ("keras_mnist",), "torch loop": ("torch_mnist",)},
    "sentiment_lstm": {"keras": ("keras_sentiment", *PLAIN), "keras tuned": ("keras_sentiment",)},
    "cifar10_cnn": {"keras": ("keras_cifar10", *PLAIN), "keras tuned": ("keras_cifar10",)},
}
"""Each peer's program in peers/ and its words; tuned is what its documentation offers for speed and was fastest here."""
WARMING = 0.02
"""The share of the rows in the turn that is not counted, which warms up disk and processor."""

Runs = list[dict[str, Any]]


def main() -> None:
    asked = arguments()
    programs = {
        name: [asked.peer_python if name.startswith("keras") else sys.executable, "-m", f"peers.{module}", *words]
        for name, (module, *words) in PEERS[asked.work].items()
    }
    programs["modelwright"] = [sys.executable, "-m", "ours", "--work", asked.work]
    found: dict[str, Runs] = {name: [] for name in programs}
    for turn in range(asked.runs + 1):
        for name, program in programs.items():
            facts = told([*program, str(asked.data.resolve()), "--scale", str(asked.scale if turn else WARMING)])
            if turn:
                found[name].append(facts)
                seconds = f"{facts['warm']:7.2f} s   busy {facts['busy']:7.2f} s   cold {facts['cold']:7.2f} s"
                say(f"{turn}  {name:12} {seconds}   accuracy {facts['accuracy']:.4f}")
    summarise(asked.work, found)


def arguments() -> argparse.Namespace:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("work", choices=tuple(PEERS))
    asked.add_argument("--peer-python", required=True)
    asked.add_argument("--data", type=Path, default=HERE.parent / "data")
    asked.add_argument("--runs", type=int, default=5)
    asked.add_argument("--scale", type=float, default=1.0, help="the share of the rows to learn from")
    return asked.parse_args()


def told(program: list[str]) -> dict[str, Any]:
    """The line of JSON that a program ends with."""
    done = subprocess.run(program, cwd=HERE, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    return json.loads(done.stdout.splitlines()[-1])


def summarise(work: str, found: dict[str, Runs]) -> None:
    from modelwright import machine

    facts, ours = machine.facts(), found["modelwright"]
    place = f"{facts['processor']}, {facts['cores']} cores, torch {facts['torch']}"
    say(f"\n{work} on {place}; seconds of a fit, median of {len(ours)} (min to max)")
    for name, runs in found.items():
        seconds = sorted(run["warm"] for run in runs)
        words = f"{name:12} {middle(runs, 'warm'):7.2f} ({seconds[0]:.2f} to {seconds[-1]:.2f})"
        words += f"   busy {middle(runs, 'busy'):7.2f}   cold {middle(runs, 'cold'):7.2f}"
        words += f"   accuracy {middle(runs, 'accuracy'):.4f}"
        if name != "modelwright":
            share, busy = (middle(ours, key) / middle(runs, key) for key in ("warm", "busy"))
            words += f"   ours / this: {share:.3f} (busy {busy:.3f})   equal accuracy: {equal(ours, runs)}"
        say(words)
    say(*(f"our way: {way}" for way in sorted({run["way"] for run in ours})), sep="\n")
    limit(ours)


def middle(runs: Runs, key: str) -> float:
    return statistics.median(run[key] for run in runs)


def equal(ours: Runs, theirs: Runs) -> str:
    """yes, unless ours is below by more than 95 % of differences between two such models on so many test rows."""
    mine, other, tested = middle(ours, "accuracy"), middle(theirs, "accuracy"), ours[0]["rows"]
    margin = 1.96 * math.sqrt((mine * (1 - mine) + other * (1 - other)) / tested)
    return f"{'yes' if mine > other - margin else 'NO'} ({mine - other:+.4f}, margin {margin:.4f})"


def limit(ours: Runs) -> None:
    """The seconds that the arithmetic alone takes at the roof of this machine, and which share of ours that is."""
    run = min(ours, key=lambda run: run["warm"])
    roofs = told([sys.executable, "-m", "roof"])
    roof = roofs[f"{run['dtype']} {run['threads']}"]
    alone = run["flops"] / roof
    words = f"{run['flops'] / 1e12:.2f} TFLOP at {roof / 1e9:.0f} GFLOP/s ({run['dtype']}, {run['threads']} threads)"
    say(f"limit: {words} are {alone:.2f} s, {alone / run['warm']:.0%} of our quickest fit")


def say(*words: str, sep: str = " ") -> None:
    sys.stdout.write(sep.join(words) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
