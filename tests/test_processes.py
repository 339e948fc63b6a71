"""Real processes, started by the command line: killed, left alone by their leader, never coming. And the end is the same.

The reference is one process with two micro-batches; what is compared is the last snapshot, bit for bit.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from modelwright import life, vault
from modelwright.folder import RunFolder
from modelwright.recipe import open_recipe

DEADLINE = 120.0
"""Seconds after which a run hangs."""

RECIPE = """
format = 1
seed = 3
machine = {device = "cpu", threads = 1, precision = "highest", dtype = "float32", compiled = false}

[data]
kind = "bundled"
name = "digits"

[codec]
kind = "columns"
label = "target"

[model]
kind = "mlp"
widths = [32]
dropout = 0.2

[[penalty]]
kind = "l2"
weight = 0.001

[training]
epochs = 12
batch = 33
clip = 1.0
snapshot_every = 0.05
"""


@dataclass
class Led:
    """A run on several processes, and those who were seen to work for it."""

    leader: subprocess.Popen
    folder: RunFolder

    def workers(self) -> dict[int, psutil.Process]:
        """By rank."""
        found: dict[int, psutil.Process] = {}
        for child in psutil.Process(self.leader.pid).children(recursive=True):
            try:
                found[int(child.environ()["RANK"])] = child
            except (psutil.Error, KeyError):
                continue
        return found

    def until(self, *events: str, count: int = 1) -> None:
        """Waits until so many of these events are in the journal."""
        began = time.monotonic()
        while self.leader.poll() is None and len(noted(self.folder, *events)) < count:
            assert time.monotonic() - began < DEADLINE, f"no {events} came"
            time.sleep(0.01)

    def end(self) -> tuple[int, str]:
        """Its exit code, and what it said on standard error."""
        _, errors = self.leader.communicate(timeout=DEADLINE)
        return self.leader.returncode, errors


def noted(folder: RunFolder, *events: str) -> list[dict]:
    if not folder.journal.exists():
        return []
    return [one for one in map(json.loads, vault.read_lines(folder.journal)) if one["event"] in events]


@contextmanager
def leading(folder: Path, *words: str, recipe: str = RECIPE) -> Generator[Led, None, None]:
    """Two processes that train in this folder; whatever happens, none of them is left."""
    order = folder.parent / "recipe.toml"
    order.write_text(recipe, encoding="utf-8")
    command = [
        sys.executable,
        "-m",
        "modelwright",
        *words,
        "train",
        str(order),
        "-o",
        str(folder),
        "--processes",
        "2",
        "--resume",
        "--arrival",
        "12",
    ]
    environment = {**os.environ, "LANG": "C.UTF-8"}
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, encoding="utf-8", env=environment, cwd=folder.parent
    ) as leader:
        led = Led(leader, RunFolder(folder))
        seen: list[psutil.Process] = []
        try:
            yield led
        finally:
            seen = list(led.workers().values()) if leader.poll() is None else []
            leader.kill()
            leader.communicate()
    assert psutil.wait_procs(seen, timeout=10)[1] == []


def gone(processes: list[psutil.Process]) -> bool:
    """Whether they end within a few seconds, without help."""
    return psutil.wait_procs(processes, timeout=10)[1] == []


def snapshot(folder: RunFolder) -> dict[str, bytes]:
    """The newest, without what tells of processes and words: tuning."""
    files = vault.latest_snapshot(folder.snapshots)
    assert files is not None
    facts = json.loads(files["run.json"])
    assert facts.pop("tuning")
    return {**files, "run.json": json.dumps(facts).encode()}


@pytest.fixture(scope="module")
def alone(tmp_path_factory) -> dict[str, bytes]:
    """The end of one process with two micro-batches."""
    folder = RunFolder(tmp_path_factory.mktemp("alone") / "run")
    assert life.only_train(open_recipe(RECIPE + "accumulate = 2\n"), folder) is not None
    return snapshot(folder)


def test_killed_workers_and_a_killed_leader_and_the_same_end(alone, tmp_path):
    """The leader is killed first, and nobody is left; then a worker, and all come back."""
    folder = tmp_path / "run"
    with leading(folder) as led:
        led.until("epoch", count=2)
        workers = led.workers()
        assert set(workers) == {0, 1}
        led.leader.kill()
        assert gone(list(workers.values())), "orphans"
    with leading(folder) as led:
        led.until("resume")
        led.until("epoch", count=len(noted(led.folder, "epoch")) + 1)
        workers = led.workers()
        workers[random.choice((0, 1))].kill()
        code, errors = led.end()
        assert code == 0, errors
        assert gone(list(workers.values()))
    resumes = noted(RunFolder(folder), "resume")
    assert len(resumes) == 2 and all(one["step"] > 0 for one in resumes)
    assert "of 2 was killed (signal 9). All begin again from the newest snapshot." in errors
    assert snapshot(RunFolder(folder)) == alone


def test_a_worker_that_never_comes(tmp_path):
    """A kind's module that sleeps in the second process alone, before it could join."""
    (tmp_path / "asleep.py").write_text(
        "import os, time\nif os.environ.get('RANK') == '1':\n    time.sleep(600)\n", encoding="utf-8"
    )
    with leading(tmp_path / "run", "--kinds", "asleep") as led:
        code, errors = led.end()
    assert code == 2
    assert errors.splitlines()[0] == "Process 1 of 2 did not come within 12 s (they are counted from 0)."
