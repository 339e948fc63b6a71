"""A recipe's whole life in miniature, in a folder that is then forgotten: what would fail in hour three fails now.

Every stage is run for real: training is stopped at its first snapshot and comes back from it, the artifact is put and taken
back, and answers as it did.
"""

from __future__ import annotations

import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from modelwright import data, evaluation, life, planning, shelf, using, vault
from modelwright.folder import RunFolder
from modelwright.nouns import Note, Refused
from modelwright.planning.miniature import EPOCHS, few_rows, miniature, shortened
from modelwright.recipe import Recipe
from modelwright.report import figures
from modelwright.stages import Opening
from modelwright.wording import say, say_many

LONGEST = 60.0
"""Seconds after which nothing new is begun."""


class TimeIsUpError(Exception):
    """A rehearsal that takes longer than it may."""


@dataclass(frozen=True)
class Rehearsed:
    """One stage of the miniature."""

    stage: str
    seconds: float
    fault: str = ""
    """What went wrong, in a sentence; "" is nothing."""


@dataclass(frozen=True)
class Rehearsal:
    stages: tuple[Rehearsed, ...]
    """As far as the first fault."""
    rows: int
    """That the miniature was given."""
    plan: planning.Plan | None = None
    """Of the full run; None where the miniature did not come through."""
    cut: str = ""
    """The stage in which time was up; "" where there was enough."""

    @property
    def fault(self) -> Rehearsed | None:
        return next((stage for stage in self.stages if stage.fault), None)

    def plain(self) -> dict[str, Any]:
        told = None if self.plan is None else self.plan.plain()
        stages = [asdict(one) for one in self.stages]
        return {"ok": self.fault is None, "rows": self.rows, "stages": stages, "cut": self.cut, "plan": told}


class Course:
    """The stages as they end; a fault belongs to the one that would have been next."""

    def __init__(self) -> None:
        self.done: list[Rehearsed] = []
        self.opened = self.began = time.perf_counter()

    def ended(self, stage: str, fault: str = "") -> None:
        now = time.perf_counter()
        self.done.append(Rehearsed(stage, now - self.began, fault))
        self.began = now

    def note(self, note: Note) -> None:
        if not note.total and note.stage:
            self.ended(note.stage)
        if time.perf_counter() - self.opened > LONGEST:
            raise TimeIsUpError


def rehearse(recipe: Recipe) -> Rehearsal:
    """Leads the miniature through its life, as far as the first fault."""
    course, rows, cut = Course(), 0, ""
    try:
        whole = data.read(recipe.data)
        parts = life.parted(recipe, whole)
        table = shortened(few_rows(whole, parts, recipe.codec.label), recipe.codec)
        rows = len(table)
        course.ended("read")
        with tempfile.TemporaryDirectory(prefix="modelwright-rehearse-", ignore_cleanup_errors=True) as work:
            _lead(miniature(recipe), data.Frame(table, recipe.data.split), RunFolder(Path(work) / "run"), course)
    except TimeIsUpError:
        cut = _next(course)
    except Exception as error:  # whatever it is: that it is found now is what a rehearsal is for
        course.ended(_next(course), _told(error))
    return Rehearsal(tuple(course.done), rows, cut=cut)


def _lead(recipe: Recipe, table: data.Frame, folder: RunFolder, course: Course) -> None:
    steps = iter((False,))
    try:
        life.run(recipe, folder, Opening(table=table, stop=lambda: next(steps, True)), course.note)
    except KeyboardInterrupt:
        course.ended("stop")
    lived = life.run(recipe, folder, Opening(table=table, resume=True), course.note)
    with vault.unsealing(recipe.protection.opened):
        artifact = shelf.take(folder.artifact)
    rows = data.read(table)
    test = rows.take(using.positions(rows, artifact))
    answers = evaluation.answer_rows(artifact.module, artifact.codec, test, recipe.evaluation.batch)
    now = evaluation.score(answers, artifact.metrics)[0]
    if abs(now.value - lived.scores[0].value) > 1e-5 * (1 + abs(now.value)):
        raise Refused(say("The artifact, taken back, does not answer as it did when it was judged."))
    course.ended("take back")


def told(rehearsal: Rehearsal) -> str:
    """A line for each stage, and what the full run will cost."""
    lines = [
        f"{stage_name(one.stage):<12}{figures.seconds(one.seconds):>8}  {one.fault or say('ok')}" for one in rehearsal.stages
    ]
    lines.insert(0, say_many("{n} row, {epochs} epochs", "{n} rows, {epochs} epochs", rehearsal.rows, epochs=EPOCHS))
    if rehearsal.cut:
        facts = {"seconds": f"{LONGEST:g}", "stage": stage_name(rehearsal.cut)}
        lines.append(say("After {seconds} s time was up: {stage} and what comes after it was not rehearsed.", **facts))
    if rehearsal.plan is not None:
        lines.append(say("the full run: {costs}", costs=planning.sentence(rehearsal.plan)))
    return "\n".join(lines)


def stage_name(stage: str) -> str:
    words = {
        "read": say("read"),
        "check": say("check"),
        "encode": say("encode"),
        "plan": say("plan"),
        "train": say("train"),
        "stop": say("stop"),
        "evaluate": say("evaluate"),
        "compress": say("compress"),
        "explain": say("explain"),
        "sign": say("sign"),
        "take back": say("take back"),
    }
    return words.get(stage, stage)


def _next(course: Course) -> str:
    """The stage that was under way."""
    order = ("read", "check", "encode", "plan", "train", "evaluate", "compress", "explain", "sign", "take back")
    done = [one.stage for one in course.done]
    if "stop" in done:
        done = done[done.index("stop") + 1 :] or ["read"]
    last = max((order.index(stage) for stage in done if stage in order), default=-1)
    return order[min(last + 1, len(order) - 1)]


def _told(error: Exception) -> str:
    return str(error) if isinstance(error, Refused) else f"{type(error).__name__}: {error}"
