"""Real kills: a process that saves all the time is killed at random instants, and what lies there must be whole.

Every harness here is also pointed at a writer with a planted bug, which it must find: a test that cannot fail proves
nothing. The kills that fell inside a save are counted, for only these could have done harm.
"""

import inspect
import mmap
import random
import struct
import subprocess
import sys
import textwrap
import time
from collections import Counter
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path

import pytest

from modelwright import vault
from modelwright.nouns import Refused

KILLS = 25
PLANTED_KILLS = 80
"""At most: a planted bug is mostly found by the first few."""
WEIGHTS = 1 << 20
"""Bytes of one save."""

CALLS = ["make_folder", "write", "settle", "settle_folder", "read", "move", "remove"]

WRITER = """
    import mmap, shutil, struct, sys
    from pathlib import Path
    from modelwright import vault
    from modelwright.vault import disk, files, folders, snapshots

    what, place, planted, sealed = sys.argv[1], Path(sys.argv[2]), sys.argv[4], sys.argv[5] == "sealed"
    seal = vault.Seal(bytes(range(32))) if sealed else None
    board_file = open(sys.argv[3], "r+b")
    board = mmap.mmap(board_file.fileno(), 16)
    saved = struct.unpack_from("q", board, 0)[0]

    def in_place(folder, files):        # the planted bug: no aside, no rename
        folder.mkdir(parents=True, exist_ok=True)
        files = {name: folders.scope.closed(data, folder / name) for name, data in files.items()}
        table = folders.manifest.spell(files, sealed)
        for name, data in {**files, "manifest.json": table}.items():
            (folder / name).write_bytes(data)
        return folders.manifest.digest(table)

    def one_place(folder, files, keep=2):
        seal = in_place(folder / "00000001", files)
        (folder / "latest").write_text(f"00000001 {seal}\\n")

    def remove_first(new, folder):      # another: the older goes before the newer stands
        if folder.exists():
            disk.remove(folder)
        disk.move(new, folder)

    if planted == "in place":
        vault.put_folder, vault.keep_snapshot = in_place, one_place
        vault.put_file = lambda path, data: path.write_bytes(folders.scope.closed(data, path))
    elif planted == "in clear first":       # a third: it is written in clear, and sealed where it lies
        write = disk.write
        def write_twice(path, data, mode=0o666):
            if path.name in files:
                write(path, files[path.name], mode)
                for _ in range(3):          # on the disk, as a careful writer would
                    disk.settle(path)
                path.unlink()
            write(path, data, mode)
        disk.write = write_twice
    elif planted == "remove first":
        folders._into_place = remove_first

    def told(stage, call):              # the board says in which call to the disk a kill fell
        def calling(*facts):
            struct.pack_into("q", board, 8, stage)
            result = call(*facts)
            struct.pack_into("q", board, 8, 1)
            return result
        return calling

    for stage, name in enumerate(CALLS, start=2):
        setattr(disk, name, told(stage, getattr(disk, name)))

    def save(files):
        if what == "snapshot":
            vault.keep_snapshot(place / "it", files)
        elif what == "folder":
            vault.put_folder(place / "it", files)
        else:
            vault.put_file(place / "it", files["weights"])

    while True:
        files = content(saved + 1)
        struct.pack_into("q", board, 8, 1)          # inside a save
        with vault.sealed(seal, place):
            save(files)
        saved += 1
        struct.pack_into("q", board, 0, saved)      # this one was acknowledged
        struct.pack_into("q", board, 8, 0)
"""


def content(n: int) -> dict[str, bytes]:
    """What the n-th save holds; it says so itself, and all of it follows from n."""
    block = blake2b(b"%d" % n).digest()
    return {"number": b"%d" % n, "weights": struct.pack("q", n) + block * (WEIGHTS // len(block))}


PROGRAM = "\n".join(
    [
        "import struct",
        "from hashlib import blake2b",
        f"WEIGHTS, CALLS = {WEIGHTS}, {CALLS}",
        inspect.getsource(content),
        textwrap.dedent(WRITER),
    ]
)


@dataclass
class Tally:
    kills: int = 0
    inside: Counter[str] = field(default_factory=Counter)
    """Kills inside a save, by the call to the disk they fell into."""
    saves: int = 0
    faults: int = 0
    first: str = ""


@dataclass(frozen=True)
class Work:
    """What a writer saves, how, and with which planted bug."""

    what: str
    sealed: bool = False
    planted: str = ""


def taken(work: Work, place: Path) -> int:
    """The number of the save that lies there. Refused or AssertionError where it is not whole."""
    if work.what == "file":
        data = vault.take_file(place / "it")
        number = struct.unpack_from("q", data)[0] if len(data) >= 8 else -1
        assert data == content(number)["weights"]
        return number
    files = vault.latest_snapshot(place / "it") if work.what == "snapshot" else vault.take_folder(place / "it")
    assert files is not None
    assert files == content(int(files["number"]))
    return int(files["number"])


def refuse_clear(place: Path, acknowledged: int) -> None:
    """AssertionError where anything that a save of about this number holds lies there in clear, leftovers and all."""
    words = [content(number)["weights"][8:72] for number in range(acknowledged - 2, acknowledged + 2)]
    for file in place.rglob("*"):
        if file.is_file():
            data = file.read_bytes()
            assert not any(word in data for word in words), f"{file} lies in clear"


def kill_and_look(work: Work, place: Path, kills: int, until_found: bool) -> Tally:
    chance, tally = random.Random(kills), Tally()
    board_file = place / "board"
    board_file.write_bytes(bytes(16))
    command = [sys.executable, "-c", PROGRAM, work.what, place, board_file, work.planted, "sealed" if work.sealed else ""]
    with board_file.open("r+b") as file, mmap.mmap(file.fileno(), 16) as board:
        for _ in range(kills):
            before = struct.unpack_from("q", board, 0)[0]
            with subprocess.Popen(command, stderr=subprocess.PIPE) as writer:
                deadline = time.monotonic() + 30
                while struct.unpack_from("q", board, 0)[0] < before + 2:  # never before it has really saved
                    assert writer.poll() is None, writer.communicate()[1].decode()
                    assert time.monotonic() < deadline, "the writer hangs"
                    time.sleep(0.001)
                time.sleep(chance.uniform(0, 0.02))
                writer.kill()
                writer.wait()
            acknowledged, inside = struct.unpack_from("qq", board)
            tally.kills += 1
            if inside:
                tally.inside[["between calls", *CALLS][inside - 1]] += 1
            tally.saves = acknowledged
            try:
                look(work, place, acknowledged)
            except (Refused, AssertionError, FileNotFoundError) as fault:
                tally.faults += 1
                tally.first = tally.first or str(fault)[:300]
                if until_found:
                    break
    return tally


def look(work: Work, place: Path, acknowledged: int) -> None:
    """At what a kill left: AssertionError, Refused or FileNotFoundError where a save was lost, halved or left in clear."""
    with vault.unsealing((lambda: vault.Seal(bytes(range(32)))) if work.sealed else None):
        number = taken(work, place)
    assert acknowledged <= number <= acknowledged + 1, f"{number} lies there, {acknowledged} was acknowledged"
    if work.sealed:
        refuse_clear(place, acknowledged)


WORKS = [Work(what, sealed) for sealed in (False, True) for what in ("snapshot", "folder", "file")]


@pytest.mark.parametrize("work", WORKS, ids=str)
def test_a_kill_at_any_instant_leaves_a_whole_save(tmp_path, work):
    tally = kill_and_look(work, tmp_path, KILLS, until_found=False)
    print(f"{work}: {tally}")  # noqa: T201
    assert tally.faults == 0, tally
    assert sum(tally.inside.values()) >= KILLS // 3, f"too few kills fell inside a save to prove anything: {tally}"
    left = sorted(entry.name for entry in (tmp_path / "it").parent.iterdir() if entry.name.startswith(".it"))
    assert len(left) <= sum(tally.inside.values()) + 1


PLANTED = [
    *(Work(what, planted="in place") for what in ("snapshot", "folder", "file")),
    Work("folder", planted="remove first"),
    *(Work(what, sealed=True, planted="in place") for what in ("snapshot", "folder", "file")),
    Work("folder", sealed=True, planted="in clear first"),
]


@pytest.mark.parametrize("work", PLANTED, ids=str)
def test_the_same_kills_find_a_planted_bug(tmp_path, work):
    tally = kill_and_look(work, tmp_path, PLANTED_KILLS, until_found=True)
    print(f"{work}: {tally}")  # noqa: T201
    assert tally.faults == 1, f"the planted bug was not found: {tally}"
    assert ("in clear" in tally.first) == (work.planted == "in clear first"), tally


def test_a_killed_writers_leftovers_go_with_the_next_snapshot(tmp_path):
    kill_and_look(Work("snapshot"), tmp_path, 6, until_found=False)
    vault.keep_snapshot(tmp_path / "it", content(0))
    assert not [entry for entry in (tmp_path / "it").iterdir() if entry.name.startswith(".")]
    assert len(list((tmp_path / "it").iterdir())) == 3
