"""Verb plan: what is measured on a lesson, put together to what a whole life will cost."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from modelwright import machine, models
from modelwright.learning import Lesson
from modelwright.nouns import Costs, Together
from modelwright.parallel import ALONE
from modelwright.planning import measuring
from modelwright.planning.plan import Plan, refuse_misfit
from modelwright.reader import kind
from modelwright.recipe import Recipe
from modelwright.stages import Encoded, Material

REPORT = 300_000
"""Bytes of a report without pictures; what its pictures take is little beside the rest."""
PAPERS = 20_000
"""Bytes of an artifact's label, card and manifest."""

COMPRESSING = 75_000_000
"""Bytes of the libraries that compression opens, and of its timing; seen here on digits."""
COPIES = 6
"""Candidates' weights, gradients and moments, while one learns again."""
SIGNING = 20_000_000
"""Bytes of what explaining, signing and the report open; seen here on digits. What explaining holds is less than evaluation."""
KEPT = 0.02
"""Of what is held before evaluation: what allocators keep for themselves of a training's rows; seen here 0 to 5 %."""


@dataclass(frozen=True)
class Ground:
    """What a plan is made from."""

    recipe: Recipe
    material: Material
    encoded: Encoded
    lesson: Lesson
    """One to measure on, never the one that learns."""
    active: int
    """Bytes that its heaviest step holds, of step_bytes."""
    step: float
    """Seconds of a step when the machine was probed."""
    agreeing: float
    """And those in which several processes agree on it."""
    folder: Path
    """Where the run will lie."""
    together: Together = ALONE
    """Who will learn it."""


@dataclass(frozen=True)
class Prepared:
    """What the plan's stage hands on."""

    lesson: Lesson
    plan: Plan
    came_back: bool
    """Whether the lesson goes on from a snapshot; then the plan is the one that it began with."""


def plan(ground: Ground) -> Plan:
    """What this life will cost. Refused: what cannot fit into memory or onto the disk."""
    lesson, run, encoded = ground.lesson, ground.lesson.run, ground.encoded
    limit, read, held = machine.memory_limit(), machine.peak_bytes() or 0, machine.held_bytes()
    sample = {name: tensor[:32] for name, tensor in encoded.batches["train"].items()}
    facts = models.facts(run.models["model"], sample)
    learning = sum(weight.nbytes for weight in run.models["model"].parameters() if weight.requires_grad)
    with machine.tuned(run.tuning):
        pace = measuring.paced(lesson, ground.step, ground.together.size)
        judged = measuring.judged(lesson) + measuring.noted()
        saving, saved = measuring.snapshot(lesson)
        seconds = _training(lesson, pace, ground.agreeing, judged, saving)
    trained = max(machine.peak_bytes() or 0, machine.held_bytes())
    answering, passing = measuring.evaluated(ground.recipe, ground.material, encoded, lesson)
    passing += int(KEPT * machine.held_bytes())
    compressing = 0 if ground.recipe.promise is None else COMPRESSING + COPIES * facts.weight_bytes
    peaks = {"encode": max(read, held), "train": trained, "evaluate": machine.held_bytes() + passing + SIGNING}
    if compressing:  # beside what evaluation left behind
        peaks["compress"] = peaks["evaluate"] + compressing
    sizes = {
        "rows": measuring.rows_bytes(ground.material),
        "encoded": measuring.parts_bytes(ground.material, encoded),
        "weights": facts.weight_bytes,
        "gradients": learning,
        "optimizer": measuring.bytes_of(run.state),
        "activations": max(0, ground.active - learning),
        "best": learning,
        "snapshot": saved,
        "evaluation": passing,
        "compression": compressing,
        "papers": SIGNING,
    }
    here = sizes["rows"] + sizes["encoded"]
    processes = ground.together.size
    made = Plan(
        model=kind(type(ground.recipe.model)),
        costs=_costs(lesson, facts, seconds, pace.cores * processes, max(peaks.values()) * processes),
        causes={"libraries": max(0, held - here - sizes["weights"] - sizes["optimizer"]), **sizes},
        peaks=peaks,
        seconds={"check": ground.material.seconds, "encode": encoded.seconds, "train": seconds, "evaluate": answering},
        disk={"snapshots": 2 * saved, "artifact": _artifact(ground, facts.weight_bytes, learning), "report": REPORT},
        memory_limit=limit,
        disk_room=machine.disk_room(ground.folder),
    )
    refuse_misfit(made)
    return made


def _artifact(ground: Ground, whole: int, learning: int) -> int:
    """Bytes of all that lies in one: weights, those of a base not where they lie elsewhere, what the codec learned, the ids of
    the rows, label, card and manifest."""
    state, start = ground.encoded.codec.state(), ground.encoded.start
    weights = whole if start is None or start.beginning.lora is None else learning
    texts = sum(map(len, state.texts.values()))
    return weights + measuring.bytes_of(state.tensors) + texts + ground.material.rows.ids.nbytes + PAPERS


def _training(lesson: Lesson, pace: measuring.Timed, agreeing: float, judged: float, saving: float) -> float:
    """Seconds of all epochs, their judgements and snapshots."""
    epochs, every = lesson.plan.epochs, lesson.plan.snapshot_every
    seconds = pace.first + (pace.step + agreeing) * lesson.total + (pace.turn + judged) * epochs
    return seconds + saving * (1 + (int(seconds / every) if every else epochs))


def _costs(lesson: Lesson, facts: models.Facts, seconds: float, cores: float, peak: int) -> Costs:
    rows = len(lesson.feed)
    return Costs(
        seconds=seconds,
        cpu_seconds=seconds * cores,
        flops=3 * facts.flops_per_row * rows * lesson.plan.epochs,
        peak_bytes=peak,
        watt_hours=machine.watt_hours(seconds * cores),
        parameters=facts.parameters,
        layers=facts.layers,
        weight_bytes=facts.weight_bytes,
        rows_used=rows,
    )
