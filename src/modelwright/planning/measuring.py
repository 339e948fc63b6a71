"""The real step, judgement, snapshot and answer, each done once or a few times: what they take and what they hold.

They run where the life itself runs, before it learns, so the memory that is seen is the memory that the life will have.
"""

from __future__ import annotations

import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from modelwright import data, evaluation, learning, machine, training, vault
from modelwright.learning import Lesson
from modelwright.nouns import Batch
from modelwright.planning.plan import Slope, refuse_step
from modelwright.recipe import Recipe
from modelwright.stages import Encoded, Material

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

FIRST = 32
"""Rows of the first step whose memory is looked at."""
TIMES = 4
"""So many times as many rows has the next one."""
SAFE = 0.7
"""A larger step is tried only where it is foretold to need at most this share of the memory that is left."""
MARGIN = 0.9
"""And so much of it is offered to a smaller step than the one refused."""
LONGEST = 0.4
"""Seconds that steps are timed for, at most."""
SHARE = 0.05
"""And as a share of the training."""

LINES = 3


@dataclass(frozen=True)
class Timed:
    """Seconds."""

    first: float
    """Of the first step, which records or compiles."""
    step: float
    turn: float
    """Of putting the rows in a new epoch's order."""
    cores: float
    """Processor seconds in a second of steps."""


# --- memory -------------------------------------------------------------------------------------------------------------


def step_bytes(lesson: Lesson, limit: int) -> int:
    """What the heaviest micro-batch holds above what is held before it. Refused: more than may be held; larger and larger
    parts of it are tried, so that what cannot fit is foretold and not met."""
    batch = lesson.feed.batch(lesson.feed.heaviest())
    rows, held = len(batch["row"]), machine.held_bytes()
    room, size = limit - held, min(FIRST, rows)
    _grown(lesson, _part(batch, size))  # kernels are made when they are first called
    sizes, seen = [size], [_grown(lesson, _part(batch, size))]
    while size < rows:
        slope = _slope(sizes, seen)
        size = min(rows, size * TIMES)
        if slope.of(size) > room * (1 if size == rows else SAFE):
            refuse_step(rows, lesson.feed.micros, held + slope.of(rows), limit, slope.rows_within(MARGIN * room))
        sizes.append(size)
        seen.append(_grown(lesson, _part(batch, size)))
    if seen[-1] > room:
        refuse_step(rows, lesson.feed.micros, held + seen[-1], limit, _slope(sizes, seen).rows_within(MARGIN * room))
    return seen[-1]


def _part(batch: Batch, rows: int) -> Batch:
    return {name: tensor[:rows] for name, tensor in batch.items()}


def _grown(lesson: Lesson, batch: Batch) -> int:
    with machine.Growth() as grown:
        lesson.update.eager(lesson.run, batch)
    return grown.bytes


def _slope(rows: list[int], held: list[int]) -> Slope:
    """Through the last two points; with one point alone, all of it is laid to the rows."""
    if len(rows) == 1:
        return Slope(0.0, held[0] / rows[0])
    each = max(0.0, (held[-1] - held[-2]) / (rows[-1] - rows[-2]))
    return Slope(max(0.0, held[-1] - each * rows[-1]), each)


# --- time ---------------------------------------------------------------------------------------------------------------


def timed(lesson: Lesson, probed: float, mine: range) -> Timed:
    """Steps of the lesson, timed again now; `probed` is what a step took when the machine was probed, perhaps long ago;
    `mine` are the micro-batches of each that one process works on."""
    feed, began = lesson.feed, time.perf_counter()
    feed.batch(feed.steps_per_epoch)  # the next epoch's order
    turn = time.perf_counter() - began
    if lesson.run.tuning.compiled:  # compiled once more only to be timed would take longer than it tells
        return Timed(machine.COMPILING, probed, turn, float(lesson.run.tuning.threads))
    began, busy = time.perf_counter(), time.process_time()
    first, step = training.pace(lesson.run, lesson.update, feed, mine, min(LONGEST, SHARE * probed * lesson.total))
    spent = time.perf_counter() - began
    return Timed(first, step, turn, (time.process_time() - busy) / spent)


def judged(lesson: Lesson) -> float:
    """Seconds of one judgement, best weights laid aside; a short one is done twice, for the first is cold."""
    seconds = learning.judging_seconds(lesson)
    if seconds < LONGEST:
        seconds = min(seconds, learning.judging_seconds(lesson))
    run = lesson.run
    run.best = {name: weight.detach().clone() for name, weight in run.models["model"].state_dict().items()}
    return seconds


def snapshot(lesson: Lesson) -> tuple[float, int]:
    """Seconds and bytes of one snapshot, written for real."""
    with tempfile.TemporaryDirectory(prefix="modelwright-plan-", ignore_cleanup_errors=True) as work:
        began = time.perf_counter()
        files = training.snapshot(lesson.run)
        vault.keep_snapshot(Path(work), files)
        return time.perf_counter() - began, sum(len(content) for content in files.values())


def noted() -> float:
    """Seconds of one line in a journal."""
    with tempfile.TemporaryDirectory(prefix="modelwright-plan-", ignore_cleanup_errors=True) as work:
        began = time.perf_counter()
        for _ in range(LINES):
            vault.append(Path(work) / "journal.jsonl", "x" * 200)
        return (time.perf_counter() - began) / LINES


def evaluated(recipe: Recipe, material: Material, encoded: Encoded, lesson: Lesson) -> tuple[float, int]:
    """Seconds of the stage evaluate, from one batch of raw rows, and bytes that it holds above what is held before."""
    test, order = material.parts["test"], recipe.evaluation
    part = material.rows.take(test[: order.batch])
    module = lesson.run.models["model"]
    with machine.Growth() as grown:
        evaluation.answer_rows(module, encoded.codec, part, order.batch)  # cold
        began = time.perf_counter()
        answers = evaluation.answer_rows(module, encoded.codec, part, order.batch)
        evaluation.score(answers, order.metrics)
    seconds = (time.perf_counter() - began) * len(test) / max(1, len(part))
    if not order.baselines:
        return seconds, grown.bytes
    encoded_test = bytes_of(encoded.batches["train"]) * len(test) // max(1, len(encoded.batches["train"]["row"]))
    cost = evaluation.baselines_cost(encoded.batches["train"], encoded.codec, len(test))
    return seconds + cost.seconds, max(grown.bytes, encoded_test + cost.bytes)


def bytes_of(tensors: Mapping[str, Tensor]) -> int:
    return sum(tensor.nbytes for tensor in tensors.values())


def rows_bytes(material: Material) -> int:
    """Raw rows as polars holds them, and their ids."""
    return int(material.rows.columns.estimated_size()) + material.rows.ids.nbytes


def parts_bytes(encoded: Encoded) -> int:
    """All rows as tensors; and once more, in the order of an epoch, where they are few enough for that."""
    train, whole = bytes_of(encoded.batches["train"]), sum(bytes_of(batch) for batch in encoded.batches.values())
    return whole + (train if train <= data.GATHERED else 0)
