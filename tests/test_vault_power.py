"""Power loss, which no kill can show: every prefix of the recorded calls to the disk is replayed on a disk that forgets.

The disk here keeps only what it must: a file's bytes once it was flushed, a folder's names once that folder was. Of the
rest it keeps nothing, everything, or any part, names and bytes apart from each other, as file systems may (Pillai et al.,
"All File Systems Are Not Created Equal", OSDI 2014). What an acknowledged save put there must be there, whole.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import pytest

from modelwright import vault
from modelwright.nouns import Refused
from modelwright.vault import disk, folders, snapshots

SAVES = 4
DRAWS = 6
"""Random losses at each prefix, beside the four extreme ones."""
CALLS = ("make_folder", "write", "settle", "settle_folder", "read", "move", "remove")


def content(n: int) -> dict[str, bytes]:
    return {"number": b"%d" % n, "weights": bytes([n]) * 300}


# --- recording -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Call:
    what: str
    path: Path
    data: bytes = b""
    to: Path = Path()


@pytest.fixture
def record(monkeypatch):
    """Calls to the disk, in order, each done for real as well; ("acknowledged", n) is added by whoever saves."""
    calls: list[Call] = []

    def telling(what: str, real: Callable[..., object]) -> Callable[..., object]:
        def call(path: Path, *rest: object) -> object:
            result = real(path, *rest)
            data = rest[0] if what == "write" else b""
            calls.append(Call(what, path, data, rest[0] if what == "move" else Path()))  # type: ignore[arg-type]
            return result

        return call

    for what in CALLS:
        monkeypatch.setattr(disk, what, telling(what, getattr(disk, what)))
    return calls


SAVE: dict[str, Callable[[Path, int], object]] = {
    "snapshot": lambda place, n: vault.keep_snapshot(place, content(n)),
    "only snapshot": lambda place, n: vault.keep_snapshot(place, content(n), keep=1),
    "folder": lambda place, n: vault.put_folder(place, content(n)),
    "file": lambda place, n: vault.put_file(place, content(n)["weights"]),
    "signed folder": lambda place, n: (vault.put_folder(place, content(n)), vault.attest(place, b"%d" % n)),
}
SEAL = vault.Seal(bytes(range(32)))
WAYS = [*SAVE, "sealed snapshot", "sealed folder", "sealed file"]


def in_its_scope(what: str, place: Path) -> tuple[str, AbstractContextManager[None]]:
    """The bare way, and the scope in which it is gone."""
    bare = what.removeprefix("sealed ")
    return bare, nullcontext() if bare == what else vault.sealed(SEAL, place)


def saves(record: list[Call], what: str, place: Path) -> list[Call]:
    bare, scope = in_its_scope(what, place)
    with scope:
        for n in range(1, SAVES + 1):
            SAVE[bare](place, n)
            record.append(Call("acknowledged", place))
    return list(record)


def taken(what: str, place: Path) -> int:
    """Which save lies there; 0 for none."""
    bare, scope = in_its_scope(what, place)
    with scope:
        return _taken(bare, place)


def _taken(what: str, place: Path) -> int:
    if what == "file":
        if not place.exists():
            return 0
        data = vault.take_file(place)
        assert len(data) == 300, f"{len(data)} bytes"
        assert data == content(data[0])["weights"]
        return data[0]
    if what.endswith("folder") and not place.exists() and not folders._former(place).exists():
        return 0
    files = vault.take_folder(place) if what.endswith("folder") else vault.latest_snapshot(place)
    if files is None:
        return 0
    number = int(files["number"])
    assert files == content(number)
    if what == "signed folder":
        signature = vault.attested(place)[1]
        assert signature in (None, files["number"])
        return number - (signature is None)  # the save is done when the signature is there
    return number


# --- a disk that forgets --------------------------------------------------------------------------------------------------


@dataclass
class Leaf:
    data: bytes
    settled: bool = False


@dataclass
class Folder:
    now: dict[str, Leaf | Folder] = field(default_factory=dict)
    kept: dict[str, Leaf | Folder] = field(default_factory=dict)
    pending: list[tuple[str, str, Leaf | Folder | None]] = field(default_factory=list)
    """(name, new name or "", node or None): put, moved or removed since the folder was last flushed."""

    def change(self, name: str, to: str = "", node: Leaf | Folder | None = None) -> None:
        self.pending.append((name, to, node))
        _apply(self.now, name, to, node)

    def settle(self) -> None:
        self.kept, self.pending = dict(self.now), []


def _apply(names: dict[str, Leaf | Folder], name: str, to: str, node: Leaf | Folder | None) -> None:
    if node is not None:
        names[name] = node
    elif name in names:
        old = names.pop(name)
        if to:
            names[to] = old


def replayed(calls: list[Call], root: Path) -> Folder:
    """The state of the disk after these calls: what lies there now, and what it must keep."""
    top = Folder()

    def at(path: Path) -> Folder | Leaf:
        node: Folder | Leaf = top
        for part in path.relative_to(root).parts:
            assert isinstance(node, Folder)
            node = node.now[part]
        return node

    def above(path: Path) -> Folder:
        folder = at(path.parent)
        assert isinstance(folder, Folder)
        return folder

    for call in calls:
        if call.what == "make_folder":
            above(call.path).change(call.path.name, node=Folder())
        elif call.what == "write":
            above(call.path).change(call.path.name, node=Leaf(call.data))
        elif call.what == "move":
            if call.path.parent == call.to.parent:
                above(call.path).change(call.path.name, to=call.to.name)
            else:  # a signature, laid into its folder: the two lists of names are flushed apart
                above(call.to).change(call.to.name, node=above(call.path).now[call.path.name])
                above(call.path).change(call.path.name)
        elif call.what == "remove":
            node = at(call.path)
            for name in list(node.now) if isinstance(node, Folder) else []:
                node.change(name)  # type: ignore[union-attr]
            above(call.path).change(call.path.name)
        elif call.what == "settle":
            at(call.path).settled = True  # type: ignore[union-attr]
        elif call.what == "settle_folder" and call.path.is_relative_to(root):
            at(call.path).settle()  # type: ignore[union-attr]
    return top


@dataclass
class Loss:
    """What of the unflushed survives: share of changed names, share of files with all, none or a part of their bytes."""

    names: float
    bytes: float
    chance: random.Random

    def leave(self, folder: Folder, place: Path) -> None:
        place.mkdir()
        left = dict(folder.kept)
        for name, to, node in folder.pending:
            if self.chance.random() < self.names:
                _apply(left, name, to, node)
        for name, node in left.items():
            if isinstance(node, Folder):
                self.leave(node, place / name)
            else:
                (place / name).write_bytes(node.data if node.settled else self.torn(node.data))

    def torn(self, data: bytes) -> bytes:
        if self.chance.random() < self.bytes:
            return data
        cut = self.chance.randrange(len(data) + 1)
        return self.chance.choice([b"", data[:cut], data[:cut] + bytes(len(data) - cut), bytes(len(data))])


def losses(seed: int) -> Iterator[Loss]:
    for names in (0, 1):
        for data in (0, 1):
            yield Loss(names, data, random.Random(seed))
    for draw in range(DRAWS):
        yield Loss(0.5, 0.5, random.Random(seed * 1000 + draw))


def faults(calls: list[Call], what: str, root: Path, scratch: Path) -> tuple[list[str], int]:
    """What a loss of power after each call would have broken, and how many losses were tried."""
    found: list[str] = []
    numbers = count()
    for end in range(len(calls) + 1):
        acknowledged = sum(call.what == "acknowledged" for call in calls[:end])
        state = replayed(calls[:end], root)
        for loss in losses(end):
            place = scratch / f"{next(numbers)}"
            loss.leave(state, place)
            try:
                number = taken(what, place / "it")
                assert acknowledged <= number <= acknowledged + 1, f"{number} is there, {acknowledged} was acknowledged"
            except (Refused, AssertionError) as fault:
                found.append(f"after call {end}, {calls[end - 1].what if end else 'none'}: {str(fault)[:200]}")
    return found, next(numbers)


@pytest.mark.parametrize("what", WAYS)
def test_no_loss_of_power_takes_an_acknowledged_save(record, tmp_path, what):
    (tmp_path / "root").mkdir()
    (tmp_path / "scratch").mkdir()
    calls = saves(record, what, tmp_path / "root" / "it")
    found, tried = faults(calls, what, tmp_path / "root", tmp_path / "scratch")
    print(f"{what}: {len(calls)} calls, {tried} losses")  # noqa: T201
    assert found == []
    assert tried >= 10 * (len(calls) + 1)
    assert tried > 200


# --- the order itself -----------------------------------------------------------------------------------------------------


def disorder(calls: list[Call]) -> list[str]:
    """Breaches of the order that the vault promises."""
    found: list[str] = []
    written: dict[Path, int] = {}
    for now, call in enumerate(calls):
        before = calls[:now]
        if call.what == "write":
            written[call.path] = now
        if call.what != "move":
            continue
        inside = [path for path in written if call.path in (path, path.parent)]
        for path in inside:
            after = [c.what for c in calls[written[path] : now] if c.path == path]
            if "settle" not in after:
                found.append(f"{path.name} took its place before it was flushed")
            elif "read" not in after[after.index("settle") :]:
                found.append(f"{path.name} took its place before it was read back")
            if path.parent == call.path and Call("settle_folder", call.path) not in calls[written[path] : now]:
                found.append(f"{call.path.name} took its place before its names were flushed")
        if call.to.name == "latest":
            places = [n for n, c in enumerate(before) if c.what == "move" and c.to.name.isdigit()]
            if len(places) <= sum(c.what == "acknowledged" for c in before):
                found.append("the pointer moved before what it names")
            elif Call("settle_folder", call.to.parent) not in calls[places[-1] : now]:
                found.append("the pointer moved before the folder of snapshots was flushed")
        for path in inside:
            del written[path]
    return found + _removals(calls)


def _removals(calls: list[Call]) -> list[str]:
    """An older snapshot steps aside only after the pointer stands and is flushed, and by then the newer was read back."""
    found: list[str] = []
    start = 0
    for now, call in enumerate(calls):
        if call.what == "acknowledged":
            start = now + 1
        if call.what == "move" and call.path.name.isdigit():
            this = calls[start:now]
            pointers = [n for n, c in enumerate(this) if c.what == "move" and c.to.name == "latest"]
            if not pointers or not any(c.what == "settle_folder" for c in this[pointers[-1] :]):
                found.append(f"{call.path.name} was given up before the newer one was named")
    return found


@pytest.mark.parametrize("what", WAYS)
def test_the_order_is_kept(record, tmp_path, what):
    calls = saves(record, what, tmp_path / "it")
    assert disorder(calls) == []
    assert sum(call.what == "move" for call in calls) >= SAVES
    if "snapshot" in what:
        given_up = sum(call.what == "move" and call.path.name.isdigit() for call in calls)
        assert given_up == SAVES - (1 if what == "only snapshot" else 2)


# --- planted bugs that both must find -------------------------------------------------------------------------------------


def no_flush(patch):
    patch.setattr(disk, "settle", lambda path: None)


def no_folder_flush(patch):
    patch.setattr(disk, "settle_folder", lambda folder: None)


def no_read_back(patch):
    patch.setattr(folders, "checked", lambda folder, most: iter(()))


def pointer_first(patch):
    def keep(folder, files, keep=2):
        older = snapshots._numbers(folder) if folder.exists() else []
        name = f"{len(older) + 1:08d}"
        seal = folders.manifest.digest(folders.manifest.spell(files))
        vault.put_file(folder / "latest", f"{name} {seal}\n".encode())
        vault.put_folder(folder / name, files)

    patch.setattr(vault, "keep_snapshot", keep)


def remove_first(patch):
    def keep(folder, files, keep=2, real=vault.keep_snapshot):
        for number in snapshots._numbers(folder) if folder.exists() else []:
            folders.discard(folder / f"{number:08d}")
        return real(folder, files, keep)

    patch.setattr(vault, "keep_snapshot", keep)


def in_place(patch):
    patch.setattr(folders, "beside", lambda folder: folder)
    patch.setattr(folders, "_into_place", lambda new, folder: disk.settle_folder(folder.parent))
    patch.setattr(folders, "_refuse_strangers", lambda folder: disk.remove(folder) if folder.exists() else None)


@pytest.mark.parametrize(
    ("what", "plant", "by_loss", "by_order"),
    [
        ("snapshot", no_flush, True, True),
        ("folder", no_flush, True, True),
        ("file", no_flush, True, True),
        ("snapshot", no_folder_flush, True, True),
        ("folder", no_folder_flush, True, True),
        ("file", no_folder_flush, True, False),
        ("only snapshot", remove_first, True, True),
        ("folder", in_place, True, False),
        ("snapshot", pointer_first, True, True),
        ("folder", no_read_back, False, True),  # no loss of power shows it: it is there for disks that lie
    ],
)
def test_a_planted_bug_is_found(monkeypatch, record, tmp_path, what, plant, by_loss, by_order):
    (tmp_path / "root").mkdir()
    (tmp_path / "scratch").mkdir()
    with monkeypatch.context() as patch:
        plant(patch)
        calls = saves(record, what, tmp_path / "root" / "it")
    found, _ = faults(calls, what, tmp_path / "root", tmp_path / "scratch")
    assert bool(found) == by_loss, found[:3]
    assert bool(disorder(calls)) == by_order, disorder(calls)[:3]
