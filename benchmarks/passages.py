"""The same passages, the same order and the same clock for all who train a GPT on characters: needs NumPy and nothing else.

A text's characters are numbered from 1; 0 is padding, which does not occur. Batch n of a size is always the same passages.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

RATE, BETAS, DECAY, CLIP = 1e-3, (0.9, 0.95), 0.1, 1.0
"""AdamW's, constant, for all."""
WARMING = 3
"""Steps that are not timed."""
LAST = 0.25
"""The share of the steps whose mean loss is told."""


@dataclass(frozen=True)
class Size:
    """A GPT, and what it reads in one step."""

    depth: int
    width: int
    heads: int
    window: int
    batch: int

    @property
    def tokens(self) -> int:
        """Of one step."""
        return self.window * self.batch

    @property
    def flops(self) -> float:
        """Of one token, forward and back: every weight of the blocks six times, and attention to half of the window."""
        return 72 * self.depth * self.width**2 + 6 * self.depth * self.window * self.width


SIZES = {"0.8M": Size(4, 128, 4, 64, 12), "10M": Size(6, 384, 6, 256, 12)}


def passages(text: Path, size: Size, steps: int) -> tuple[np.ndarray, int]:
    """int64 (steps, batch, window + 1), and the numbers that there are."""
    told = text.read_text(encoding="utf-8")
    codes = np.frombuffer(told.encode("utf-32-le"), dtype=np.uint32)
    known, numbers = np.unique(codes, return_inverse=True)
    starts = np.random.default_rng(0).integers(len(codes) - size.window - 1, size=(steps, size.batch, 1))
    return numbers.astype(np.int64)[starts + np.arange(size.window + 1)] + 1, len(known) + 1


def arguments() -> argparse.Namespace:
    asked = argparse.ArgumentParser()
    asked.add_argument("text", type=Path)
    asked.add_argument("--size", choices=tuple(SIZES), default="0.8M")
    asked.add_argument("--steps", type=int, default=100)
    asked.add_argument("--dtype", choices=("float32", "bfloat16"), default="float32")
    asked.add_argument("--compiled", action="store_true")
    return asked.parse_args()


@dataclass
class Clock:
    """Told after every step; then prints tokens a second, of the wall and of a processor, and the loss."""

    size: Size
    losses: list[float] = field(default_factory=list)
    marks: list[tuple[float, float]] = field(default_factory=list)

    def step(self, loss: float) -> None:
        self.losses.append(loss)
        self.marks.append((time.perf_counter(), time.process_time()))

    def report(self, **more: object) -> None:
        timed = np.diff(np.array(self.marks), axis=0)[WARMING - 1 :]
        wall, busy = self.size.tokens * len(timed) / timed.sum(0)
        quickest = self.size.tokens / np.quantile(timed, 0.1, axis=0)
        last = float(np.mean(self.losses[-max(1, int(len(self.losses) * LAST)) :]))
        facts = {"tokens": wall, "per_processor_second": busy, "quick": quickest[1], "loss": last, **more}
        sys.stdout.write(json.dumps(facts) + "\n")
