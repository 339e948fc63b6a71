"""Killed at any instant and resumed: the same weights, bit for bit.

A real process trains, keeping snapshots through the vault all the time, and is killed with no warning at random instants until
it comes to its end. Kills inside a save and resumes from a step above 0 are counted: a harness without these proves nothing.
Each mutant is a way in which coming back could go wrong, planted in the child; the comparison must find every one.
"""

from __future__ import annotations

import json
import mmap
import random
import struct
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

import pytest

MUTANTS = ["order", "moments", "schedule", "patience", "best", "rate", "dropout"]
STEPS = 240
DEADLINE = 60.0
"""Seconds after which a child hangs."""


# --- the child ---------------------------------------------------------------------------------------------------------------


def plan():
    from modelwright.training import Adam, Cosine, Stopping, Training

    falling = Cosine(warmup=0.1)
    return Training(24, batch=16, accumulate=2, clip=1.0, optimizer=Adam(0.02), schedule=falling, stopping=Stopping(7))


def plant(mutant: str, put: Callable[[object, str, object], None] = setattr) -> None:
    """Breaks coming back in one way."""
    from modelwright import training
    from modelwright.data.feed import Feed
    from modelwright.training import descent

    whole, batch, factor, chance = training.restore, Feed.batch, training.Cosine.factor, descent.chance
    came = [0]
    """The step that it came back to."""

    def restore(run, files):
        whole(run, files)
        came[0] = run.step
        if mutant == "moments":
            for name, tensor in run.state.items():
                if ":" in name:
                    tensor.zero_()
        elif mutant == "patience":
            run.waited = 0
        elif mutant == "best":
            run.best, run.best_score = None, None
        elif mutant == "rate":
            run.rate_scale = 1.0

    put(training, "restore", restore)
    if mutant == "order":
        put(Feed, "batch", lambda self, step, micro=0: batch(self, step - came[0], micro))
    elif mutant == "schedule":
        put(training.Cosine, "factor", lambda self, done: factor(self, max(0.0, done - came[0] / STEPS)))
    elif mutant == "dropout":
        put(descent, "chance", lambda seed, *where: chance(seed + came[0], *where))


def train(place: Path, note: Callable[[int, bool], None], most: int | None = None) -> None:
    """Trains from the newest snapshot to the end, keeping one after each step; or for so many steps.

    note(step, whether inside a save)"""
    from lessons import Lesson, made
    from modelwright import machine, training, vault
    from modelwright.data.feed import Feed

    lesson = Lesson(plan())
    run = lesson.run
    with machine.tuned(lesson.tuning):
        files = vault.latest_snapshot(place / "snapshots")
        if files is not None:
            training.restore(run, files)
        last = run.step + most if most else STEPS
        note(run.step, False)
        for step in training.steps(run, lesson.feed, lesson.update, lesson.plan):
            if step.ends_epoch:
                value = training.validate(run.models, lesson.aim, Feed(made(60, seed=1), 60, 0).in_order(60))
                training.judge(run, lesson.plan, value, "lower")
                if step.epoch == 0:
                    run.scale_rate(0.5)
                run.history.append({"epoch": step.epoch, "loss": training.epoch_loss(run), "validation": value})
            note(run.step, True)
            if most is None or run.step == last:
                vault.keep_snapshot(place / "snapshots", training.snapshot(run))
            note(run.step, False)
            if run.step == last:
                break
    if run.ended or run.step == STEPS:
        training.finish(run)
        told = {"step": run.step, "epochs": len(run.history), "best_epoch": run.best_epoch, "rate_scale": run.rate_scale}
        weights = sha256(b"".join(weight.numpy().tobytes() for weight in lesson.weights().values())).hexdigest()
        vault.put_file(place / "end.json", json.dumps({**told, "history": run.history, "weights": weights}).encode())


def child(place: Path, board_file: Path, mutant: str) -> None:
    """Trains; the board says how far, whether inside a save, and from where it began."""
    if mutant:
        plant(mutant)
    with board_file.open("r+b") as file, mmap.mmap(file.fileno(), 24) as board:

        def note(step: int, inside: bool) -> None:
            struct.pack_into("qq", board, 0, step, inside)
            if began[0] is None:
                began[0] = step
                struct.pack_into("q", board, 16, step)

        began: list[int | None] = [None]
        train(place, note)


# --- the harness -------------------------------------------------------------------------------------------------------------


@dataclass
class Tally:
    kills: int = 0
    inside: int = 0
    """Kills that fell inside a save."""
    resumed: int = 0
    """Beginnings from a step above 0."""
    end: dict = field(default_factory=dict)


def lead(place: Path, kills: int, mutant: str = "", seed: int = 0) -> Tally:
    """Leads a training to its end in this folder, killed so many times on the way."""
    place.mkdir()
    board_file, dice, tally = place / "board", random.Random(seed), Tally()
    board_file.write_bytes(bytes(24))
    command = [sys.executable, __file__, str(place), str(board_file), mutant]
    with board_file.open("r+b") as file, mmap.mmap(file.fileno(), 24) as board:
        while not (place / "end.json").exists():
            before = struct.unpack_from("q", board, 0)[0]
            struct.pack_into("qq", board, 8, 0, 0)
            with subprocess.Popen(command, stderr=subprocess.PIPE) as process:
                if tally.kills < kills:
                    step = before + dice.randint(1, 200 // (kills + 1))
                    tally.kills += until_killed(process, board, step, dice.uniform(0, 0.02))
                else:
                    process.wait(DEADLINE)
                errors = process.stderr.read().decode() if process.stderr and process.returncode != -9 else ""
            assert process.returncode in (0, -9), errors
            tally.inside += process.returncode == -9 and struct.unpack_from("q", board, 8)[0]
            tally.resumed += struct.unpack_from("q", board, 16)[0] > 0
    tally.end = json.loads((place / "end.json").read_text(encoding="utf-8"))
    return tally


def until_killed(process: subprocess.Popen, board: mmap.mmap, step: int, wait: float) -> bool:
    """Lets it go on to this step and a little further, then kills it; false where it ended before."""
    deadline = time.monotonic() + DEADLINE
    while struct.unpack_from("q", board, 0)[0] < step and process.poll() is None:
        assert time.monotonic() < deadline, "the child hangs"
        time.sleep(0.0005)
    time.sleep(wait)
    if process.poll() is not None:
        return False
    process.kill()
    process.wait()
    return process.returncode == -9


def differs(end: dict, other: dict) -> bool:
    """In the final weights, or in when training ended: patience that is lost may come to the same best epoch."""
    return any(end[name] != other[name] for name in ("weights", "epochs"))


@pytest.fixture(scope="module")
def calm(tmp_path_factory) -> dict:
    """How the training ends when nobody disturbs it."""
    end = lead(tmp_path_factory.mktemp("calm") / "run", 0).end
    assert 0 <= end["best_epoch"] < end["epochs"] - 1, "the best epoch must be kept on the side for the test to see it"
    assert end["epochs"] < 24, "stopping must have moved"
    assert end["rate_scale"] < 1
    return end


def test_the_same_end_after_kills(calm, tmp_path):
    tally = lead(tmp_path / "run", 4)
    assert tally.kills >= 3 and tally.resumed >= 3, tally
    assert tally.end == calm


@pytest.mark.parametrize("mutant", ["", *MUTANTS])
def test_a_mutant_of_coming_back_is_found(calm, tmp_path, monkeypatch, mutant):
    """The same training, its process not killed but left behind eight times: fast, and without a mutant equal too."""
    plant(mutant, monkeypatch.setattr)
    (tmp_path / "run").mkdir()
    dice = random.Random(1)
    while not (tmp_path / "run" / "end.json").exists():
        train(tmp_path / "run", lambda step, inside: None, dice.randint(10, 30))
    end = json.loads((tmp_path / "run" / "end.json").read_text(encoding="utf-8"))
    if mutant:
        assert differs(end, calm), f"{mutant}: planted, and not found"
    else:
        assert end == calm


@pytest.mark.long
@pytest.mark.parametrize("mutant", MUTANTS)
def test_a_mutant_is_found_by_real_kills(calm, tmp_path, mutant):
    tally = lead(tmp_path / "run", 8, mutant)
    assert tally.resumed >= 3
    assert differs(tally.end, calm), f"{mutant}: planted, and not found"


@pytest.mark.long
def test_the_same_end_after_many_kills(calm, tmp_path):
    tallies = [lead(tmp_path / f"run{number}", 15, seed=number) for number in range(4)]
    kills, inside, resumed = (sum(getattr(tally, name) for tally in tallies) for name in ("kills", "inside", "resumed"))
    print(f"{kills} kills, {inside} inside a save, {resumed} resumes from a step above 0")  # noqa: T201
    assert kills >= 55 and inside >= 15 and resumed >= 50
    assert [tally.end for tally in tallies] == [calm] * 4


if __name__ == "__main__":
    child(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
