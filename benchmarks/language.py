"""Training tokens per second of a small GPT: ours, transformers.Trainer, litgpt and a hand-written torch loop, in turn.

    python benchmarks/language.py TEXT --size 0.8M --trainer-python PATH --litgpt-python PATH [--turns 3] [--steps 60]

TEXT is one long file of text. All read the same passages in the same order at the same rate. Medians, ratios to each, the mean
loss of the last quarter of the steps, and the share of the measured roof of matrix products. Processor seconds are told beside
the clock's: on a machine with other work to do they are the ones to trust.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

import torch
from passages import SIZES

HERE = Path(__file__).parent
OURS = "modelwright, compiled"
"""As it is at its best: bfloat16, the step compiled; that is told beside it as it comes."""


def main() -> None:
    asked = arguments()
    found: dict[str, list[dict[str, float]]] = {}
    for turn in range(asked.turns):
        for name, (python, module, *words) in programs(asked).items():
            orders = [str(asked.text.resolve()), "--size", asked.size, "--steps", str(asked.steps), *words]
            facts = told([python, "-m", module, *orders], asked.threads)
            found.setdefault(name, []).append(facts)
            pace = f"{facts['tokens']:8,.0f} a second   {facts['per_processor_second']:8,.0f} a processor second"
            say(f"{turn + 1}  {name:20} {pace}   loss {facts['loss']:.3f}")
    summarise(asked, found)


def arguments() -> argparse.Namespace:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("text", type=Path)
    asked.add_argument("--size", choices=tuple(SIZES), default="0.8M")
    asked.add_argument("--trainer-python")
    asked.add_argument("--litgpt-python")
    asked.add_argument("--turns", type=int, default=3)
    asked.add_argument("--steps", type=int, default=60)
    asked.add_argument("--threads", type=int, default=1)
    asked.add_argument("--compiled", action="store_true", help="litgpt compiled, as its command line has it")
    return asked.parse_args()


def programs(asked: argparse.Namespace) -> dict[str, tuple[str, ...]]:
    """By name: a Python, a program, and its words."""
    peers = {"trainer": (asked.trainer_python, "peers.trainer_gpt"), "litgpt": (asked.litgpt_python, "peers.litgpt_gpt")}
    own = {"torch loop": (sys.executable, "peers.torch_gpt"), "modelwright": (sys.executable, "ours_gpt")}
    found: dict[str, tuple[str, ...]] = {}
    for name, (python, module) in {**peers, **own}.items():
        more = ("--compiled",) if asked.compiled and name == "litgpt" else ()
        for dtype in ("float32", "bfloat16"):
            if python:
                found[f"{name}, {dtype}"] = (python, module, "--dtype", dtype, *more)
    found["modelwright, compiled"] = (sys.executable, "ours_gpt", "--dtype", "bfloat16", "--compiled")
    return found


def told(program: list[str], threads: int) -> dict[str, float]:
    """The line of JSON that a program ends with."""
    paths = os.pathsep.join([str(HERE), os.environ.get("PYTHONPATH", "")])
    around = {**os.environ, "PYTHONPATH": paths, "OMP_NUM_THREADS": str(threads), "MKL_NUM_THREADS": str(threads)}
    done = subprocess.run(program, cwd=HERE, env=around, capture_output=True, encoding="utf-8", check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    return json.loads(done.stdout.splitlines()[-1])


def summarise(asked: argparse.Namespace, found: dict[str, list[dict[str, float]]]) -> None:
    size, ours = SIZES[asked.size], middle(found[OURS], "per_processor_second")
    say(f"\n{asked.size}, {size.batch} passages of {size.window} a step, {asked.steps} steps, {asked.threads} threads")
    for name, runs in found.items():
        busy, wall = middle(runs, "per_processor_second"), middle(runs, "tokens")
        words = f"{name:22} {wall:8,.0f} a second   {busy:8,.0f} a processor second   loss {middle(runs, 'loss'):.3f}"
        say(f"{words}   ours / this: {ours / busy:.2f}   {busy * size.flops / 1e9:.0f} GFLOP/s a core")
    best = roof()
    share = ours * size.flops / best
    say(f"a product of 1024 in bfloat16: {best / 1e9:.0f} GFLOP in a processor second; ours reach {share:.0%} of it")


def roof() -> float:
    """The FLOP that one core does in a processor second."""
    torch.set_num_threads(1)
    a, b = torch.randn(2, 1024, 1024).bfloat16()
    best = float("inf")
    for _ in range(20):
        before = time.process_time()
        a @ b
        best = min(best, time.process_time() - before)
    return 2 * 1024**3 / best


def middle(runs: list[dict[str, float]], key: str) -> float:
    return statistics.median(run[key] for run in runs)


def say(words: str) -> None:
    sys.stdout.write(words + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
