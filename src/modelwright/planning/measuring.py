"""The real step, judgement, snapshot and answer, each done once or a few times: what they take and what they hold.

They run where the life itself runs, before it learns, so the memory that is seen is the memory that the life will have.
"""

from __future__ import annotations

import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from modelwright import evaluation, learning, machine, training, vault
from modelwright.learning import Lesson
from modelwright.nouns import Batch, Reply, Step
from modelwright.planning.plan import Slope, refuse_step
from modelwright.recipe import Recipe
from modelwright.stages import Encoded, Material

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping

    from torch import Tensor

FIRST = 32
"""Rows of the first step whose memory is looked at."""
TIMES = 4
"""So many times as many rows has the next one."""
SAFE = 0.7
"""A larger step is tried only where it is foretold to need at most this share of the memory that is left."""
MARGIN = 0.7
"""And so much of it is offered to a smaller step than the one refused."""
LONGEST = 0.4
"""Seconds that steps are timed for, at most."""
SHARE = 0.05
"""And as a share of the training."""

LEAST = 0.1
"""Seconds that they are timed for, at least, and"""
FEWEST = 4
"""how many of them."""
VIEW = 16
"""Bytes by which a frame knows one text."""
RECORDED = 3
"""First steps, in which a step is recorded and the record is tried."""
LINES = 3
REPLIES = 32
"""Rows that are replied to while that is timed: untrained, a model says all that it may."""


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
    """What the heaviest step holds above what is held before it. Refused: more than may be held; larger and larger parts of
    it are tried, so that what cannot fit is foretold and not met."""
    batch = lesson.feed.batch(lesson.feed.heaviest())
    rows, held = len(batch["row"]), machine.held_bytes()
    room, size = limit - held, min(FIRST, rows)
    _grown(lesson, _part(batch, size), held)  # kernels are made when they are first called
    sizes, seen = [size], [_grown(lesson, _part(batch, size), held)]
    while size < rows:
        slope = _slope(sizes, seen)
        size = min(rows, size * (TIMES if len(sizes) > 1 else 2))
        blind = len(sizes) == 1 and seen[0] < room * SAFE  # one point does not tell weights from rows: a second does
        if not blind and slope.of(size) > room * (1 if size == rows else SAFE):
            refuse_step(rows, lesson.feed.micros, held + slope.of(rows), limit, slope.rows_within(MARGIN * room))
        sizes.append(size)
        seen.append(_grown(lesson, _part(batch, size), held))
    if seen[-1] > room:
        refuse_step(rows, lesson.feed.micros, held + seen[-1], limit, _slope(sizes, seen).rows_within(MARGIN * room))
    return seen[-1]


def _part(batch: Batch, rows: int) -> Batch:
    return {name: tensor[:rows] for name, tensor in batch.items()}


def _grown(lesson: Lesson, batch: Batch, held: int) -> int:
    """Bytes above those held at first while a step is recorded and tried, its slopes added up where it has several parts."""
    before = machine.held_bytes() - held
    with machine.Growth() as grown:
        replace(lesson.update)(lesson.run, [batch] * min(2, lesson.feed.micros), 0.0)
    return max(0, before) + grown.bytes


def _slope(rows: list[int], held: list[int]) -> Slope:
    """Through the last two points; with one point alone, all of it is laid to the rows."""
    if len(rows) == 1:
        return Slope(0.0, held[0] / rows[0])
    each = max(0.0, (held[-1] - held[-2]) / (rows[-1] - rows[-2]))
    return Slope(max(0.0, held[-1] - each * rows[-1]), each)


# --- time ---------------------------------------------------------------------------------------------------------------


def paced(lesson: Lesson, probed: float, processes: int) -> Timed:
    """Where more weights learn from epoch to epoch, each of these stretches is timed; the widest comes first."""
    later, whole = lesson.update.later, lesson.total
    stretches = list[tuple[float, Timed]]()
    until = whole
    for place in range(len(later), -1, -1):
        since = later[place - 1].step if place else 0
        lesson.run.step = 0
        found = timed(replace(lesson, update=replace(lesson.update, later=later[place:])), probed, processes)
        stretches.append(((until - since) / whole, found))
        until = since

    def mean(read: Callable[[Timed], float]) -> float:
        return sum(share * read(found) for share, found in stretches)

    first = sum(found.first for _, found in stretches)
    return Timed(first, mean(lambda one: one.step), mean(lambda one: one.turn), mean(lambda one: one.cores))


def timed(lesson: Lesson, probed: float, processes: int) -> Timed:
    """Steps of the lesson, timed again now; `probed` is what a step took when the machine was probed, perhaps long ago;
    the processes that will learn share its micro-batches."""
    feed, began = lesson.feed, time.perf_counter()
    feed.batch(feed.steps_per_epoch)  # the next epoch's order
    turn = time.perf_counter() - began
    if lesson.run.tuning.compiled:  # compiled once more only to be timed would take longer than it tells
        return Timed(machine.COMPILING, probed, turn, float(lesson.run.tuning.threads))
    lesson.run.rate_scale = 0.0  # nothing is learned here
    steps = training.steps(lesson.run, feed, lesson.update, lesson.plan)
    began = time.perf_counter()
    for _ in range(RECORDED):
        next(steps, None)
    first = time.perf_counter() - began
    return _walked(lesson, steps, first, turn, min(LONGEST, max(LEAST, SHARE * probed * lesson.total)), processes)


def _walked(lesson: Lesson, steps: Generator[Step], first: float, turn: float, limit: float, processes: int) -> Timed:
    """The pace of the steps that can be taken in so much time, per cell where texts differ in length."""
    feed, places = lesson.feed, list[int]()
    began, busy = time.perf_counter(), time.process_time()
    while time.perf_counter() - began < limit or len(places) < FEWEST:
        place = lesson.run.step
        if (step := next(steps, None)) is None:
            break
        float(step.loss)
        places.append(place)
    spent, busy = time.perf_counter() - began, time.process_time() - busy
    steps.close()
    if not places:
        return Timed(0.0, first / max(1, lesson.run.step), turn, 1.0)
    share = feed.cells(range(feed.steps_per_epoch)) / feed.steps_per_epoch / (feed.cells(places) / len(places))
    return Timed(first / processes, spent / len(places) * share / processes, turn, busy / spent)


def judged(lesson: Lesson) -> float:
    """Seconds of one judgement, best weights laid aside; a short one is done twice, for the first is cold."""
    seconds = learning.judging_seconds(lesson)
    if seconds < LONGEST:
        seconds = min(seconds, learning.judging_seconds(lesson))
    run = lesson.run
    run.best = {name: weight.detach().clone() for name, weight in training.moving(run.models["model"], run.still).items()}
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
    """Seconds of the stage evaluate, and bytes that it holds above what is held before: one batch of raw rows is answered, and
    as many answers as there will be are judged."""
    test, order, train = material.parts["test"], recipe.evaluation, encoded.batches["train"]
    replies = isinstance(encoded.codec.writes[0].kind, Reply)
    module = lesson.run.models["model"]
    most = min(order.batch, learning.BATCHES * evaluation.steps_at_once(module, train))
    part = material.rows.take(test[: min(most, REPLIES) if replies else most])
    with machine.Growth() as grown:
        began = time.perf_counter()
        answers = evaluation.answer_rows(module, encoded.codec, part, order.batch)
        seconds = time.perf_counter() - began
        if seconds < LONGEST:  # a short one is done twice, for the first is cold
            began = time.perf_counter()
            answers = evaluation.answer_rows(module, encoded.codec, part, order.batch)
            seconds = time.perf_counter() - began
        seconds *= len(test) / max(1, len(part))
        began = time.perf_counter()
        frame = answers.frame.sample(len(test), with_replacement=True, seed=0)
        evaluation.score(replace(answers, frame=frame), order.metrics)
    seconds += time.perf_counter() - began
    memory = grown.bytes + rows_bytes(material) * len(test) // max(1, len(material.rows))
    if order.baselines:
        cost = evaluation.baselines_cost(train, encoded.codec, len(test))
        memory += cost.bytes + bytes_of(train) * len(test) // max(1, len(train["row"]))
        seconds += cost.seconds
    return seconds, memory


def bytes_of(tensors: Mapping[str, Tensor]) -> int:
    return sum(tensor.nbytes for tensor in tensors.values())


def rows_bytes(material: Material) -> int:
    """Raw rows as polars holds them, and their ids. Its own estimate counts the letters of texts, and not where they lie."""
    rows = material.rows
    if material.mapped:
        return rows.ids.nbytes
    views = VIEW * len(rows) * sum(isinstance(dtype, (pl.String, pl.Binary)) for dtype in rows.columns.dtypes)
    return int(rows.columns.estimated_size()) + views + rows.ids.nbytes


def parts_bytes(material: Material, encoded: Encoded) -> int:
    """All rows as tensors, where they are in memory."""
    return 0 if material.mapped else sum(bytes_of(batch) for batch in encoded.batches.values())
