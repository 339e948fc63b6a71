"""Disks that are full, read-only or elsewhere: Refused with a sentence, what lay there before stays, nothing is left over."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from modelwright import vault
from modelwright.nouns import Refused
from modelwright.vault import disk

OLD = {"weights": b"old weights"}


@pytest.fixture
def small_disk(tmp_path):
    """A real disk of 256 KiB; only root on Linux may mount one."""
    place = tmp_path / "disk"
    place.mkdir()
    if not sys.platform.startswith("linux") or os.geteuid() != 0:
        pytest.skip("mounting a small disk needs root on Linux")
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", place], capture_output=True).returncode:
        pytest.skip("this machine does not allow mounting")
    yield place
    subprocess.run(["umount", place], check=True)


def everything(place: Path) -> dict[str, bytes]:
    return {str(path.relative_to(place)): path.read_bytes() for path in place.rglob("*") if path.is_file()}


def put_old(place: Path) -> dict[str, bytes]:
    vault.put_folder(place / "artifact", OLD)
    vault.put_file(place / "file", b"old")
    vault.keep_snapshot(place / "snapshots", OLD)
    vault.append(place / "journal", "one")
    return everything(place)


BIG = b"x" * 300_000


def attempts(place: Path, big: bytes):
    """Every way in which bytes get onto a disk, by name."""

    def stream():
        with vault.aside(place / "answers.csv") as new:
            new.write_bytes(big)

    return {
        "file": lambda: vault.put_file(place / "file", big),
        "folder": lambda: vault.put_folder(place / "artifact", {"weights": big}),
        "snapshot": lambda: vault.keep_snapshot(place / "snapshots", {"weights": big}),
        "journal": lambda: vault.append(place / "journal", "y" * len(big)),
        "aside": stream,
    }


@pytest.mark.parametrize("what", ["file", "folder", "snapshot", "journal", "aside"])
def test_a_full_disk(small_disk, what):
    before = put_old(small_disk)
    with pytest.raises(Refused, match=r"no room on the disk for .*disk/") as refusal:
        attempts(small_disk, BIG)[what]()
    assert len(refusal.value.sentences) == 2
    assert everything(small_disk) == before
    attempts(small_disk, b"small")[what]()  # and it goes on once there is room


@pytest.mark.parametrize("write", ["write_csv", "write_parquet", "write_ndjson"])
def test_a_full_disk_that_polars_met(small_disk, write):
    """Its writers tell of a full disk in words, without the system's number."""
    pl = pytest.importorskip("polars")
    frame = pl.DataFrame({"a": [f"{n * 7919 % 104729}{n}" for n in range(100_000)]})
    with pytest.raises(Refused, match="no room on the disk"), vault.aside(small_disk / "answers.out") as new:
        getattr(frame, write)(new)
    assert everything(small_disk) == {}


@pytest.mark.parametrize("what", ["file", "folder", "snapshot", "journal", "aside"])
def test_a_disk_that_is_read_only(small_disk, what):
    before = put_old(small_disk)
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    with pytest.raises(Refused, match=r"disk/.* cannot be written: its folder is read-only"):
        attempts(small_disk, b"new")[what]()
    assert everything(small_disk) == before
    assert vault.latest_snapshot(small_disk / "snapshots") == OLD  # reading needs no right to write
    assert vault.take_folder(small_disk / "artifact") == OLD
    with pytest.raises(Refused, match="read-only"), vault.lock(small_disk / "run"):
        pass


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit on a file's size to set")
def test_a_limit_on_sizes_is_a_full_disk_too(tmp_path):
    """The same without root: the system refuses the process larger files."""
    before = put_old(tmp_path)
    code = """
        import resource, sys
        from pathlib import Path
        from modelwright import vault
        from modelwright.nouns import Refused
        sys.path.insert(0, sys.argv[2])
        from test_vault_disks import BIG, attempts
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
        for attempt in attempts(Path(sys.argv[1]), BIG).values():
            try:
                attempt()
            except Refused as refusal:
                assert "no room" in str(refusal), refusal
            else:
                raise SystemExit("written in spite of the limit")
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(code), tmp_path, Path(__file__).parent], check=True)
    assert everything(tmp_path) == before


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() != 0, reason="only root can become another user to be barred")
def test_a_folder_without_the_right_to_write(tmp_path):
    """Root may write anywhere, so the attempt is made by a child that is nobody."""
    for above in [tmp_path, *tmp_path.parents]:
        if not above.stat().st_mode & 0o001:
            above.chmod(above.stat().st_mode | 0o711)
        if above.name.startswith("pytest-of"):
            break
    (tmp_path / "theirs").mkdir(mode=0o755)
    code = """
        import os, sys
        from pathlib import Path
        from modelwright import vault
        from modelwright.nouns import Refused
        os.setuid(65534)
        try:
            vault.put_folder(Path(sys.argv[1]) / "artifact", {"a": b"a"})
        except Refused as refusal:
            print(refusal)
    """
    told = subprocess.run([sys.executable, "-c", textwrap.dedent(code), tmp_path / "theirs"], capture_output=True, text=True)
    if told.returncode and "Permission" in told.stderr:
        pytest.skip("nobody cannot even import from here")
    assert "read-only for you (Permission denied)" in told.stdout, told.stderr
    assert list((tmp_path / "theirs").iterdir()) == []


@pytest.mark.parametrize("what", ["file", "folder", "snapshot", "journal", "aside"])
def test_a_path_through_a_file(tmp_path, what):
    (tmp_path / "disk").write_bytes(b"I am a file")
    with pytest.raises(Refused, match="a file lies where that path needs a folder"):
        attempts(tmp_path / "disk", b"new")[what]()
    assert everything(tmp_path) == {"disk": b"I am a file"}


def test_a_file_cannot_take_the_place_of_a_folder_nor_a_folder_that_of_a_file(tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_bytes(b"mine")
    with pytest.raises(Refused, match="folder is a folder"):
        vault.put_file(tmp_path / "folder", b"")
    with pytest.raises(Refused, match="a file lies"):
        vault.put_folder(tmp_path / "file", OLD)
    assert everything(tmp_path) == {"file": b"mine"}


@pytest.mark.parametrize("broken", ["make_folder", "write", "settle", "settle_folder", "read", "move"])
@pytest.mark.parametrize("what", ["file", "folder", "snapshot"])
def test_an_error_at_any_call_leaves_the_older_readable(tmp_path, monkeypatch, broken, what):
    """Breaks each call of each kind in turn, until a run has no such call left to break."""
    put_old(tmp_path)
    newest = b"new weights"
    met = 0
    real = getattr(disk, broken)
    for nth in range(50):
        calls = iter(range(10**6))

        def failing(*args, nth=nth, calls=calls):
            if next(calls) == nth:
                raise OSError(5, "Input/output error")
            return real(*args)

        with monkeypatch.context() as patch:
            patch.setattr(disk, broken, failing)
            try:
                attempts(tmp_path, newest)[what]()
            except Refused as refusal:
                met += 1
                assert "Input/output error" in str(refusal)
            else:
                break
        assert (tmp_path / "file").read_bytes() in (b"old", newest)
        assert vault.take_folder(tmp_path / "artifact")["weights"] in (b"old weights", newest)
        snapshot = vault.latest_snapshot(tmp_path / "snapshots")
        assert snapshot is not None
        assert snapshot["weights"] in (b"old weights", newest)
        assert not [path for path in tmp_path.rglob(".*.aside*") if broken != "move"]
    else:
        pytest.fail("no run came through")
    assert met > 0 or (what, broken) == ("file", "make_folder")
