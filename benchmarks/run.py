"""A work by us and by a peer in turn, each run a process of its own: medians, ratio, equal accuracy, share of the physical limit.

    python benchmarks/run.py WORK --peer-python PATH [--data DIR] [--runs 5] [--scale 1]

PATH is a Python with tensorflow-cpu and keras; the torch loop runs on the Python that runs this. See README.md beside this file.
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
PEERS = {
    "mnist_mlp": {"keras": "peers.keras_mnist", "torch loop": "peers.torch_mnist"},
    "sentiment_lstm": {"keras": "peers.keras_sentiment"},
    "cifar10_cnn": {"keras": "peers.keras_cifar10"},
}

Runs = list[dict[str, Any]]


def main() -> None:
    asked = arguments()
    rest = [str(asked.data.resolve()), "--scale", str(asked.scale)]
    programs = {
        name: [asked.peer_python if name == "keras" else sys.executable, "-m", module, *rest]
        for name, module in PEERS[asked.work].items()
    }
    programs["modelwright"] = [sys.executable, "-m", "ours", *rest, "--work", asked.work]
    found: dict[str, Runs] = {name: [] for name in programs}
    for turn in range(asked.runs + 1):
        for name, program in programs.items():
            facts = told(program)
            if turn:  # the first turn warms up the disk and the processor
                found[name].append(facts)
                say(f"{turn}  {name:12} {facts['warm']:7.2f} s   cold {facts['cold']:7.2f} s   accuracy {facts['accuracy']:.4f}")
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
    say(f"\n{work} on {facts['processor']}, {facts['cores']} cores, torch {facts['torch']}; seconds of a fit, median of {len(ours)} (min to max)")
    for name, runs in found.items():
        seconds = sorted(run["warm"] for run in runs)
        words = f"{name:12} {middle(runs, 'warm'):7.2f} ({seconds[0]:.2f} to {seconds[-1]:.2f})"
        words += f"   cold {middle(runs, 'cold'):7.2f}   accuracy {middle(runs, 'accuracy'):.4f}"
        if name != "modelwright":
            share, best = middle(ours, "warm") / middle(runs, "warm"), min(run["warm"] for run in ours) / seconds[0]
            words += f"   ours / this: {share:.3f} (least / least {best:.3f})   equal accuracy: {equal(ours, runs)}"
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
