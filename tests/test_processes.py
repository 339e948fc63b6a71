"""Real processes, started by the command line: killed, left alone by their leader, never coming. And the end is the same.

The reference is one process with two micro-batches; what is compared is the last snapshot, bit for bit.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from modelwright import learning, life, vault
from modelwright.__main__ import main
from modelwright.folder import RunFolder
from modelwright.nouns import Refused
from modelwright.parallel.watching import Signs
from modelwright.recipe import Recipe, open_recipe
from turns import Seat, together

DEADLINE = 300.0
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
def leading(
    folder: Path, *words: str, recipe: str = RECIPE, arrival: int = 120, standstill: int = 300
) -> Generator[Led, None, None]:
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
        str(arrival),
        "--standstill",
        str(standstill),
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


def worker(recipe: Recipe, folder: RunFolder, seat: Seat, stop: Callable[[], bool] = lambda: False) -> None:
    """What the command line does in each."""
    if seat.rank:
        life.assist(recipe, folder, seat)
    else:
        life.only_train(recipe, folder, life.Opening(resume=True, stop=stop, together=seat))


@pytest.fixture(scope="module")
def alone(tmp_path_factory) -> dict[str, bytes]:
    """The end of one process with two micro-batches."""
    folder = RunFolder(tmp_path_factory.mktemp("alone") / "run")
    assert life.only_train(open_recipe(RECIPE + "accumulate = 2\n"), folder) is not None
    return snapshot(folder)


def test_a_killed_worker_comes_back_and_the_end_is_the_same(alone, tmp_path):
    with leading(tmp_path / "run") as led:
        led.until("epoch", count=2)
        workers = led.workers()
        assert set(workers) == {0, 1}
        workers[random.choice((0, 1))].kill()
        code, errors = led.end()
        assert code == 0, errors
        assert gone(list(workers.values()))
    (resume,) = noted(led.folder, "resume")
    assert resume["step"] > 0
    assert "of 2 was killed (signal 9). All begin again from the newest snapshot." in errors
    assert snapshot(led.folder) == alone


def test_a_worker_that_never_comes_and_a_leader_that_is_killed(tmp_path):
    """A kind's module that sleeps in the second process alone, before it could join."""
    kind = "from modelwright.models import MLP\n\nclass Mine(MLP):\n    room = 'model'\n"
    asleep = f"import os, time\n{kind}\nif os.environ.get('RANK') == '1':\n    time.sleep(600)\n"
    (tmp_path / "asleep.py").write_text(asleep, encoding="utf-8")
    with leading(tmp_path / "run", "--kinds", "asleep", arrival=8) as led:
        code, errors = led.end()
    assert code == 2, errors
    told, way_out = errors.splitlines()
    assert told.endswith("1 of 2 did not come within 8 s (they are counted from 0).")  # on a busy machine 0 neither
    assert "--arrival SECONDS" in way_out
    with leading(tmp_path / "run", "--kinds", "asleep") as led:
        began = time.monotonic()
        while not (workers := led.workers()).keys() >= {0, 1}:
            assert time.monotonic() - began < DEADLINE
            time.sleep(0.05)
        time.sleep(2)  # one of them sleeps by now, the other waits for it
        led.leader.kill()
        assert gone(list(workers.values())), "orphans"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signal that stops a process")
@pytest.mark.parametrize("rank", [pytest.param(0, marks=pytest.mark.long), 1])
def test_a_worker_that_stands_still_is_found_out_and_what_was_reached_is_kept(alone, tmp_path, rank):
    with leading(tmp_path / "run", standstill=4) as led:
        led.until("epoch", count=2)
        workers = led.workers()
        workers[rank].suspend()
        began = time.monotonic()
        code, errors = led.end()
        assert 4 < time.monotonic() - began < 60
        assert gone(list(workers.values()))
    assert code == 2, errors
    told, way_out = errors.splitlines()
    assert told == f"Process {rank} of 2 stood still for 4 s (they are counted from 0)."
    assert "--resume" in way_out and "--standstill SECONDS" in way_out
    if rank:  # one of the two is enough to go on with
        return
    with leading(tmp_path / "run") as led:
        code, errors = led.end()
    assert code == 0, errors
    assert snapshot(led.folder) == alone


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signal that stops a process")
def test_one_that_only_rests_and_a_leader_who_stops_them_all_are_let_be(alone, tmp_path):
    """The leader sleeps for longer than anybody may, as do all with Ctrl-Z; and it all takes longer than that."""
    with leading(tmp_path / "run", standstill=4) as led:
        led.until("epoch", count=2)
        workers = led.workers()
        workers[1].suspend()
        time.sleep(1.5)
        workers[1].resume()
        everybody = [*workers.values(), psutil.Process(led.leader.pid)]
        for process in everybody:
            process.suspend()
        time.sleep(6)
        for process in everybody:
            process.resume()
        code, errors = led.end()
    assert code == 0 and errors == "", errors
    assert snapshot(led.folder) == alone


def test_silence_is_counted_by_glances_and_only_of_those_at_work():
    signs = Signs()
    signs.look({0: 1, 1: 1}, 1.0)
    assert signs.still(0.5) == []  # the first sign is none to compare with
    signs.look({0: 2, 1: 1}, 1.0)
    assert signs.still(0.5) == [1] and signs.still(1.0) == []
    signs.look({0: 3, 1: 1}, 1.0)
    assert signs.still(1.5) == [1]
    signs.look({0: 4, 1: 2}, 1.0)
    assert signs.still(0.5) == []  # it has only rested
    signs.look({0: 4}, 1.0)
    assert signs.still(0.5) == [0]  # the other one has ended, and stands still no more


def test_a_run_goes_on_with_as_many_as_it_was_begun_with(tmp_path):
    folder = RunFolder(tmp_path / "run")
    recipe = open_recipe(RECIPE, ["training.epochs=1"])
    assert life.only_train(recipe, folder) is not None
    with pytest.raises(Refused, match=r"was begun with 1 process\.\nGo on with --processes 1"):
        together(2, lambda seat: worker(recipe, folder, seat))


def interrupted_after(steps: int) -> Callable[[], bool]:
    asked = iter(range(steps - 1))
    return lambda: next(asked, None) is None


@pytest.mark.parametrize("planted", [False, True])
def test_all_come_back_to_the_same_place(alone, tmp_path, monkeypatch, planted):
    """Stopped in the middle of an epoch, and resumed by both; planted: the second one does not come back, and that is found."""
    folder, recipe, back = RunFolder(tmp_path / "run"), open_recipe(RECIPE), learning.come_back
    with pytest.raises(KeyboardInterrupt):
        together(2, lambda seat: worker(recipe, folder, seat, interrupted_after(100)))
    assert not noted(folder, "resume")
    if planted:
        first = iter((True, False))
        monkeypatch.setattr(learning, "come_back", lambda run, folder: next(first) and back(run, folder))
        with pytest.raises(AssertionError, match="came back to different places"):
            together(2, lambda seat: worker(recipe, folder, seat))
    else:
        together(2, lambda seat: worker(recipe, folder, seat))
        assert [one["step"] for one in noted(folder, "resume")] == [100]
        assert snapshot(folder) == alone


@pytest.mark.long
def test_what_only_a_helper_knows_is_told(tmp_path):
    """A kind's module that the second process alone cannot read."""
    (tmp_path / "gone.py").write_text("import os\nif os.environ.get('RANK') == '1':\n    import nowhere\n", encoding="utf-8")
    with leading(tmp_path / "run", "--kinds", "gone") as led:
        code, errors = led.end()
    assert code == 2
    told = [line for line in errors.splitlines() if line.startswith("Process 1 of 2 ended by itself with code 2. --kinds gone")]
    assert len(told) == 3 and all("No module named 'nowhere'" in line for line in told), errors
    assert "memory" not in errors  # which is no reason where there is a better one


def test_all_come_back_to_a_sealed_snapshot(alone, tmp_path):
    """The key is each one's own to read: who only helps has no scope of the first's."""
    (tmp_path / "seal.key").write_bytes(bytes(range(32)))
    seal = f"protection.seal={{kind='key_file', path='{(tmp_path / 'seal.key').as_posix()}'}}"
    folder, recipe = RunFolder(tmp_path / "run"), open_recipe(RECIPE, [seal])
    with pytest.raises(KeyboardInterrupt):
        together(2, lambda seat: worker(recipe, folder, seat, interrupted_after(100)))
    together(2, lambda seat: worker(recipe, folder, seat))
    assert [one["step"] for one in noted(folder, "resume")] == [100]
    with pytest.raises(Refused, match="only be read with its key"):
        vault.latest_snapshot(folder.snapshots)
    with vault.unsealing(recipe.protection.opened):
        assert snapshot(folder) == alone


def test_more_processes_than_rows_in_a_batch_are_refused_before_anything_starts(tmp_path, capsys):
    (tmp_path / "recipe.toml").write_text(RECIPE, encoding="utf-8")
    words = ["train", str(tmp_path / "recipe.toml"), "-o", str(tmp_path / "run"), "--processes", "34"]
    assert main(["--lang", "en", *words]) == 2
    assert capsys.readouterr().err.startswith("A batch of 33 rows cannot be shared by 34 processes.")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("number", ["0", "-2", "two"])
def test_a_number_of_processes_that_is_none(number, capsys):
    with pytest.raises(SystemExit) as refused:
        main(["--lang", "en", "train", "digits", "--processes", number])
    assert refused.value.code == 2 and "--processes" in capsys.readouterr().err


@pytest.mark.skipif(sys.platform == "win32", reason="Windows sends Ctrl-C to a whole console")
@pytest.mark.long
def test_ctrl_c_leaves_a_snapshot_and_nobody(tmp_path):
    with leading(tmp_path / "run", recipe=RECIPE.replace("0.05", "600").replace("epochs = 12", "epochs = 600")) as led:
        led.until("epoch", count=2)
        workers = list(led.workers().values())
        assert vault.latest_snapshot(led.folder.snapshots) is None if led.folder.snapshots.exists() else True
        led.leader.send_signal(signal.SIGINT)
        code, errors = led.end()
    assert code == 130
    assert errors.splitlines()[-1].startswith("Interrupted.")
    assert len(workers) == 2 and gone(workers)
    assert vault.latest_snapshot(led.folder.snapshots) is not None


@pytest.mark.long
def test_many_kills_at_random_instants_and_the_same_end(tmp_path):
    """Each kill is of one worker or of both; a resume counts only from a step above the one before."""
    recipe, kills, dice = RECIPE.replace("epochs = 12", "epochs = 60"), 8, random.Random(1)
    one = RunFolder(tmp_path / "one")
    assert life.only_train(open_recipe(recipe + "accumulate = 2\n"), one) is not None
    done = 0
    with leading(tmp_path / "run", recipe=recipe) as led:
        for number in range(kills):
            led.until("train", "resume", count=number + 1)
            led.until("epoch", count=len(noted(led.folder, "epoch")) + 1)
            time.sleep(dice.uniform(0, 0.5))
            for worker in dice.sample(list(led.workers().values()), dice.choice((1, 2))):
                worker.kill()
                done += 1
        code, errors = led.end()
    steps = [noting["step"] for noting in noted(led.folder, "resume")]
    print(f"{done} workers killed, {len(steps)} resumes, from steps {steps}")  # noqa: T201
    assert code == 0, errors
    assert len(steps) >= kills - 1 and steps == sorted(steps) and steps[0] > 0
    assert snapshot(led.folder) == snapshot(one)
