"""Generation with one decoder: ours and transformers.generate, in turns, single stream and batch.

    python benchmarks/generation.py ARTIFACT HF_FOLDER [--peer PYTHON] [--threads 1] [--rounds 3]

ARTIFACT is what `modelwright adopt` made of the weights in HF_FOLDER. PYTHON is an interpreter that has transformers. Each turn
is a process of its own that reads the weights, warms up, and tells the seconds to the first token and for each further one, of
the wall and of the processor; the medians over all turns are divided. On a busy machine believe the processor's.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

PROMPT, MORE = 64, 24
"""Tokens of each prompt, and new ones after the first."""
SIZES = (1, 8)
NUMBERS = ("float32", "bfloat16")


def clocked(work: Callable[[], object]) -> tuple[float, float]:
    wall, own = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - own


def told(run: Callable[[list[list[int]], int], object]) -> dict[str, list[float]]:
    """Seconds (wall, processor) to the first token, and for each further one, by number of texts."""
    found: dict[str, list[float]] = {}
    for size in SIZES:
        prompts = [[(7919 * row + 31 * place) % 40_000 + 100 for place in range(PROMPT)] for row in range(size)]
        run(prompts, 2)
        first, whole = (clocked(partial(run, prompts, count)) for count in (1, 1 + MORE))
        found[str(size)] = [*first, *((late - early) / MORE for late, early in zip(whole, first, strict=True))]
    return found


def ours(folder: str, numbers: str) -> dict[str, list[float]]:
    import torch

    from modelwright import shelf
    from modelwright.generating.ordering import quick
    from modelwright.models.generation import generate
    from modelwright.models.sampling import Sampling

    module = quick(shelf.take(Path(folder)).module.to(getattr(torch, numbers)))
    return told(lambda prompts, count: generate(module, prompts, Sampling(most=count)))


def theirs(folder: str, numbers: str) -> dict[str, list[float]]:
    import torch
    from transformers import AutoModelForCausalLM

    module = AutoModelForCausalLM.from_pretrained(folder, dtype=getattr(torch, numbers)).eval()

    def run(prompts: list[list[int]], count: int) -> object:
        tokens = torch.tensor(prompts)
        order = {"max_new_tokens": count, "min_new_tokens": count, "do_sample": False}
        return module.generate(tokens, attention_mask=torch.ones_like(tokens), **order)

    return told(run)


def turn(python: str, who: str, folder: str, numbers: str, threads: int) -> dict[str, list[float]]:
    words = [python, __file__, "--turn", who, folder, numbers, "--threads", str(threads)]
    found = subprocess.run(words, capture_output=True, text=True, check=True)
    return json.loads(found.stdout.splitlines()[-1])


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("places", nargs="+")
    words.add_argument("--turn")
    words.add_argument("--peer", default=sys.executable)
    words.add_argument("--threads", type=int, default=1)
    words.add_argument("--rounds", type=int, default=3)
    given = words.parse_args()
    if given.turn:
        import torch

        torch.set_num_threads(given.threads)
        print(json.dumps({"ours": ours, "theirs": theirs}[given.turn](*given.places)))  # noqa: T201
        return
    artifact, folder = given.places
    for numbers in NUMBERS:
        turns: dict[str, list[dict[str, list[float]]]] = {"ours": [], "theirs": []}
        for _ in range(given.rounds):
            turns["ours"].append(turn(sys.executable, "ours", artifact, numbers, given.threads))
            turns["theirs"].append(turn(given.peer, "theirs", folder, numbers, given.threads))
        for size in map(str, SIZES):
            for place, what in enumerate(("first, wall", "first, processor", "each, wall", "each, processor")):
                mine, other = (statistics.median(one[size][place] for one in turns[who]) for who in ("ours", "theirs"))
                line = f"{numbers} x{size:<2} {what:<17} ours {1e3 * mine:8.1f} ms  transformers {1e3 * other:8.1f} ms"
                print(f"{line}  {other / mine:.2f}x", flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
