"""One training step of recipes/mnist_mlp.toml (784-128-10, batch 32, Adam) beside the best torch loop written by hand.

    python benchmarks/steps.py [--threads 1] [--rounds 9] [--compiled] [--eager] [--medium]

Made pictures; all ways in turn in one process, a block of steps each; medians, and the median of their ratios to the
loop's block of the same turn. Processor seconds are told beside the clock's: on a machine with other work to do they
are the ones to trust.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from itertools import islice

import torch
from torch import nn
from torch.nn.functional import cross_entropy

from modelwright import machine, training
from modelwright.data.feed import Feed
from modelwright.models import MLP, build
from modelwright.nouns import Classes, Image, Port, Tuning
from modelwright.objectives import CrossEntropy
from modelwright.training import Adam, Training
from modelwright.training.descent import Descent

ROWS, BATCH, BLOCK = 16_000, 32, 200
READS = (Port("inputs", Image(1, 28, 28, (33.3,), (78.6,))),)
WRITES = (Port("label", Classes(tuple("0123456789"))),)

Block = Callable[[], None]
"""Goes on for BLOCK steps."""


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--threads", type=int, default=1)
    asked.add_argument("--rounds", type=int, default=9)
    asked.add_argument("--compiled", action="store_true", help="the compiled step too")
    asked.add_argument("--eager", action="store_true", help="the step that is not replayed too")
    asked.add_argument("--medium", action="store_true", help='ours with torch\'s float32 matmul precision "medium"')
    told = asked.parse_args()
    with machine.tuned(Tuning(threads=told.threads)):
        blocks: dict[str, Block] = {"torch loop": loop(), "ours": ours(Tuning(threads=told.threads))}
        if told.compiled:
            blocks["ours, compiled"] = ours(Tuning(threads=told.threads, compiled=True))
        if told.eager:
            blocks["ours, eager"] = ours(Tuning(threads=told.threads), replayed=False)
        if told.medium:
            blocks["ours, medium"] = medium(ours(Tuning(threads=told.threads, precision="medium")))
        compare(blocks, told.rounds)


def compare(blocks: dict[str, Block], rounds: int) -> None:
    took: dict[str, list[tuple[float, float]]] = {name: [] for name in blocks}
    for turn in range(rounds + 1):
        for name, block in blocks.items():
            before, busy = time.perf_counter(), time.process_time()
            block()
            if turn:  # the first turn records, compiles and warms up
                took[name].append(((time.perf_counter() - before) / BLOCK, (time.process_time() - busy) / BLOCK))
    base = took["torch loop"]
    for name, times in took.items():
        words = f"{name:16}"
        for place, clock in enumerate(("clock", "processor")):
            each = [one[place] for one in times]
            ratio = statistics.median(one / other[place] for one, other in zip(each, base))
            words += f"   {clock} {statistics.median(each) * 1e6:6.0f} us (best {min(each) * 1e6:.0f}) x {ratio:.2f}"
        sys.stdout.write(words + "\n")


def pictures() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    pixels = torch.randint(256, (ROWS, 1, 28, 28), dtype=torch.uint8, generator=generator)
    return pixels, torch.randint(10, (ROWS,), generator=generator)


def ours(tuning: Tuning, replayed: bool = True) -> Block:
    pixels, label = pictures()
    feed = Feed({"inputs": pixels, "label": label, "row": torch.arange(ROWS)}, BATCH, 0)
    update = Descent(Adam(), CrossEntropy().ready(WRITES), rows=BATCH)
    if not replayed:
        update._graph = lambda *_: None  # type: ignore[method-assign]
    run = training.start(build(MLP((128,), dropout=0.2), READS, WRITES, 0), update, tuning)
    steps = training.steps(run, feed, update, Training(epochs=10_000, batch=BATCH))

    def block() -> None:
        for _ in islice(steps, BLOCK):
            pass

    return block


def medium(block: Block) -> Block:
    def other() -> None:
        with machine.tuned(Tuning(threads=torch.get_num_threads(), precision="medium")):
            block()

    return other


def loop() -> Block:
    pixels, label = pictures()
    inputs = pixels.flatten(1).float().sub_(33.3).div_(78.6)
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(784, 128), nn.ReLU(), nn.Dropout(0.2), nn.Linear(128, 10))
    adam = torch.optim.Adam(model.parameters(), 0.001, fused=True)

    def forever():
        while True:
            order = torch.randperm(ROWS)
            for x, y in zip(inputs[order].split(BATCH), label[order].split(BATCH)):
                adam.zero_grad()
                cross_entropy(model(x), y).backward()
                adam.step()
                yield

    steps = forever()

    def block() -> None:
        for _ in islice(steps, BLOCK):
            pass

    return block


if __name__ == "__main__":
    main()
