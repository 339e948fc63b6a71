"""Nothing sealed can be read, changed, cut, swapped or renamed without its key, and everything comes back with it."""

import json
import logging
import os
import shutil
import struct
import subprocess
import sys
import tempfile
import threading
from contextvars import copy_context
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import aead
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand
from hypothesis import given, settings
from hypothesis import strategies as st

from modelwright import compression, life, protection, rehearsing, shelf, vault
from modelwright.__main__ import main
from modelwright.compression import timing
from modelwright.folder import RunFolder
from modelwright.nouns import Refused
from modelwright.protection import seals
from modelwright.recipe import open_recipe
from modelwright.vault import disk, manifest, sealing

KEY, OTHER = bytes(range(32)), bytes(range(1, 33))
SEAL = vault.Seal(KEY)
HERE = Path("somewhere/name.bin")
HEADER, TAG, CHUNK = 80, 16, 8
TEXT = b"twenty-nine bytes, 4 chunks.."


def closed(data: bytes, chunk: int = CHUNK, name: str = HERE.name) -> bytes:
    return sealing.close(data, name, SEAL, chunk)


def opened(data: bytes, path: Path = HERE) -> bytes:
    return sealing.open_(data, path, SEAL)


def refusal(act) -> str:
    with pytest.raises(Refused) as refused:
        act()
    return str(refused.value)


# --- the format ----------------------------------------------------------------------------------------------------------


def reference(data: bytes, key: bytes, name: bytes) -> bytes:
    """The format read from its description, with cryptography's primitives alone."""
    magic, chunk, mark, nonce, wrapped = struct.unpack(">8sI8s12s48s", data[:HEADER])
    assert magic == b"mwseal\x01\n"
    assert mark == HKDFExpand(SHA256(), 32, b"modelwright mark 1").derive(key)[:8]
    wrap = HKDFExpand(SHA256(), 32, b"modelwright wrap 1").derive(key)
    cipher = AESGCM(AESGCM(wrap).decrypt(nonce, wrapped, data[:32] + name))
    body, found, number = data[HEADER:], b"", 0
    while body:
        piece, body = body[: chunk + TAG], body[chunk + TAG :]
        found += cipher.decrypt(number.to_bytes(11, "big") + bytes([not body]), piece, data[:HEADER] + name)
        number += 1
    return found


@settings(deadline=None)
@given(chunks=st.integers(0, 4), more=st.integers(-2, 2), chunk=st.integers(1, 40))
def test_what_is_sealed_is_the_documented_format_and_comes_back(chunks, more, chunk):
    """Sizes on both sides of every border between chunks."""
    data = os.urandom(max(0, chunks * chunk + more))
    sealed = closed(data, chunk)
    assert opened(sealed) == data == reference(sealed, KEY, b"name.bin")
    assert len(sealed) == HEADER + len(data) + TAG * max(1, -(-len(data) // chunk))


def test_what_was_sealed_long_ago_is_opened_for_ever():
    """Pinned: a file of format 1, as the first version of this room sealed it."""
    old = bytes.fromhex(
        "6d777365616c010a00000008af530fea8b1b55d9fce4c18ff011e639b494319721003eef4c5b2808130c2de5627989e6cf72ab262605fcd6"
        "58a139f6cb823d83c5078e3e7aacf77da3e82ffdd540edbb01f777b2b958f9cd9a466e7857cf4213571d43d306f87d483bd995b8b4ac3cf2"
        "0805b3868686b134f1f827fc860c997520d790d888fcd8f85a34997e6938a257467c9ed4d6aa794c12b9f9b989ac331902e875a6f043184f"
        "64b70bca1b"
    )
    assert opened(old) == TEXT


def test_the_usual_chunk_is_a_mebibyte_and_its_borders_hold():
    for size in (sealing.CHUNK - 1, sealing.CHUNK, sealing.CHUNK + 1):
        data = os.urandom(size)
        assert opened(sealing.close(data, HERE.name, SEAL)) == data


def test_the_same_bytes_are_never_sealed_alike():
    one, two = closed(TEXT), closed(TEXT)
    assert one[:20] == two[:20]  # magic, size of a chunk, mark of the key
    assert all(a != b for a, b in ((one[20:32], two[20:32]), (one[32:80], two[32:80]), (one[80:88], two[80:88])))
    assert TEXT[:8] not in one and KEY[:8] not in one


# --- attacks -------------------------------------------------------------------------------------------------------------


def pieces(sealed: bytes) -> list[bytes]:
    body = sealed[HEADER:]
    return [body[at : at + CHUNK + TAG] for at in range(0, len(body), CHUNK + TAG)]


def attacks() -> dict[str, tuple[bytes, Path]]:
    """What somebody without the key can do with sealed files: none of it may be opened."""
    sealed, other = closed(TEXT), closed(TEXT)
    head, parts, theirs = sealed[:HEADER], pieces(sealed), pieces(other)
    short, even = closed(b"1234"), closed(TEXT[:16])
    found = {
        "cut at a border": head + b"".join(parts[:-1]),
        "cut to one chunk": head + parts[0],
        "cut at a border, even": even[:HEADER] + pieces(even)[0],
        "no chunk at all": head,
        "two swapped": head + b"".join([parts[1], parts[0], *parts[2:]]),
        "one twice": head + b"".join([parts[0], *parts]),
        "the last twice": sealed + parts[-1],
        "the first gone": head + b"".join(parts[1:]),
        "a chunk of another file": head + b"".join([theirs[0], *parts[1:]]),
        "the header of another file": other[:HEADER] + b"".join(parts),
        "an empty chunk more": sealed + bytes(TAG),
        "a byte more": sealed + b"\0",
        "another size of chunks": short[:8] + struct.pack(">I", 9) + short[12:],
        "no size of chunks": sealed[:8] + bytes(4) + sealed[12:],
    }
    renamed = {"renamed": (sealed, HERE.with_name("other.bin"))}
    return {name: (data, HERE) for name, data in found.items()} | renamed


def accepted() -> set[str]:
    """The attacks that pass."""
    passed: set[str] = set()
    for name, (data, path) in attacks().items():
        try:
            opened(data, path)
            passed.add(name)
        except Refused:
            pass
    return passed


def test_no_attack_passes():
    assert accepted() == set()


class Alike:
    """AES-GCM whose new keys are all the same."""

    def __new__(cls, key):
        return AESGCM(key)

    @staticmethod
    def generate_key(bits):
        return KEY


@pytest.mark.parametrize(
    ("planted", "seen"),
    [
        ("no last-flag", {"cut at a border", "cut to one chunk", "cut at a border, even"}),
        ("no counter", {"two swapped", "one twice", "the first gone"}),
        ("header and name not authenticated", {"another size of chunks", "renamed"}),
        ("name not authenticated", {"renamed"}),
        ("one key for all files", {"a chunk of another file"}),
    ],
)
def test_a_planted_bug_lets_its_attack_pass(monkeypatch, planted, seen):
    nonce = sealing._nonce
    if planted == "no last-flag":
        monkeypatch.setattr(sealing, "_nonce", lambda number, last: nonce(number, False))
    elif planted == "no counter":
        monkeypatch.setattr(sealing, "_nonce", lambda number, last: nonce(0, last))
    elif planted == "header and name not authenticated":
        monkeypatch.setattr(sealing, "_bound", lambda header, name: b"")
    elif planted == "name not authenticated":
        monkeypatch.setattr(sealing, "_bound", lambda header, name: header)
    else:
        monkeypatch.setattr(aead, "AESGCM", Alike)
        monkeypatch.setattr(sealing, "_bound", lambda header, name: name.encode())
    assert seen <= accepted()


def test_every_changed_byte_is_refused():
    sealed = closed(TEXT)
    for place in range(len(sealed)):
        for flip in (1, 128, 255):
            data = bytearray(sealed)
            data[place] ^= flip
            assert refusal(lambda data=bytes(data): opened(data))


def test_every_shorter_file_is_refused():
    sealed = closed(TEXT)
    for length in range(len(sealed)):
        assert refusal(lambda length=length: opened(sealed[:length]))


def test_without_the_key_nothing_is_read_and_the_sentence_says_why():
    said = refusal(lambda: sealing.open_(closed(TEXT), HERE, vault.Seal(OTHER)))
    assert f"{HERE} is sealed with another key" in said
    forged = bytearray(closed(TEXT))
    forged[12:20] = vault.Seal(OTHER).mark  # the mark of the other key alone opens nothing
    assert "not as it was sealed" in refusal(lambda: sealing.open_(bytes(forged), HERE, vault.Seal(OTHER)))
    with pytest.raises(InvalidTag):
        reference(bytes(forged[:12]) + SEAL.mark + bytes(forged[20:-1]) + b"\0", KEY, b"name.bin")


# --- keys ----------------------------------------------------------------------------------------------------------------


def key_file(folder: Path, content: bytes) -> seals.KeyFile:
    (folder / "seal.key").write_bytes(content)
    return seals.KeyFile(folder / "seal.key")


@pytest.mark.parametrize("content", [KEY, KEY.hex().encode(), KEY.hex().upper().encode() + b"\r\n", b" " + KEY.hex().encode()])
def test_a_key_is_raw_or_in_digits(tmp_path, content):
    assert key_file(tmp_path, content).seal() == SEAL


HALVES = [b"", KEY[:16], KEY[:31], KEY + b"\0", KEY.hex()[:32].encode(), KEY.hex()[:63].encode(), KEY.hex().encode() + b"0",
          b"thirty-two letters of a password", b"g" * 64]  # fmt: skip


@pytest.mark.parametrize("content", HALVES)
def test_half_a_key_and_a_password_are_refused_and_never_quoted(tmp_path, content, caplog):
    caplog.set_level(logging.DEBUG)
    said = refusal(key_file(tmp_path, content).seal)
    assert f"it has {len(content)} bytes" in said and "modelwright keys seal" in said
    for told in (said, caplog.text):
        assert not content or (content.decode("latin-1") not in told and content[:12].decode("latin-1") not in told)


@pytest.mark.parametrize("content", [bytes(32), b"\xff" * 32, b"0" * 64, bytes([1, 2] * 16)])
def test_a_key_that_anybody_could_guess_is_refused(tmp_path, content):
    assert "not random" in refusal(key_file(tmp_path, content).seal)


def command(*lines: str) -> seals.KeyCommand:
    return seals.KeyCommand((sys.executable, "-c", "\n".join(lines)))


def test_a_command_gives_the_key_and_its_failures_are_said_without_what_it_printed(monkeypatch):
    assert command(f"print('{KEY.hex()}')").seal() == SEAL
    said = refusal(command(f"import sys; print('{KEY.hex()}'); sys.exit(3)").seal)
    assert "code 3" in said and KEY.hex()[:8] not in said
    assert "cannot be started" in refusal(seals.KeyCommand(("no-such-program-here",)).seal)
    assert "no words" in refusal(seals.KeyCommand(()).seal)
    assert "holds no key" in refusal(command("print('x')").seal)
    monkeypatch.setattr(seals, "PATIENCE", 0.2)
    assert "printed no key within" in refusal(command("import time; time.sleep(30)").seal)


def test_a_key_never_shows_itself(tmp_path):
    held = key_file(tmp_path, KEY)
    for shown in (repr(SEAL), str(SEAL), repr(held), f"{SEAL.mark!r}"):
        assert KEY.hex()[:8] not in shown and repr(KEY)[2:20] not in shown
    with pytest.raises(ValueError, match="32 bytes"):
        vault.Seal(KEY[:16])


def test_a_new_key_is_its_owners_and_never_takes_the_place_of_another(tmp_path, capsys):
    assert main(["keys", "seal", str(tmp_path / "new.key")]) == 0
    content = (tmp_path / "new.key").read_bytes()
    assert content.strip().decode() not in "".join(capsys.readouterr())
    if sys.platform != "win32":
        assert (tmp_path / "new.key").stat().st_mode & 0o777 == 0o600
    assert seals.KeyFile(tmp_path / "new.key").seal().key.hex() == content.decode().strip()
    assert main(["keys", "seal", str(tmp_path / "new.key")]) == 2
    assert (tmp_path / "new.key").read_bytes() == content


# --- the scope -----------------------------------------------------------------------------------------------------------

FILES = {"label.json": b'{"a canary": 1}', "weights.safetensors": b"canary" * 50}


def put_sealed_already(folder: Path, files: dict[str, bytes]) -> None:
    """What anybody can do with sealed files and no key: lay them somewhere, with a manifest that fits."""
    folder.mkdir()
    for name, data in {**files, "manifest.json": manifest.spell(files, sealed=True)}.items():
        (folder / name).write_bytes(data)


def lying(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_in_the_scope_everything_is_sealed_and_comes_back(tmp_path):
    with vault.sealed(SEAL, tmp_path):
        vault.put_folder(tmp_path / "artifact", FILES)
        vault.put_file(tmp_path / "run.json", b"canary")
        vault.keep_snapshot(tmp_path / "snapshots", FILES)
        assert vault.take_folder(tmp_path / "artifact") == FILES == vault.latest_snapshot(tmp_path / "snapshots")
        assert vault.take_file(tmp_path / "run.json") == b"canary"
    assert len(lying(tmp_path)) == 8
    assert not [name for name, data in lying(tmp_path).items() if b"canary" in data]
    plain = {name for name, data in lying(tmp_path).items() if not data.startswith(b"mwseal")}
    assert plain == {"artifact/manifest.json", "snapshots/00000001/manifest.json", "snapshots/latest"}
    for take in (lambda: vault.take_folder(tmp_path / "artifact"), lambda: vault.take_file(tmp_path / "run.json")):
        assert "only be read with its key" in refusal(take)
        with vault.unsealing(lambda: SEAL):
            assert take()
        with vault.unsealing(lambda: vault.Seal(OTHER)):
            assert "another key" in refusal(take)


def test_the_key_is_asked_for_once_and_only_where_something_is_sealed(tmp_path):
    """A command may ask a person for a word; one that gave no key is asked again."""
    asked: list[str] = []

    def key() -> vault.Seal:
        asked.append("once")
        if len(asked) == 1:
            raise Refused("a mistyped word")
        return SEAL

    vault.put_folder(tmp_path / "clear", FILES)
    with vault.sealed(SEAL, tmp_path / "sealed"):
        vault.put_folder(tmp_path / "sealed", FILES)
    with vault.unsealing(key):
        assert vault.take_folder(tmp_path / "clear") == FILES and asked == []
        assert refusal(lambda: vault.take_folder(tmp_path / "sealed")) == "a mistyped word"
        assert vault.take_folder(tmp_path / "sealed") == FILES == vault.take_folder(tmp_path / "sealed")
    assert len(asked) == 2


def test_what_lies_in_clear_may_begin_like_something_sealed(tmp_path):
    """Found by chance in a test of the vault: whether a folder is sealed is told by its manifest, never by its first bytes."""
    files = {"words.txt": sealing.MAGIC + b"no seal", "label.json": sealing.MAGIC}
    vault.put_folder(tmp_path / "it", files)
    assert vault.take_folder(tmp_path / "it") == files


def test_a_manifest_that_denies_the_seal_opens_nothing(tmp_path):
    with vault.sealed(SEAL, tmp_path):
        vault.put_folder(tmp_path / "it", FILES)
    sealed = {name: (tmp_path / "it" / name).read_bytes() for name in FILES}
    (tmp_path / "it" / "manifest.json").write_bytes(manifest.spell(sealed))
    assert vault.take_folder(tmp_path / "it") == sealed  # ciphertext, which no reader of an artifact understands
    (tmp_path / "it" / "manifest.json").write_bytes(manifest.spell(sealed, sealed=True))
    with vault.unsealing(lambda: SEAL):
        assert vault.take_folder(tmp_path / "it") == FILES
    put_sealed_already(tmp_path / "false", {"label.json": b"in clear, and said to be sealed"})
    with vault.unsealing(lambda: SEAL):
        assert "not as it was sealed" in refusal(lambda: vault.take_folder(tmp_path / "false"))


def test_in_the_scope_what_is_not_sealed_is_refused(tmp_path):
    """Nobody slips in a snapshot of his own; a teacher that lies elsewhere may lie in clear."""
    vault.put_folder(tmp_path / "run" / "artifact", FILES)
    vault.put_folder(tmp_path / "teacher", FILES)
    with vault.sealed(SEAL, tmp_path / "run"):
        assert "is not sealed" in refusal(lambda: vault.take_folder(tmp_path / "run" / "artifact"))
        assert vault.take_folder(tmp_path / "teacher") == FILES


def test_a_sealed_file_in_another_ones_place_is_refused(tmp_path):
    """The manifest can be written anew by anybody; the name is part of the seal."""
    with vault.sealed(SEAL, tmp_path):
        vault.put_folder(tmp_path / "a", {"one.txt": b"1", "two.txt": b"2"})
    files = {name: (tmp_path / "a" / name).read_bytes() for name in ("one.txt", "two.txt")}
    put_sealed_already(tmp_path / "b", {"one.txt": files["two.txt"], "two.txt": files["one.txt"]})
    with vault.unsealing(lambda: SEAL):
        assert vault.take_folder(tmp_path / "a") == {"one.txt": b"1", "two.txt": b"2"}
        assert "not as it was sealed" in refusal(lambda: vault.take_folder(tmp_path / "b"))


def test_every_byte_can_be_checked_without_the_key(tmp_path):
    with vault.sealed(SEAL, tmp_path):
        vault.put_folder(tmp_path / "a", FILES)
    path = tmp_path / "a" / "label.json"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    assert "does not match its manifest" in refusal(lambda: vault.take_folder(tmp_path / "a"))


def test_the_scope_ends_with_its_block_and_no_seal_is_no_scope(tmp_path):
    with pytest.raises(KeyError), vault.sealed(SEAL, tmp_path):
        raise KeyError
    with vault.sealed(None, tmp_path):
        vault.put_file(tmp_path / "file", b"canary")
    assert (tmp_path / "file").read_bytes() == b"canary" == vault.take_file(tmp_path / "file")
    assert not vault.seals_now()


def test_a_thread_outside_the_scope_cannot_put_into_a_sealed_folder_in_clear(tmp_path):
    said: list[str] = []

    def put() -> None:
        try:
            vault.put_file(tmp_path / "deep" / "file", b"canary")
            said.append("put")
        except RuntimeError as error:
            said.append(str(error))

    with vault.sealed(SEAL, tmp_path):
        threads = [threading.Thread(target=put), threading.Thread(target=copy_context().run, args=(put,))]
        for thread in threads:
            thread.start()
            thread.join()
    assert "in clear" in said[0] and said[1] == "put"
    assert vault.lies_sealed(tmp_path / "deep" / "file")
    put()
    assert said[2] == "put" and not vault.lies_sealed(tmp_path / "deep" / "file")


def test_two_lives_in_one_process_have_a_key_each(tmp_path):
    def put(name: str, key: bytes) -> None:
        with vault.sealed(vault.Seal(key), tmp_path / name):
            ready.wait()
            vault.put_file(tmp_path / name / "file", name.encode())
            ready.wait()

    ready = threading.Barrier(2)
    threads = [threading.Thread(target=put, args=args) for args in (("one", KEY), ("two", OTHER))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for name, key in (("one", KEY), ("two", OTHER)):
        assert sealing.open_((tmp_path / name / "file").read_bytes(), Path("file"), vault.Seal(key)) == name.encode()


def test_nothing_is_streamed_in_clear_in_the_scope(tmp_path):
    with vault.sealed(SEAL, tmp_path), pytest.raises(RuntimeError, match="in clear"), vault.aside(tmp_path / "x.csv"):
        pass
    assert lying(tmp_path) == {}


@pytest.mark.parametrize("broken", ["write", "settle", "settle_folder", "move", "remove"])
@pytest.mark.parametrize("what", ["folder", "snapshot", "file"])
def test_an_error_at_any_call_leaves_the_older_readable(tmp_path, monkeypatch, broken, what):
    """As for what lies in clear (test_vault_disks): the n-th call fails, for every n."""
    puts = {
        "folder": lambda data: vault.put_folder(tmp_path / "it", {"file": data}),
        "snapshot": lambda data: vault.keep_snapshot(tmp_path / "it", {"file": data}),
        "file": lambda data: vault.put_file(tmp_path / "it", data),
    }
    takes = {
        "folder": lambda: vault.take_folder(tmp_path / "it")["file"],
        "snapshot": lambda: vault.latest_snapshot(tmp_path / "it")["file"],
        "file": lambda: vault.take_file(tmp_path / "it"),
    }
    with vault.sealed(SEAL, tmp_path):
        puts[what](b"old")
        sound = getattr(disk, broken)
        for n in range(20):
            calls = [0]

            def failing(*facts, real=sound, n=n, calls=calls):
                calls[0] += 1
                if calls[0] == n + 1:
                    raise OSError(28, "full")
                return real(*facts)

            with monkeypatch.context() as patch:
                patch.setattr(disk, broken, failing)
                try:
                    puts[what](b"new")
                except Refused:
                    assert takes[what]() in (b"old", b"new")
            if calls[0] <= n:
                break
        assert takes[what]() == b"new"


# --- a sealed life -------------------------------------------------------------------------------------------------------

CANARIES = ("zanzibar", "quetzal", "xylophone")
"""A word of the rows, a name of a class, a column nobody's recipe names."""


def recipe(folder: Path, rows: int = 80, **more):
    """Words to classes; both in the data, and in what the codec learns of it."""
    lines = [f'"{("lake" if i % 2 else "river")} zanzibar number{i}",{"quetzal" if (i % 2) ^ (i % 4 == 0) else "heron"},{i}'
             for i in range(rows)]  # fmt: skip
    (folder / "rows.csv").write_text("text,y,xylophone\n" + "\n".join(lines), encoding="utf-8")
    tree = {
        "data": {"kind": "csv", "path": str(folder / "rows.csv")},
        "codec": {"kind": "words", "column": "text", "label": "y", "longest": 4},
        "model": {"kind": "lstm", "width": 4, "embedding": 3},
        "training": {"epochs": 2, "batch": 16, "optimizer": {"kind": "adam", "rate": 0.01}, "snapshot_every": 0},
        "machine": {"threads": 1, "compiled": False, "dtype": "float32", "precision": "highest"},
        "check": {"accept": ["leak"]},
        **more,
    }
    return open_recipe(tree)


def lead(folder: Path, cache: Path, sealed: bool, **opening):
    folder.mkdir(exist_ok=True)
    (folder / "seal.key").write_text(KEY.hex())
    more = {"protection": {"seal": {"kind": "key_file", "path": str(folder / "seal.key")}}} if sealed else {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MODELWRIGHT_CACHE", str(cache))
        return life.run(recipe(folder, **more), RunFolder(folder / "run"), life.Opening(**opening))


@pytest.fixture(scope="module")
def lived(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sealed")
    return lead(folder / "life", folder / "cache", sealed=True)


@pytest.fixture(scope="module")
def clear(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clear")
    return lead(folder / "life", folder / "cache", sealed=False)


def sung(lived: life.Lived) -> dict[str, list[str]]:
    """The files of the run and of its cache in which a canary is heard."""
    run = lived.folder.path
    found = lying(run) | {f"cache/{name}": data for name, data in lying(run.parents[1] / "cache").items()}
    return {canary: [name for name, data in found.items() if canary.encode() in data.lower()] for canary in CANARIES}


def test_no_canary_is_heard_in_a_sealed_run(lived):
    assert sung(lived) == {canary: [] for canary in CANARIES}


def test_every_canary_is_heard_in_a_run_in_clear(clear):
    """Without this the test above could pass by not listening."""
    heard = sung(clear)
    assert "report.html" in heard["zanzibar"] and "artifact/label.json" in heard["quetzal"]
    assert [name for name in heard["zanzibar"] if name.startswith("artifact/")]


def test_only_the_named_files_lie_in_clear(lived):
    files = lying(lived.folder.path)
    plain = {name for name, data in files.items() if not data.startswith(b"mwseal")}
    named = {"recipe.toml", "journal.jsonl", ".lock", "snapshots/latest"}
    named |= {"artifact/manifest.json", "artifact/signature.json"}
    assert {name for name in plain if not name.startswith("snapshots/0")} == named
    assert {Path(name).name for name in plain if name.startswith("snapshots/0")} == {"manifest.json"}
    cache = lying(lived.folder.path.parents[1] / "cache")
    assert cache and all(data.startswith(b"mwseal") for data in cache.values())


def test_the_journal_and_the_recipe_tell_figures_and_names_of_keys_only(lived):
    """What stays in clear by decision: figures, and what the user wrote into the recipe."""
    for line in vault.read_lines(lived.folder.journal):
        told = json.loads(line)
        assert all(isinstance(value, (int, float)) or name in ("event", "device") for name, value in told.items()), told
    assert KEY.hex() not in lived.folder.recipe.read_text(encoding="utf-8")


def test_sealed_or_not_the_content_is_the_same(lived, clear):
    with vault.unsealing(lambda: SEAL):
        held, standing = shelf.standing(lived.folder.artifact)
        taken = shelf.take(lived.folder.artifact)
    assert standing.who == "own" and held == shelf.standing(clear.folder.artifact)[0]
    assert taken.scores == lived.scores == clear.scores


def test_a_sealed_life_is_reused_and_resumed_with_its_key_only(lived, tmp_path):
    folder, cache = lived.folder.path.parent, lived.folder.path.parents[1] / "cache"
    assert lead(folder, cache, sealed=True).reused
    (folder / "seal.key").write_text(OTHER.hex())
    order = recipe(folder, protection={"seal": {"kind": "key_file", "path": str(folder / "seal.key")}})
    assert "another key" in refusal(lambda: life.run(order, RunFolder(folder / "run")))
    stops = iter([False] * 3 + [True] * 9)
    with pytest.raises(KeyboardInterrupt):
        lead(tmp_path / "new", cache, sealed=True, stop=lambda: next(stops))
    resumed = lead(tmp_path / "new", cache, sealed=True, resume=True)
    assert resumed.scores == lived.scores
    with vault.unsealing(lambda: SEAL):
        assert shelf.standing(resumed.folder.artifact)[0] == shelf.standing(lived.folder.artifact)[0]


def test_a_compressed_life_is_sealed_too(tmp_path, monkeypatch):
    """Whatever wins: the board, and the original where it stepped aside."""
    monkeypatch.setenv("MODELWRIGHT_CACHE", str(tmp_path / "cache"))
    (tmp_path / "life").mkdir()
    (tmp_path / "seal.key").write_text(KEY.hex())
    order = recipe(
        tmp_path / "life",
        rows=160,
        protection={"seal": {"kind": "key_file", "path": str(tmp_path / "seal.key")}},
        compression=[{"kind": "int8"}],
        promise={"metric": "accuracy", "loss": 0.9},
    )
    lived = life.run(order, RunFolder(tmp_path / "life" / "run"))
    assert lived.board is not None
    assert sung(lived) == {canary: [] for canary in CANARIES}
    with vault.unsealing(lambda: SEAL):
        for folder in (lived.folder.artifact, lived.folder.original):
            assert not folder.exists() or shelf.standing(folder)[1].who == "own"


CLEAR = {"recipe.toml", "journal.jsonl", ".lock", "latest", "manifest.json", "signature.json"}
"""What may lie in clear in a folder that is then forgotten, as in a run's."""


@pytest.fixture
def thrown(tmp_path, monkeypatch):
    """Temporary folders and a cache of this test's own; what was ever removed or replaced there, and what lies there now."""
    grave, found = tmp_path / "grave", dict[str, bytes]()
    for name in ("tmp", "cache"):
        (grave / name).mkdir(parents=True)
    monkeypatch.setattr(tempfile, "tempdir", str(grave / "tmp"))
    monkeypatch.setenv("MODELWRIGHT_CACHE", str(grave / "cache"))

    def keep(path) -> None:
        path = Path(path)
        for file in (path, *path.rglob("*")) if path.is_dir() else (path,):
            if grave in file.parents and file.is_file():
                found[f"{len(found)} {file.relative_to(grave)}"] = file.read_bytes()

    def keeping(act, place):
        def acting(*facts, **more):
            keep(facts[place])
            return act(*facts, **more)

        return acting

    ends = ((shutil, "rmtree", 0), (os, "unlink", 0), (os, "replace", 1), (disk, "remove", 0), (disk, "move", 1))
    for room, name, place in ends:
        monkeypatch.setattr(room, name, keeping(getattr(room, name), place))
    yield lambda: found | {f"left {name}": data for name, data in lying(grave).items()}
    monkeypatch.undo()


def in_clear(files: dict[str, bytes]) -> set[str]:
    """The names of files that are neither sealed nor of those that may lie in clear."""
    return {Path(name).name for name, data in files.items() if not data.startswith(b"mwseal")} - CLEAR


@pytest.mark.parametrize("verb", ["plan", "rehearse"])
def test_what_is_tried_and_forgotten_is_sealed_too(tmp_path, thrown, verb):
    """No file of a sealed recipe's plan or rehearsal is ever in clear, not even for a moment: what is thrown away was seen."""
    (tmp_path / "seal.key").write_text(KEY.hex())
    heard: dict[bool, dict[str, bytes]] = {}
    for sealed in (False, True):
        more = {"protection": {"seal": {"kind": "key_file", "path": str(tmp_path / "seal.key")}}} if sealed else {}
        vault.clear(vault.cache_folder(), [entry.name for entry in vault.cache_folder().iterdir()])
        order, before = recipe(tmp_path, **more), set(thrown())
        if verb == "plan":
            life.foresee(order, tmp_path / "run")
        else:
            rehearsed = rehearsing.rehearse(order)
            assert rehearsed.fault is None, rehearsed.fault
        heard[sealed] = {name: data for name, data in thrown().items() if name not in before}
    assert {"model.safetensors", "state.safetensors", "run.json"} <= in_clear(heard[False])  # the test does listen
    assert in_clear(heard[True]) == set() and len(heard[True]) > 5
    if verb == "rehearse":
        every = {sealed: b"".join(files.values()).lower() for sealed, files in heard.items()}
        songs = {sealed: {canary for canary in CANARIES if canary.encode() in every[sealed]} for sealed in every}
        assert {"zanzibar", "quetzal"} <= songs[False] and songs[True] == set()


def spoken(capsys, *words) -> tuple[int, str]:
    code = main(["--lang", "en", *map(str, words)])
    caught = capsys.readouterr()
    return code, caught.out + caught.err


def test_the_verbs_ask_for_the_key(lived, tmp_path, monkeypatch, capsys):
    (tmp_path / "right.key").write_text(KEY.hex())
    (tmp_path / "wrong.key").write_text(OTHER.hex())
    (tmp_path / "half.key").write_text(KEY.hex()[:32])
    artifact, rows = lived.folder.artifact, lived.folder.path.parent / "rows.csv"
    for words in (["verify", artifact, "--data", rows], ["predict", artifact, rows, "-o", tmp_path / "answers.csv"]):
        code, told = spoken(capsys, *words)
        assert code == (0 if words[0] == "verify" else 2) and "--key FILE" in told and not (tmp_path / "answers.csv").exists()
        for name, sentence in (("wrong.key", "another key"), ("half.key", "holds no key"), ("gone.key", "is not there")):
            code, told = spoken(capsys, *words, "--key", tmp_path / name)
            assert code == 2 and sentence in told and KEY.hex()[:8] not in told
        code, told = spoken(capsys, *words, "--key", tmp_path / "right.key")
        assert code == 0, told
    assert "quetzal" in (tmp_path / "answers.csv").read_text(encoding="utf-8")  # asked for by the user, so in clear
    words = f"{Path(sys.executable).as_posix()} -c \"print('{KEY.hex()}')\""
    monkeypatch.setenv("MODELWRIGHT_KEY_COMMAND", words)
    assert spoken(capsys, "verify", artifact)[0] == 0
    monkeypatch.setenv("MODELWRIGHT_KEY_COMMAND", 'pass "show')
    assert "never closed" in spoken(capsys, "verify", artifact)[1]
    assert spoken(capsys, "keys", "list")[0] == 0  # who reads nothing sealed needs no key


def test_without_the_key_verify_checks_what_lies_there_and_who_signed_it_and_says_what_it_did_not(lived, tmp_path, capsys):
    artifact, ours = lived.folder.artifact, protection.own_key().public.name
    code, told = spoken(capsys, "verify", artifact)
    assert code == 0 and "every byte is as its manifest says" in told and f"signed with your key {ours}" in told
    assert "no key was given: not opened, content not compared, scores not recomputed" in told
    assert spoken(capsys, "verify", artifact, "--require-scores")[0] == 1
    assert spoken(capsys, "verify", artifact, "--signer", ours)[0] == 0
    assert spoken(capsys, "verify", artifact, "--signer", "ed25519:" + "0" * 32)[0] == 2
    plain = json.loads(spoken(capsys, "verify", artifact, "--json")[1])
    assert plain == {
        "intact": True, "opened": False, "recomputed": False, "kept": True, "content": None, "signed": "own", "key": ours
    }  # fmt: skip
    (tmp_path / "right.key").write_text(KEY.hex())
    plain = json.loads(spoken(capsys, "verify", artifact, "--json", "--key", tmp_path / "right.key")[1])
    assert plain["opened"] and len(plain["content"]) == 64


def changed(files: dict[str, bytes], how: str) -> dict[str, bytes]:
    """What somebody without the key can do to a sealed artifact; where he can, with a manifest that fits again."""
    weights = files["weights.safetensors"]
    inside = {name: data for name, data in files.items() if name not in ("manifest.json", "signature.json")}
    if how == "a byte of a chunk":
        return {**files, "weights.safetensors": weights[:-1] + bytes([weights[-1] ^ 1])}
    if how == "the signature":
        return {**files, "signature.json": files["signature.json"].replace(b'"signature": "', b'"signature": "0')}
    if how == "in clear, said to be sealed":
        inside["README.md"] = b"in clear"
    else:
        assert how == "the weights gone"
        del inside["weights.safetensors"]
    return {**inside, "manifest.json": manifest.spell(inside, sealed=True)}


CHANGES = {
    "a byte of a chunk": "does not match its manifest",
    "in clear, said to be sealed": "README.md is not as it was sealed",
    "the signature": "is damaged",
    "the weights gone": "is not an artifact",
}


@pytest.mark.parametrize("how", CHANGES)
def test_without_the_key_verify_still_refuses_what_was_changed(lived, tmp_path, capsys, how):
    (tmp_path / "artifact").mkdir()
    for name, data in changed(lying(lived.folder.artifact), how).items():
        (tmp_path / "artifact" / name).write_bytes(data)
    code, told = spoken(capsys, "verify", tmp_path / "artifact")
    assert code == 2 and CHANGES[how] in told


def test_without_the_key_another_sealed_artifact_under_the_old_signature_is_refused(lived, tmp_path, capsys):
    """The signature is over the manifest of the sealed bytes, so it does not need the key to tell them apart."""
    with vault.sealed(SEAL, tmp_path / "other"):
        with vault.unsealing(lambda: SEAL):
            held = vault.take_folder(lived.folder.artifact)
        vault.put_folder(tmp_path / "other", held)  # the same content, sealed once more
    (tmp_path / "other" / "signature.json").write_bytes((lived.folder.artifact / "signature.json").read_bytes())
    code, told = spoken(capsys, "verify", tmp_path / "other")
    assert code == 2 and "signature of another artifact" in told


def test_what_is_made_of_a_sealed_artifact_is_sealed_and_signed(tmp_path, capsys, monkeypatch):
    """compress writes an artifact too; 160 rows, so that there are enough to choose by."""
    monkeypatch.setenv("MODELWRIGHT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(timing, "paces", lambda *_: tuple(compression.Pace(size, 1.0, 1.0, 1.0, 0.9, 1.1) for size in (1, 256)))
    (tmp_path / "right.key").write_text(KEY.hex())
    order = recipe(tmp_path, rows=160, protection={"seal": {"kind": "key_file", "path": str(tmp_path / "right.key")}})
    lived = life.run(order, RunFolder(tmp_path / "run"))
    words = ["compress", lived.folder.artifact, "--data", tmp_path / "rows.csv", "--loss", "0.99"]
    code, told = spoken(capsys, *words, "-o", tmp_path / "smaller", "--key", tmp_path / "right.key")
    assert code == 0 and "The smaller model is in" in told, told
    files = lying(tmp_path / "smaller")
    assert not [name for name, data in files.items() for canary in CANARIES if canary.encode() in data.lower()]
    assert {name for name, data in files.items() if not data.startswith(b"mwseal")} == {"manifest.json", "signature.json"}
    with vault.unsealing(lambda: SEAL):
        assert shelf.standing(tmp_path / "smaller")[1].who == "own" and shelf.take(tmp_path / "smaller").edits


def test_the_report_is_sealed_and_can_be_had_in_clear(lived, tmp_path, capsys):
    (tmp_path / "right.key").write_text(KEY.hex())
    words = ["unseal", lived.folder.report, "-o", tmp_path / "report.html"]
    assert spoken(capsys, *words)[0] == 2
    assert spoken(capsys, *words, "--key", tmp_path / "right.key")[0] == 0
    assert "zanzibar" in (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "not overwritten" in spoken(capsys, *words, "--key", tmp_path / "right.key")[1]


def test_a_changed_byte_in_a_sealed_chunk_is_refused_by_the_verbs(lived, tmp_path, capsys):
    """Also where the manifest was written anew to fit it."""
    (tmp_path / "right.key").write_text(KEY.hex())
    about = ("manifest.json", "signature.json")
    files = {name: data for name, data in lying(lived.folder.artifact).items() if name not in about}
    data = bytearray(files["weights.safetensors"])
    data[HEADER + 20] ^= 1
    put_sealed_already(tmp_path / "artifact", {**files, "weights.safetensors": bytes(data)})
    code, told = spoken(capsys, "verify", tmp_path / "artifact", "--key", tmp_path / "right.key")
    assert code == 2 and "weights.safetensors is not as it was sealed" in told


@pytest.mark.parametrize("scope", ["vault.sealed(seal, here)", "vault.unsealing(lambda: seal)"])
def test_a_fault_of_ours_while_a_key_is_held_keeps_no_value(tmp_path, scope):
    """The traceback that is kept names lines of code, not what they stumbled over."""
    with vault.sealed(SEAL, tmp_path):
        vault.put_file(tmp_path / "run.json", b"{}")
    code = f"""
        import sys
        from modelwright import vault
        from modelwright.__main__ import _unforeseen
        from pathlib import Path
        seal, here = vault.Seal({KEY!r}), Path({str(tmp_path)!r})
        try:
            with {scope}:
                vault.take_file(here / "run.json")
                raise ValueError("zanzibar")
        except ValueError as error:
            _unforeseen(error)
    """
    script = tmp_path / "fault.py"
    script.write_text("\n".join(line[8:] for line in code.splitlines()), encoding="utf-8")
    environment = {**os.environ, "MODELWRIGHT_CACHE": str(tmp_path / "cache")}
    subprocess.run([sys.executable, str(script)], env=environment, check=True, capture_output=True)
    kept = (tmp_path / "cache" / "last-error.txt").read_text(encoding="utf-8")
    assert "ValueError" in kept and "fault.py" in kept and '("zanzibar")' in kept  # the line of code, which is ours
    assert "ValueError: zanzibar" not in kept


def test_a_notebook_opens_what_is_sealed(lived, tmp_path):
    import modelwright

    (tmp_path / "right.key").write_text(KEY.hex())
    assert "only be read with its key" in refusal(lambda: modelwright.load(lived.folder.artifact))
    assert modelwright.load(lived.folder.artifact, key=tmp_path / "right.key").scores == lived.scores
