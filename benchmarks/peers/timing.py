"""How a fit is timed, for every peer: the first of a process (cold), and the same again from the same weights (warm)."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path


def arguments(**options: tuple[str, ...]) -> argparse.Namespace:
    """DATA, --scale and these options, the first choice of each as its default."""
    asked = argparse.ArgumentParser()
    asked.add_argument("data", type=Path)
    asked.add_argument("--scale", type=float, default=1.0)
    for name, choices in options.items():
        asked.add_argument(f"--{name}", choices=choices, default=choices[0])
    return asked.parse_args()


def report(begin: Callable[[], None], fit: Callable[[], None], accuracy: Callable[[], float], epochs: int) -> None:
    """Prints one line of JSON. begin() makes or resets the model; compiling falls into the cold fit.

    Busy are the processor seconds of the warm fit, all cores together: time that other programs take is not in them."""
    seconds, busy = list[float](), 0.0
    for _ in ("cold", "warm"):
        started, busy = time.perf_counter(), time.process_time()
        begin()
        fit()
        seconds.append(time.perf_counter() - started)
        busy = time.process_time() - busy
    facts = {"cold": seconds[0], "warm": seconds[1], "busy": busy, "accuracy": accuracy(), "epochs": epochs}
    sys.stdout.write(json.dumps(facts) + "\n")
