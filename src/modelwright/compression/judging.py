"""Choosing on validation rows, judging once on test rows. What is not proved is not taken, and the original stays."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from modelwright import evaluation
from modelwright.compression import contending, timing
from modelwright.compression.bench import Bench, Model, weights_of
from modelwright.compression.board import Board, Contender, Pace
from modelwright.compression.contending import Teachers
from modelwright.compression.section import Compression, Promise
from modelwright.compression.telling import amount, size
from modelwright.evaluation.comparing import changed, lowest, otherwise, rows_needed
from modelwright.nouns import Answers, Classes, Score, Watch
from modelwright.wording import say

if TYPE_CHECKING:
    from torch.nn import Module

SLOWER = 1.02
"""A candidate is slower where the interval of its time, as a share of the original's, lies above this."""

Ask = Callable[["Module"], Answers]
"""A module -> its answers to the raw test rows."""


@dataclass(frozen=True)
class Compressed:
    """What goes on: the winner, or nothing where the original stays."""

    board: Board
    model: Model | None = None
    module: Module | None = None
    answers: Answers | None = None
    """Of the winner, to the test rows."""


def compress(
    bench: Bench, steps: tuple[Compression, ...], teachers: Teachers, test: Answers, ask: Ask, watch: Watch
) -> Compressed:
    """All candidates on validation rows, the chosen one on test rows. `test`: the original's answers to these."""
    original = Model(bench.family, (), weights_of(bench.module))
    board = Board(bench.promise, original.bytes, (), unkept=unkept(bench.promise, test))
    too_few = "" if board.unkept else _too_few(bench.promise, test)
    if board.unkept or too_few:
        return Compressed(replace(board, reason=board.unkept or too_few))
    live = original.live(bench.codec)
    was, found = bench.answers(live), dict[str, tuple[Contender, Model]]()
    for name, model in contending.candidates(bench, steps, teachers, watch):
        found[name] = (_measured(bench, name, model, original.bytes, live, was, test), model)
    board = replace(board, contenders=tuple(contender for contender, _ in found.values()))
    fit = [contender for contender in board.contenders if contender.accepted]
    if not fit:
        return Compressed(replace(board, reason=say("no candidate was accepted")))
    best = min(fit, key=lambda one: (one.bytes, one.paces[-1].ratio))
    return _judged(bench, board, best, found[best.name][1], test, ask)


def _judged(bench: Bench, board: Board, best: Contender, model: Model, test: Answers, ask: Ask) -> Compressed:
    """The one look at the test rows."""
    module = model.live(bench.codec)
    answers = ask(module)
    difference = evaluation.compare(test, answers)
    reason = _broken(bench.promise, test, answers, difference)
    board = replace(board, judged=difference, changed=otherwise(test, answers))
    if reason:
        told = tuple(replace(one, reason=reason) if one is best else one for one in board.contenders)
        return Compressed(replace(board, contenders=told, reason=say("{name}, chosen on validation rows: {reason}",
                                                                     name=best.name, reason=reason)))  # fmt: skip
    return Compressed(replace(board, winner=best.name), model, module, answers)


def _broken(promise: Promise, test: Answers, answers: Answers, difference: Score) -> str:
    """Why the test rows do not prove the promise; empty where they do."""
    if difference.low >= -promise.loss:
        return unkept(promise, answers)
    facts = {"most": amount(promise, -difference.low), "allowed": amount(promise, promise.loss), "rows": f"{difference.n:,}"}
    told = say("on {rows} test rows it may have lost up to {most}, and {allowed} are allowed", **facts)
    if not isinstance(test.port.kind, Classes):
        return told
    lost, gained, n = changed(test, answers)
    needed = rows_needed(promise.loss, lost / n, gained / n)
    return f"{told}; {say('about {needed} rows like these could prove it', needed=f'{needed:,}')}" if needed else told


def _measured(
    bench: Bench, name: str, model: Model, bytes_: int, live: Module, was: Answers, test: Answers
) -> Contender:  # fmt: skip
    module = model.live(bench.codec)
    now = bench.answers(module)
    size_, paces = model.bytes, timing.paces(live, module, bench.validation)
    foreseen = foreseen_loss(was, now, len(test))
    reason = _larger(size_, bytes_) or _slower(paces) or _riskier(bench.promise, foreseen, len(test))
    return Contender(name, size_, paces, evaluation.compare(was, now), foreseen, reason, model.skipped)


def _larger(bytes_: int, original: int) -> str:
    if bytes_ < original:
        return ""
    return say("it takes {bytes} on disk, the original {original}", bytes=size(bytes_), original=size(original))


def _slower(paces: tuple[Pace, ...]) -> str:
    for pace in paces:
        if pace.low > SLOWER:
            facts = {"batch": pace.batch, "times": f"{pace.ratio:.2f}", "low": f"{pace.low:.2f}", "high": f"{pace.high:.2f}"}
            return say("at batch {batch} it takes {times} times as long [{low} - {high}]", **facts)
    return ""


def _riskier(promise: Promise, foreseen: float, rows: int) -> str:
    if foreseen <= promise.loss:
        return ""
    facts = {"most": amount(promise, foreseen), "rows": f"{rows:,}", "allowed": amount(promise, promise.loss)}
    return say("by the validation rows, {rows} test rows would leave open a loss of {most}, and {allowed} are allowed", **facts)


def foreseen_loss(was: Answers, now: Answers, rows: int) -> float:
    """The bound of the loss that so many test rows will give, if they are like the validation rows."""
    if isinstance(was.port.kind, Classes):
        lost, gained, n = changed(was, now)
        return -lowest(lost * rows / n, gained * rows / n, rows)
    found = evaluation.compare(was, now)
    return (found.value - found.low) * math.sqrt(found.n / rows) - found.value


def _too_few(promise: Promise, test: Answers) -> str:
    """What a perfect copy could not prove on so few rows."""
    needed = rows_needed(promise.loss) if promise.metric == "accuracy" else 20
    if needed is not None and len(test) >= needed:
        return ""
    facts = {"rows": f"{len(test):,}", "loss": amount(promise, promise.loss), "needed": f"{needed or 10**7:,}"}
    return say("{rows} test rows cannot prove a loss below {loss}, not even without one changed answer: {needed} can", **facts)


def unkept(promise: Promise, answers: Answers) -> str:
    """The sentence of a model that does not reach what was promised; empty where it does, or where nothing was."""
    if promise.reach is None:
        return ""
    score = evaluation.natural(answers.port.kind)[0].score(answers)
    if (score.low >= promise.reach) if promise.metric == "accuracy" else (score.high <= promise.reach):
        return ""
    facts = {"reach": amount(promise, promise.reach), "low": amount(promise, score.low), "high": amount(promise, score.high)}
    facts |= {"metric": promise.metric, "n": f"{score.n:,}"}
    if promise.metric == "accuracy":
        return say("{metric} of {reach} is promised, and {n} test rows prove {low}", **facts)
    return say("{metric} of {reach} at most is promised, and {n} test rows prove {high}", **facts)
