"""The vault puts and takes whole things, and refuses all others: round trips, damage, strict JSON, journals, locks."""

import json
import math
import os
import string
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from modelwright import vault
from modelwright.nouns import Refused
from modelwright.vault import disk, files, manifest

SLOW = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
LETTERS = string.ascii_lowercase + string.digits + "._-"
NAMES = st.text(LETTERS, min_size=1, max_size=12).filter(lambda name: manifest.plain([name]))
WHOLE_TEXT = st.text(st.characters(exclude_categories=("Cs",)))
FILES = st.dictionaries(NAMES, st.binary(max_size=300), min_size=1, max_size=5)
THREE = {"label.json": b'{"format": 1}', "weights.safetensors": bytes(range(256)) * 5, "words.txt": b"one\ntwo\n"}


@pytest.fixture
def fresh(tmp_path):
    """A new path at each call, also within one hypothesis test."""
    counter = iter(range(10**9))
    return lambda: tmp_path / f"place{next(counter)}"


def names_in(folder: Path) -> set[str]:
    return {entry.name for entry in folder.iterdir()}


def overwrite(path: Path, data: bytes) -> None:
    """In place: some file systems flush a file that was cut to nothing first, which takes milliseconds."""
    with path.open("r+b") as file:
        file.write(data)


# --- round trips ---------------------------------------------------------------------------------------------------------


@SLOW
@given(files=FILES)
def test_a_folder_comes_back_as_it_was_put(fresh, files):
    folder = fresh()
    digest = vault.put_folder(folder, files)
    assert vault.take_folder(folder) == files
    assert digest == manifest.digest((folder / "manifest.json").read_bytes())
    assert names_in(folder) == {*files, "manifest.json"}


@SLOW
@given(first=FILES, second=FILES)
def test_a_newer_folder_takes_the_place_of_an_older(fresh, first, second):
    folder = fresh()
    a, b = vault.put_folder(folder, first), vault.put_folder(folder, second)
    assert vault.take_folder(folder) == second
    assert (a == b) == (first == second)
    assert not [name for name in names_in(folder.parent) if name.startswith(".")]


@SLOW
@given(data=st.binary(max_size=1000), older=st.none() | st.binary(max_size=1000))
def test_a_file_comes_back_as_it_was_put(fresh, data, older):
    path = fresh() / "deep" / "file.bin"
    if older is not None:
        vault.put_file(path, older)
    vault.put_file(path, data)
    assert path.read_bytes() == data
    assert names_in(path.parent) == {"file.bin"}


def test_a_link_stays_a_link_and_its_file_is_replaced(tmp_path):
    vault.put_file(tmp_path / "real" / "file", b"old")
    (tmp_path / "link").symlink_to(tmp_path / "real" / "file")
    vault.put_file(tmp_path / "link", b"new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real" / "file").read_bytes() == b"new"


def test_a_folder_reached_through_a_link_is_the_same_folder(tmp_path):
    (tmp_path / "big disk").mkdir()
    (tmp_path / "runs").symlink_to(tmp_path / "big disk")
    vault.put_folder(tmp_path / "runs" / "artifact", THREE)
    vault.put_folder(tmp_path / "runs" / "artifact", THREE)
    assert vault.take_folder(tmp_path / "big disk" / "artifact") == THREE


ODD = ["", ".", "..", "a/b", "a\\b", ".hidden", "a ", "a.", "nul", "CON.txt", "a\nb", "ä", "x" * 101, "manifest.json"]


@pytest.mark.parametrize("name", ODD)
def test_names_that_some_system_cannot_keep_are_our_own_fault(tmp_path, name):
    with pytest.raises(ValueError, match="plain"):
        vault.put_folder(tmp_path / "folder", {name: b""})
    assert names_in(tmp_path) == set()


def test_names_alike_but_for_their_case_are_our_own_fault(tmp_path):
    with pytest.raises(ValueError, match="case"):
        vault.put_folder(tmp_path / "folder", {"a": b"", "A": b""})


def test_aside_commits_on_success_and_leaves_nothing_on_failure(tmp_path):
    path = tmp_path / "answers.csv"
    with vault.aside(path) as new:
        new.write_text("first", encoding="utf-8")
        assert new.suffix == ".csv"
        assert not path.exists()
    assert path.read_text(encoding="utf-8") == "first"
    with pytest.raises(KeyError), vault.aside(path) as new:
        new.write_text("second", encoding="utf-8")
        raise KeyError
    assert path.read_text(encoding="utf-8") == "first"
    with pytest.raises(FileNotFoundError), vault.aside(path):  # the block's own error stays its own
        (tmp_path / "not there").read_bytes()
    assert names_in(tmp_path) == {"answers.csv"}


# --- damage --------------------------------------------------------------------------------------------------------------


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(where=st.floats(0, 1, exclude_max=True), flip=st.integers(1, 255), which=st.integers(0, 3))
def test_a_changed_byte_anywhere_is_refused_and_named(damaged, where, flip, which):
    folder = damaged()
    path = sorted(folder.iterdir())[which]
    data = bytearray(path.read_bytes())
    data[int(where * len(data))] ^= flip
    overwrite(path, data)
    with pytest.raises(Refused) as refusal:
        vault.take_folder(folder)
    named = str(path) in str(refusal.value)
    assert named or path.name == "manifest.json"  # a changed manifest may first be seen at the file it lists


@pytest.fixture
def damaged(tmp_path):
    """The same whole folder again and again, to be damaged; put once, for speed."""
    folder = tmp_path / "artifact"
    vault.put_folder(folder, THREE)
    whole = {entry.name: entry.read_bytes() for entry in folder.iterdir()}

    def again() -> Path:
        for name, data in whole.items():
            overwrite(folder / name, data)
        assert vault.take_folder(folder) == THREE
        return folder

    return again


def test_every_single_bit_of_the_manifest_counts(damaged):
    folder = damaged()
    path = folder / "manifest.json"
    whole = path.read_bytes()
    accepted = []
    for bit in range(len(whole) * 8):
        data = bytearray(whole)
        data[bit // 8] ^= 1 << bit % 8
        overwrite(path, data)
        try:
            vault.take_folder(folder)
            accepted.append(bit)
        except Refused:
            pass
    assert accepted == []
    assert len(whole) > 300


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda f: (f / "words.txt").write_bytes(b"one\ntwo"), "words.txt does not match its manifest: it has 7 bytes, not 8"),
        (lambda f: (f / "words.txt").write_bytes(b"one\ntwO\n"), "does not match its manifest: its 8 bytes have another"),
        (lambda f: (f / "words.txt").unlink(), "words.txt is missing"),
        (lambda f: (f / "manifest.json").unlink(), "has no manifest.json"),
        (lambda f: (f / "more.txt").write_bytes(b""), "more.txt lies where only"),
        (lambda f: (f / ".DS_Store").write_bytes(b""), ".DS_Store lies where only"),
        (lambda f: (f / ".git").mkdir(), ".git lies where only"),
        (lambda f: (f / "link").symlink_to(f / "words.txt"), "link is a link"),
        (lambda f: (f / "gone").symlink_to(f / "nowhere"), "gone is a link"),
        (lambda f: (f / "words.txt").rename(f.parent / "w") and (f / "words.txt").symlink_to("../w"), "words.txt is a link"),
        (lambda f: ((f / "words.txt").unlink(), (f / "words.txt").mkdir()), "words.txt lies where only"),
        pytest.param(
            lambda f: ((f / "words.txt").unlink(), os.mkfifo(f / "words.txt")),
            "words.txt is not a file but a pipe",
            marks=pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such pipes"),
        ),
        (lambda f: (f / "manifest.json").write_bytes(b"[" * 100_000), "manifest.json is nested too deep"),
        (lambda f: (f / "manifest.json").write_bytes(b'{"format": 1, "files": {"../../etc": {}}}'), "manifest.json is damaged"),
        (lambda f: (f / "manifest.json").write_bytes(b"\xff\xfe"), "manifest.json is not valid JSON"),
        (lambda f: (f / "manifest.json").write_bytes(b"[]"), "manifest.json is damaged"),
        (lambda f: os.truncate(f / "manifest.json", (1 << 24) + 1), "manifest.json is too large"),
        (lambda f: os.truncate(f / "weights.safetensors", 1 << 40), "does not match its manifest: it has 1,099,511,627,776"),
    ],
)  # fmt: skip
def test_each_fault_has_its_sentence(damaged, change, sentence):
    folder = damaged()
    change(folder)
    with pytest.raises(Refused) as refusal:
        vault.take_folder(folder)
    assert sentence in str(refusal.value)
    assert str(folder) in str(refusal.value)


@SLOW
@given(name=NAMES, kind=st.sampled_from(["file", "folder", "link", "hidden"]))
def test_nothing_else_may_lie_there(fresh, name, kind):
    assume(name not in THREE)
    folder = fresh()
    vault.put_folder(folder, THREE)
    extra = folder / (f".{name}" if kind == "hidden" else name)
    {
        "file": extra.touch,
        "hidden": extra.touch,
        "folder": extra.mkdir,
        "link": lambda: extra.symlink_to("words.txt"),
    }[kind]()
    with pytest.raises(Refused, match=extra.name.replace(".", r"\.")):
        vault.take_folder(folder)


def test_a_path_that_is_not_there_or_no_folder(tmp_path):
    with pytest.raises(Refused, match="nowhere is not there"):
        vault.take_folder(tmp_path / "nowhere")
    (tmp_path / "file").touch()
    with pytest.raises(Refused, match="file is not a folder"):
        vault.take_folder(tmp_path / "file")


def test_a_folder_above_the_limit_is_refused_before_it_is_read(tmp_path, monkeypatch):
    vault.put_folder(tmp_path / "a", THREE)
    total = sum(map(len, THREE.values()))
    assert vault.take_folder(tmp_path / "a", total) == THREE
    read: list[str] = []
    monkeypatch.setattr(disk, "read", lambda path, most, real=disk.read: read.append(path.name) or real(path, most))
    with pytest.raises(Refused, match="too large"):
        vault.take_folder(tmp_path / "a", total - 1)
    assert read == ["manifest.json"]


def test_a_disk_that_gives_back_other_bytes_is_refused_and_the_older_stays(tmp_path, monkeypatch):
    vault.put_folder(tmp_path / "a", THREE)
    vault.put_file(tmp_path / "f", b"old")

    def lying(path, data, real=disk.write):
        real(path, data[:-1] + bytes([data[-1] ^ 1]) if path.name != "manifest.json" else data)

    monkeypatch.setattr(disk, "write", lying)
    with pytest.raises(Refused):
        vault.put_folder(tmp_path / "a", {"new": b"new"})
    with pytest.raises(Refused, match="did not give back"):
        vault.put_file(tmp_path / "f", b"new")
    monkeypatch.undo()
    assert vault.take_folder(tmp_path / "a") == THREE
    assert (tmp_path / "f").read_bytes() == b"old"
    assert names_in(tmp_path) == {"a", "f"}


# --- what is not ours ----------------------------------------------------------------------------------------------------


def test_a_folder_of_the_users_is_never_replaced(tmp_path):
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "thesis.tex").write_text("years", encoding="utf-8")
    with pytest.raises(Refused, match=r"thesis\.tex"):
        vault.put_folder(tmp_path / "thesis", THREE)
    vault.put_folder(tmp_path / "artifact", THREE)
    (tmp_path / "artifact" / "my notes.txt").write_text("dear", encoding="utf-8")
    with pytest.raises(Refused, match=r"my notes\.txt"):
        vault.put_folder(tmp_path / "artifact", THREE)
    assert (tmp_path / "thesis" / "thesis.tex").read_text(encoding="utf-8") == "years"
    assert (tmp_path / "artifact" / "my notes.txt").exists()


def test_an_empty_folder_is_taken(tmp_path):
    (tmp_path / "empty").mkdir()
    vault.put_folder(tmp_path / "empty", THREE)
    assert vault.take_folder(tmp_path / "empty") == THREE


def test_clear_removes_what_it_is_told_and_nothing_else(tmp_path):
    for name in ("recipe.toml", "thesis.tex"):
        (tmp_path / name).touch()
    (tmp_path / "snapshots").mkdir()
    (tmp_path / "snapshots" / "x").touch()
    vault.clear(tmp_path, ("recipe.toml", "snapshots", "report.html"))
    assert names_in(tmp_path) == {"thesis.tex"}


def test_what_killed_writers_left_is_swept_when_it_is_old(tmp_path):
    old, young, theirs = tmp_path / ".a.0123abcd.aside", tmp_path / ".b.0123abcd.aside", tmp_path / ".c.aside"
    for place in (old, young, theirs):
        place.mkdir()
        os.utime(place, (time.time() - 7200,) * 2 if place != young else None)
    vault.put_folder(tmp_path / "a", THREE)
    assert names_in(tmp_path) == {"a", young.name, theirs.name}
    assert files.LEFTOVER.fullmatch(files.beside(tmp_path / "x.tar.gz").name)


# --- snapshots -----------------------------------------------------------------------------------------------------------


def test_snapshots_are_numbered_and_the_newest_stay(tmp_path):
    folder = tmp_path / "snapshots"
    assert vault.latest_snapshot(folder) is None
    for n in range(5):
        vault.keep_snapshot(folder, {"n": b"%d" % n}, keep=2)
        assert vault.latest_snapshot(folder) == {"n": b"%d" % n}
    assert names_in(folder) == {"latest", "00000004", "00000005"}


@pytest.mark.parametrize("damage", ["byte", "file", "folder", "pointer", "pointer gone", "extra"])
def test_a_damaged_newest_snapshot_is_passed_over_with_a_warning(tmp_path, caplog, damage):
    folder = tmp_path / "snapshots"
    for n in range(3):
        vault.keep_snapshot(folder, {"n": b"%d" % n})
    newest = folder / "00000003"
    if damage == "byte":
        (newest / "n").write_bytes(b"9")
    elif damage == "file":
        (newest / "n").unlink()
    elif damage == "folder":
        disk.remove(newest)
    elif damage == "pointer":
        (folder / "latest").write_bytes(b"?")
    elif damage == "pointer gone":
        (folder / "latest").unlink()
    else:
        (newest / "extra").touch()
    pointer = damage.startswith("pointer")
    assert vault.latest_snapshot(folder) == {"n": b"2" if pointer else b"1"}
    assert len(caplog.records) == (0 if pointer else 1)
    vault.keep_snapshot(folder, {"n": b"after"})
    assert vault.latest_snapshot(folder) == {"n": b"after"}


def test_a_whole_folder_in_the_place_of_the_named_one_is_seen(tmp_path, caplog):
    folder = tmp_path / "snapshots"
    for n in range(2):
        vault.keep_snapshot(folder, {"n": b"%d" % n})
    disk.remove(folder / "00000002")
    vault.put_folder(folder / "00000002", {"n": b"other"})
    assert vault.latest_snapshot(folder) == {"n": b"0"}
    assert "not the snapshot" in caplog.text


def test_no_whole_snapshot_is_refused_with_every_fault(tmp_path):
    folder = tmp_path / "snapshots"
    for n in range(2):
        (vault.keep_snapshot(folder, {"n": b"%d" % n}) / "n").write_bytes(b"x")
    with pytest.raises(Refused) as refusal:
        vault.latest_snapshot(folder)
    assert "00000001" in str(refusal.value)
    assert "00000002" in str(refusal.value)
    assert "--fresh" in refusal.value.sentences[-1]


# --- strict JSON ---------------------------------------------------------------------------------------------------------

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | WHOLE_TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WHOLE_TEXT, inner, max_size=4),
    max_leaves=20,
)


@settings(deadline=None)
@given(value=VALUES)
def test_json_comes_back(value):
    assert vault.read_json(json.dumps(value).encode(), "it") == value


@pytest.mark.parametrize(
    "text",
    [
        "NaN", "[Infinity]", "-Infinity", "1e400", "-1e999", '{"a": 1, "a": 2}', '{"a": {"b": 1, "b": 1}}',
        "[" * 65 + "]" * 65, "[" * 200_000, '{"a":' * 500 + "1" + "}" * 500, "1" * 500, '"\\ud800"', '{"\\udfff": 1}',
        "", "{", "[1,]", "{'a': 1}", "// x\n1", "\ufeff1", "1 2", '"a\tb"',
    ],
)  # fmt: skip
def test_json_that_two_readers_could_take_differently_is_refused(text):
    with pytest.raises(Refused, match="the request"):
        vault.read_json(text.encode(), "the request")


def test_json_limits_and_bytes():
    assert vault.read_json(b"[" * 64 + b"]" * 64, "it") is not None
    assert math.isclose(vault.read_json(b"1e308", "it"), 1e308)
    for data in (b"\xff", b'"\xed\xa0\x80"', b"1\x00"):
        with pytest.raises(Refused, match="not valid"):
            vault.read_json(data, "it")
    with pytest.raises(Refused, match="too large"):
        vault.read_json(b" " * 101, "it", most=100)


@settings(max_examples=300, deadline=None)
@given(data=st.binary(max_size=200) | st.text("[]{}\",:\\u0d81eENan -.", max_size=200).map(str.encode))
def test_json_never_fails_otherwise(data):
    try:
        value = vault.read_json(data, "it")
    except Refused:
        return
    assert value == json.loads(data)


# --- journals ------------------------------------------------------------------------------------------------------------

LINES = st.lists(st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\r\n"), max_size=50), max_size=8)
TORN = st.binary(min_size=1, max_size=9000).map(lambda piece: piece.replace(b"\n", b"x"))


@SLOW
@given(lines=LINES, torn=TORN, after=st.text(string.ascii_letters))
def test_a_torn_line_is_ignored_and_then_cut_off(fresh, lines, torn, after):
    path = fresh() / "journal.jsonl"
    assert vault.read_lines(path) == []
    for line in lines:
        vault.append(path, line)
    assert vault.read_lines(path) == lines
    path.parent.mkdir(exist_ok=True)
    with path.open("ab") as file:
        file.write(torn)
    assert vault.read_lines(path) == lines
    vault.append(path, after)
    assert vault.read_lines(path) == [*lines, after]
    assert path.read_bytes().endswith(b"\n")


@given(cut=st.integers(0, 40))
@SLOW
def test_a_journal_cut_anywhere_is_a_prefix_of_itself(fresh, cut):
    path = fresh() / "journal.jsonl"
    lines = ["ein", "Zwei", "drei üä", "四"]
    for line in lines:
        vault.append(path, line)
    os.truncate(path, min(cut, path.stat().st_size))
    found = vault.read_lines(path)
    assert found == lines[: len(found)]


def test_a_journal_refuses_a_break_in_a_line_and_damage_in_its_middle(tmp_path):
    with pytest.raises(ValueError, match="line break"):
        vault.append(tmp_path / "j", "a\nb")
    (tmp_path / "j").write_bytes(b"good\n\xff\xff\nmore\n")
    with pytest.raises(Refused, match="line 2"):
        vault.read_lines(tmp_path / "j")


# --- locks ---------------------------------------------------------------------------------------------------------------

HOLDER = """
import sys, time
from pathlib import Path
from modelwright import vault
with vault.lock(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_second_process_is_refused_and_a_kill_frees_the_folder(tmp_path):
    folder = tmp_path / "runs" / "digits"
    with subprocess.Popen([sys.executable, "-c", HOLDER, folder], stdout=subprocess.PIPE, text=True) as holder:
        try:
            assert holder.stdout is not None
            assert holder.stdout.readline() == "held\n"
            with pytest.raises(Refused, match=f"number {holder.pid}.* works in .*digits"), vault.lock(folder):
                pass
        finally:
            holder.kill()
            holder.wait()
    with vault.lock(folder):
        pass


def test_the_same_process_is_refused_too_and_an_error_frees_the_folder(tmp_path):
    with pytest.raises(KeyError), vault.lock(tmp_path):
        with pytest.raises(Refused, match=f"number {os.getpid()}"), vault.lock(tmp_path):
            pass
        raise KeyError
    with vault.lock(tmp_path), vault.lock(tmp_path / "another"):
        pass


# --- a place, and lightness ----------------------------------------------------------------------------------------------


def test_the_cache_folder_is_the_platforms_or_the_users(monkeypatch, tmp_path):
    monkeypatch.setenv("MODELWRIGHT_CACHE", str(tmp_path / "mine"))
    assert vault.cache_folder() == tmp_path / "mine"
    monkeypatch.delenv("MODELWRIGHT_CACHE")
    assert vault.cache_folder().name.startswith("modelwright")
    assert tmp_path not in vault.cache_folder().parents


def test_the_vault_is_light_to_open():
    heavy = {"torch", "numpy", "polars", "sklearn", "safetensors"}
    code = f"import sys, modelwright.vault; print(sorted({heavy} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_every_byte_passes_the_two_doors(tmp_path, monkeypatch):
    """With write and read swapped for a toy cipher, nothing in clear reaches the disk and all comes back."""
    secret = b"a secret that must not lie in clear"
    turn = bytes(255 - b for b in range(256))
    monkeypatch.setattr(disk, "write", lambda path, data, real=disk.write: real(path, data.translate(turn)))
    monkeypatch.setattr(disk, "read", lambda path, most, real=disk.read: real(path, most).translate(turn))
    vault.keep_snapshot(tmp_path, {"state": secret})
    vault.put_file(tmp_path / "file", secret)
    assert vault.latest_snapshot(tmp_path) == {"state": secret}
    lying = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(lying) == 4
    assert not [path for path in lying if secret in path.read_bytes()]
