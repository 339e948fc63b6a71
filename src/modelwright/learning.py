"""The lines between two steps of training: judging, the journal, snapshots, the bar. Knows no raw row and no report."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from modelwright import data, evaluation, machine, training, vault
from modelwright.folder import RunFolder
from modelwright.nouns import Aim, Answers, Batch, Codec, Metric, Note, Refused, Run, Together, Watch
from modelwright.parallel import ALONE
from modelwright.reader import kind
from modelwright.report import figures
from modelwright.report.scalars import scalars
from modelwright.training import Training
from modelwright.wording import say, say_many

if TYPE_CHECKING:
    from modelwright.training.descent import Descent

SHOWN_EVERY = 0.15
"""Seconds between two movements of the bar."""
DRAWN_EVERY = 5.0
"""Seconds between two event files for TensorBoard, which looks as often."""


JUDGED = 1024
"""Validation rows that are answered at a time, at most."""
BATCHES = 4
"""So many times as many are judged where that is only timed."""


@dataclass(frozen=True)
class Lesson:
    """All that the loop needs, live."""

    run: Run
    plan: Training
    update: Descent
    aim: Aim
    feed: data.Feed
    validation: Batch
    codec: Codec
    metric: Metric
    """What tells the best epoch: the first of the recipe's metrics, of replies the first that needs none to be said."""
    together: Together = ALONE
    """Who learns it; the first of them judges, and alone keeps the journal and the snapshots."""
    tensorboard: bool = False
    """Whether the history is kept for TensorBoard too."""

    @property
    def total(self) -> int:
        return training.total_steps(self.plan, self.feed)


def learn(lesson: Lesson, folder: RunFolder, watch: Watch, stop: Callable[[], bool]) -> None:
    """Steps to the end of training. stop() is asked between two steps: then a snapshot is left and Ctrl-C goes on."""
    run, plan, first_of_all = lesson.run, lesson.plan, lesson.together.rank == 0
    began = saved = shown = drawn = time.monotonic()
    first, bound = run.step, machine.Bound()
    for step in training.steps(run, lesson.feed, lesson.update, plan):
        now = time.monotonic()
        bound()
        if step.ends_epoch:
            entry = judge(lesson, training.epoch_loss(run), float(step.norm), step.rate)
            if first_of_all:
                folder.note("epoch", **entry)
        if not first_of_all:
            continue
        if now - shown > SHOWN_EVERY:
            pace = (run.step - first) / (now - began)
            watch(Note("train", _moving(lesson, pace), run.step, lesson.total))
            shown = now
        if step.ends_epoch and now - drawn > DRAWN_EVERY:
            draw(lesson, folder)
            drawn = now
        if now - saved >= plan.snapshot_every and (plan.snapshot_every or step.ends_epoch):
            vault.keep_snapshot(folder.snapshots, training.snapshot(run))
            saved = time.monotonic()
        if stop():
            vault.keep_snapshot(folder.snapshots, training.snapshot(run))
            draw(lesson, folder)
            raise KeyboardInterrupt
    if first_of_all:
        vault.keep_snapshot(folder.snapshots, training.snapshot(run))
        draw(lesson, folder)


def draw(lesson: Lesson, folder: RunFolder) -> None:
    """The history so far for TensorBoard, where that was ordered. In clear, as the journal is: it says no row."""
    if lesson.tensorboard:
        vault.put_plain(folder.scalars, scalars(lesson.run.history, folder.times(), kind(type(lesson.metric))))


def judge(lesson: Lesson, loss: float, norm: float, rate: float) -> dict[str, Any]:
    """One more entry in the run's history: what this epoch is worth on validation rows."""
    run = lesson.run
    entry: dict[str, float] = {"epoch": len(run.history), "loss": loss, "norm": norm, "rate": rate}
    if lesson.update.later:
        entry["learns"] = lesson.update.learning
    entry |= training.noise_scale(run)
    skipped = training.skipped(run)
    if skipped > run.skipped:
        entry["skipped"], run.skipped = skipped - run.skipped, skipped
    if len(lesson.validation["row"]):
        entry |= lesson.together.told(lambda: worth(lesson))
        value, better = (entry["validation"], "lower") if _by_loss(lesson) else (entry["score"], lesson.metric.better)
        entry["best"] = float(training.judge(run, lesson.plan, value, better))
    run.history.append(entry)
    return entry


def worth(lesson: Lesson) -> dict[str, float]:
    """Loss and score on the validation rows."""
    loss = training.validate(lesson.run.models, lesson.aim, data.batches(lesson.validation, _at_once(lesson)))
    return {"validation": loss, "score": lesson.metric.score(answers(lesson)).value}


def judging_seconds(lesson: Lesson) -> float:
    """What one judgement takes, measured on the weights as they begin and on the first few batches of the rows."""
    rows, few = len(lesson.validation["row"]), BATCHES * _at_once(lesson)
    if not rows:
        return 0.0
    some = replace(lesson, validation={name: tensor[:few] for name, tensor in lesson.validation.items()})
    began = time.perf_counter()
    worth(some)
    return (time.perf_counter() - began) * rows / min(rows, few)


def answers(lesson: Lesson) -> Answers:
    """What the model says to the validation rows now."""
    given = evaluation.replied if evaluation.of_replies(lesson.metric) else evaluation.answer
    return given(lesson.run.models["model"], lesson.codec, data.batches(lesson.validation, _at_once(lesson)))


def _at_once(lesson: Lesson) -> int:
    """Validation rows that are answered at a time."""
    fitting = evaluation.steps_at_once(lesson.run.models["model"], lesson.validation)
    return max(1, min(JUDGED, fitting, evaluation.at_once(lesson.codec.writes[0].kind, JUDGED)))


def come_back(run: Run, folder: RunFolder) -> bool:
    """Puts the run where its newest whole snapshot was taken; false where there is none.

    Refused: it was taken by another number of processes, whose sums have other last bits."""
    files = vault.latest_snapshot(folder.snapshots) if folder.snapshots.exists() else None
    if files is None:
        return False
    processes = run.tuning.processes
    training.restore(run, files)
    if (begun := run.tuning.processes) != processes:
        where = {"folder": folder.path}
        raise Refused(
            say_many("{folder} was begun with {n} process.", "{folder} was begun with {n} processes.", begun, **where),
            say("Go on with --processes {n}, or begin again with --fresh.", n=begun),
        )
    return True


def told(lesson: Lesson) -> list[str]:
    """The last word of training."""
    run, epochs = lesson.run, len(lesson.run.history)
    words = [say_many("{n} epoch", "{n} epochs", epochs)]
    if run.best_score is not None:
        words[0] += " · " + say("best validation {score} at epoch {epoch}", score=_best(lesson), epoch=run.best_epoch + 1)
    if epochs < lesson.plan.epochs:
        words[0] += " · " + say("stopped early")
    if run.skipped:
        places = ", ".join(str(entry["epoch"] + 1) for entry in run.history if entry.get("skipped"))
        words.append(
            say_many(
                "{n} update was not finite and was skipped (epochs {places})",
                "{n} updates were not finite and were skipped (epochs {places})",
                run.skipped,
                places=places,
            )
        )
    return words


def _best(lesson: Lesson) -> str:
    """What the best epoch was chosen by: the first metric, or the loss."""
    assert lesson.run.best_score is not None
    score = lesson.run.best_score
    return f"{say('loss')} {figures.amount(score)}" if _by_loss(lesson) else _scored(lesson.metric, score)


def _by_loss(lesson: Lesson) -> bool:
    return lesson.plan.stopping is not None and lesson.plan.stopping.by == "loss"


def _scored(metric: Metric, value: float) -> str:
    """accuracy 98.1 %, mean absolute error 36,790"""
    name = kind(type(metric))
    told = f"{100 * value:.1f} %" if figures.is_share(name) else figures.amount(value)
    return f"{figures.score_name(name)} {told}"


def _moving(lesson: Lesson, pace: float) -> str:
    """12/40 epochs · 212,000 rows/s · 0:03 · accuracy 0.981"""
    run, each = lesson.run, lesson.feed.steps_per_epoch
    left = (lesson.total - run.step) / max(pace, 1e-9)
    words = [
        say("{done}/{all} epochs", done=run.step // each, all=lesson.plan.epochs),
        say("{pace} rows/s", pace=f"{pace * lesson.feed.size:,.0f}"),
        f"{int(left) // 60}:{int(left) % 60:02d}",
    ]
    if lesson.update.later:
        words.append(say_many("{n} weight learns", "{n} weights learn", lesson.update.learning))
    if run.history and "score" in run.history[-1]:
        words.append(_scored(lesson.metric, run.history[-1]["score"]))
    return " · ".join(words)
