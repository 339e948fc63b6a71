"""Whose word stands for an artifact: keys, signatures, trust, and the content digest that the same life always has."""

import json
import shutil
import stat
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from modelwright import life, protection, shelf, vault
from modelwright.__main__ import main
from modelwright.folder import RunFolder
from modelwright.nouns import Refused
from modelwright.protection import signing, trusting
from modelwright.recipe import open_recipe
from modelwright.vault import disk, place

GOLDEN = Path(__file__).parent / "golden" / "artifacts" / "0.1" / "artifact"


@pytest.fixture(autouse=True)
def own_config(tmp_path, monkeypatch):
    monkeypatch.setenv("MODELWRIGHT_CONFIG", str(tmp_path / "config"))
    monkeypatch.setenv("MODELWRIGHT_CACHE", str(tmp_path / "cache"))
    return tmp_path / "config"


@pytest.fixture
def artifact(tmp_path):
    """The golden artifact, copied: a whole one that nobody signed."""
    return Path(shutil.copytree(GOLDEN, tmp_path / "artifact"))


@pytest.fixture
def signed(artifact):
    shelf.sign(artifact, protection.own_key())
    return artifact


def other_user(monkeypatch, folder: Path) -> None:
    monkeypatch.setenv("MODELWRIGHT_CONFIG", str(folder))


def refusal(act) -> str:
    with pytest.raises(Refused) as refused:
        act()
    return str(refused.value)


# --- keys ----------------------------------------------------------------------------------------------------------------


def test_the_key_is_made_once_and_is_its_owners_alone(own_config):
    assert protection.export() is None
    first = protection.own_key().public
    assert protection.own_key().public == first == protection.export()
    files = [path for path in own_config.rglob("*") if path.is_file()]
    assert [path.name for path in files] == ["signing.pem"]
    if sys.platform != "win32":
        assert stat.S_IMODE(files[0].stat().st_mode) == 0o600
    assert first.name == "ed25519:" + sha256(first.raw).hexdigest()[:32]


def test_of_two_makers_at_once_the_first_wins_and_both_go_on_with_its_key(monkeypatch):
    """The second finds no key, makes one, and is overtaken just before its own would be put in place."""
    before: list[str] = []
    real = disk.move_once

    def overtaken(old, new):
        monkeypatch.setattr(disk, "move_once", real)
        before.append(protection.own_key().public.name)
        real(old, new)

    monkeypatch.setattr(disk, "move_once", overtaken)
    assert [protection.own_key().public.name] == before
    assert len(list(protection.keys.keys_folder().iterdir())) == 1


def test_a_disk_without_hard_links_keeps_a_key_too(monkeypatch, tmp_path):
    def no_links(old, new):
        raise OSError(95, "no links here")

    monkeypatch.setattr(disk.os, "link", no_links)
    vault.put_secret(tmp_path / "secret", b"one")
    vault.put_secret(tmp_path / "secret", b"two")
    assert (tmp_path / "secret").read_bytes() == b"one"
    assert [entry.name for entry in tmp_path.iterdir()] == ["secret"]


def test_a_signer_never_shows_its_key():
    signer = protection.own_key()
    assert signer.private.private_bytes_raw().hex() not in repr(signer) and "private" not in repr(signer)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes")
def test_a_key_that_others_may_read_is_refused_with_the_way_out():
    protection.own_key()
    path = protection.keys.own_path()
    path.chmod(0o640)
    assert f"chmod 600 {path}" in refusal(protection.own_key)


@pytest.mark.parametrize("keep", [0, 10, 60, 100])
def test_half_a_key_is_refused_and_never_quoted(keep):
    protection.own_key()
    path = protection.keys.own_path()
    whole = path.read_bytes()
    path.write_bytes(whole[:keep])
    said = refusal(protection.own_key)
    assert "no Ed25519 private key" in said
    assert whole[30:60].decode() not in said


def test_a_key_of_another_kind_is_refused():
    protection.own_key()
    other = X25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    protection.keys.own_path().write_bytes(other)
    assert "no Ed25519 private key" in refusal(protection.own_key)


def test_a_private_key_is_never_trusted_in_place_of_a_public_one(tmp_path):
    protection.own_key()
    assert "is a private key" in refusal(lambda: protection.trust(protection.keys.own_path()))
    (tmp_path / "half.pem").write_bytes(protection.own_key().public.pem()[:60])
    assert "no Ed25519 public key" in refusal(lambda: protection.trust(tmp_path / "half.pem"))
    (tmp_path / "big.pem").write_bytes(b"x" * 20_000)
    assert "too large" in refusal(lambda: protection.trust(tmp_path / "big.pem"))


# --- signing and judging -------------------------------------------------------------------------------------------------


def test_any_other_tool_can_check_the_signature(signed):
    """The text that is signed, made again from the documented lines, and judged by cryptography itself."""
    told = json.loads((signed / "signature.json").read_bytes())
    manifest = sha256((signed / "manifest.json").read_bytes()).hexdigest()
    text = f"modelwright artifact 1\nmanifest {manifest}\ncontent {told['content']}\n".encode()
    Ed25519PublicKey.from_public_bytes(bytes.fromhex(told["public"])).verify(bytes.fromhex(told["signature"]), text)
    assert told["manifest"] == manifest


def test_ones_own_signature_is_known_and_the_artifact_still_loads(signed):
    content, standing = shelf.standing(signed)
    assert standing.who == "own" and standing.key == protection.own_key().public.name
    assert len(content) == 64 and shelf.take(signed).module is not None


def test_an_unsigned_artifact_is_said_to_be_one_and_refused_where_a_signer_was_asked_for(artifact):
    assert shelf.standing(artifact)[1].who == "nobody"
    name = protection.own_key().public.name
    assert "is not signed" in refusal(lambda: shelf.standing(artifact, name))


def test_another_user_knows_the_signer_only_after_trusting_the_key(signed, tmp_path, monkeypatch):
    (tmp_path / "me.pem").write_bytes(protection.own_key().public.pem())
    name = protection.own_key().public.name
    other_user(monkeypatch, tmp_path / "theirs")
    assert shelf.standing(signed)[1].who == "unknown"
    assert shelf.standing(signed, str(tmp_path / "me.pem"))[1].who == "named"
    assert shelf.standing(signed, name)[1].who == "named"
    assert protection.trust(tmp_path / "me.pem").name == name
    assert shelf.standing(signed)[1].who == "trusted"
    stranger = protection.own_key().public.name
    assert f"not by {stranger}" in refusal(lambda: shelf.standing(signed, stranger))


@pytest.mark.parametrize("cut", [4, 8, 31])
def test_a_key_is_not_known_by_the_beginning_of_its_name(signed, cut):
    name = protection.own_key().public.name
    assert "not the whole name" in refusal(lambda: shelf.standing(signed, name[: len("ed25519:") + cut]))


def test_every_changed_bit_of_a_signature_file_is_refused(signed):
    path = signed / "signature.json"
    manifest, whole = vault.attested(signed)
    content = shelf.standing(signed)[0]
    for bit in range(len(whole) * 8):
        data = bytearray(whole)
        data[bit // 8] ^= 1 << bit % 8
        assert refusal(lambda data=bytes(data): protection.judge(data, manifest, content, path))
    assert protection.judge(whole, manifest, content, path).who == "own"


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b'{"format": 1, "key": 3}', b"x" * 5000, b'{"a":1,"a":1}'])
def test_what_is_no_signature_is_refused(artifact, data):
    (artifact / "signature.json").write_bytes(data)
    assert "signature.json" in refusal(lambda: shelf.standing(artifact))


def test_the_signature_of_another_artifact_is_refused(signed, tmp_path):
    files = vault.take_folder(signed)
    other = tmp_path / "other"
    vault.put_folder(other, {**files, "README.md": b"another card"})
    shutil.copy(signed / "signature.json", other / "signature.json")
    assert "of another artifact" in refusal(lambda: shelf.standing(other))


def test_a_signed_content_digest_must_be_the_one_found(signed):
    manifest, _ = vault.attested(signed)
    vault.attest(signed, protection.sign(protection.own_key(), manifest, "0" * 64))
    assert "of another artifact" in refusal(lambda: shelf.standing(signed))


def test_a_forger_who_names_my_key_is_refused(signed):
    manifest, _ = vault.attested(signed)
    content = shelf.standing(signed)[0]
    forger = protection.Signer(Ed25519PrivateKey.generate())
    true = signing.stated(protection.sign(forger, manifest, content), "x")
    mine = signing.Signature(protection.own_key().public, true.manifest, true.content, true.proof)
    vault.attest(signed, mine.spelled())
    assert "forged" in refusal(lambda: shelf.standing(signed))


def test_the_spelling_of_a_signature_and_the_content_of_an_old_artifact_stay_what_they_were(artifact):
    """Pinned: a change here makes every signature out there wrong, or every digest another one."""
    signer = protection.Signer(Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
    assert signer.public.name == "ed25519:56475aa75463474c0285df5dbf2bcab7"
    told = json.loads(protection.sign(signer, b"manifest", "ab" * 32))
    assert told["signature"] == (
        "8c81fca33a383245bb58a2f554e151e7795a2f9a7a096c91c3706d678a678b75"
        "9e3046e603e955a4f256e5aafe9d6083f7c5e8cc6d0bf3a40d163b262a97f504"
    )
    content = "48c28877bdc78d9a03bc9eaa84c3b9528b1e97b77e3b6609a77da47c3a935220"
    assert shelf.content(vault.take_folder(artifact), artifact) == content


@pytest.mark.parametrize("planted", ["accepts any proof", "forgets the content", "forgets the manifest"])
def test_a_planted_bug_in_judging_would_be_seen(signed, monkeypatch, planted):
    """Each promise above rests on one check; without it, the wrong artifact passes."""
    manifest, whole = vault.attested(signed)
    content = shelf.standing(signed)[0]
    told = json.loads(whole)
    wrong = {
        "accepts any proof": (json.dumps({**told, "signature": "00" * 64}, indent=1) + "\n").encode(),
        "forgets the content": protection.sign(protection.own_key(), manifest, "0" * 64),
        "forgets the manifest": protection.sign(protection.own_key(), b"another", content),
    }[planted]
    assert refusal(lambda: protection.judge(wrong, manifest, content, signed))
    if planted == "accepts any proof":
        monkeypatch.setattr(protection.PublicKey, "signed", lambda *_: True)
    else:
        monkeypatch.setattr(trusting, "_refuse_wrong", lambda *_: None)
    assert protection.judge(wrong, manifest, content, signed).who == "own"


# --- the vault's side ----------------------------------------------------------------------------------------------------


def test_nothing_else_may_lie_there_and_no_manifest_may_list_a_signature(signed):
    (signed / "signature.json.bak").write_bytes(b"")
    assert "lies where only" in refusal(lambda: vault.take_folder(signed))
    with pytest.raises(ValueError, match="plain"):
        vault.put_folder(signed.parent / "x", {"signature.json": b""})


def test_a_link_in_the_place_of_a_signature_is_refused(signed, tmp_path):
    shutil.move(signed / "signature.json", tmp_path / "away.json")
    (signed / "signature.json").symlink_to(tmp_path / "away.json")
    assert "is a link" in refusal(lambda: shelf.standing(signed))


@pytest.mark.parametrize("broken", ["write", "settle", "read", "move", "settle_folder"])
def test_a_failing_disk_leaves_the_artifact_intact(artifact, monkeypatch, broken):
    whole = vault.take_folder(artifact)
    signer = protection.own_key()

    def failing(*_):
        raise OSError(28, "full")

    with monkeypatch.context() as patch:
        patch.setattr(disk, broken, failing)
        refusal(lambda: shelf.sign(artifact, signer))
    assert vault.take_folder(artifact) == whole
    assert not [entry for entry in artifact.parent.iterdir() if entry.name.startswith(".")]
    shelf.sign(artifact, signer)
    assert shelf.standing(artifact)[1].who == "own"


def test_a_disk_that_gives_back_another_signature_is_refused(artifact, monkeypatch):
    signer = protection.own_key()
    with monkeypatch.context() as patch:
        patch.setattr(disk, "write", lambda path, data, *mode, real=disk.write: real(path, data[:-1] + b" ", *mode))
        assert "do not trust this disk" in refusal(lambda: shelf.sign(artifact, signer))
        assert "do not trust this disk" in refusal(lambda: vault.put_secret(artifact.parent / "secret", b"one"))
    assert shelf.standing(artifact)[1].who == "nobody" and not (artifact.parent / "secret").exists()


def test_a_new_artifact_takes_the_place_of_a_signed_one_and_is_unsigned(signed):
    vault.put_folder(signed, vault.take_folder(signed))
    assert shelf.standing(signed)[1].who == "nobody"


# --- the life, and the verb ----------------------------------------------------------------------------------------------


def lead(folder: Path, **more):
    folder.mkdir(parents=True)
    told = "a,b,y\n" + "\n".join(f"{i},{i * 7 % 11},{'x' if i % 2 else 'z'}" for i in range(90))
    (folder / "rows.csv").write_text(told, encoding="utf-8")
    tree = {
        "data": {"kind": "csv", "path": str(folder / "rows.csv")},
        "codec": {"kind": "columns", "label": "y"},
        "model": {"kind": "mlp", "widths": [4]},
        "training": {"epochs": 2, "batch": 16, "optimizer": {"kind": "adam", "rate": 0.01}},
        "machine": {"threads": 1, "compiled": False, "dtype": "float32", "precision": "highest"},
        **more,
    }
    notes: list[str] = []
    watch = lambda note: notes.append(f"{note.stage}: {note.text}")  # noqa: E731
    lived = life.run(open_recipe(tree), RunFolder(folder / "run"), watch=watch)
    return lived.folder.artifact, notes


def test_the_same_life_has_the_same_content_wherever_and_whenever_it_is_led(tmp_path):
    first, notes = lead(tmp_path / "one")
    second, _ = lead(tmp_path / "two" / "deeper")
    name = protection.own_key().public
    assert f"sign: manifest signed with your key {name.short}" in notes
    assert shelf.standing(first) == shelf.standing(second)
    assert (first / "manifest.json").read_bytes() != (second / "manifest.json").read_bytes()  # paths and times differ


def test_another_seed_has_another_content(tmp_path):
    assert shelf.standing(lead(tmp_path / "one")[0])[0] != shelf.standing(lead(tmp_path / "two", seed=1)[0])[0]


@pytest.mark.parametrize("name", ["weights.safetensors", "codec.safetensors", "rows.safetensors"])
def test_one_changed_bit_of_any_tensor_is_another_content(artifact, name):
    files = vault.take_folder(artifact)
    data = bytearray(files[name])
    data[-1] ^= 1
    assert shelf.content({**files, name: bytes(data)}, artifact) != shelf.content(files, artifact)


def test_of_the_label_only_what_is_about_the_making_is_no_content(artifact):
    files = vault.take_folder(artifact)
    told = json.loads(files["label.json"])

    def content(**more) -> str:
        return shelf.content({**files, "label.json": json.dumps({**told, **more}).encode()}, artifact)

    same = [{"made_by": "x"}, {"story": ["x"]}, {"tolerance": {}}, {"fingerprints": {**told["fingerprints"], "recipe": "x"}}]
    other = [{"family": "x"}, {"codec": {}}, {"texts": ["x"]}, {"scores": []}, {"fingerprints": {"data": "x"}}, {"edits": [1]}]
    assert {content(**more) for more in same} == {content()}
    assert content() not in {content(**more) for more in other}
    assert shelf.content({**files, "README.md": b"another card"}, artifact) == content()


@pytest.mark.parametrize("files", [{}, {"label.json": b"[]"}, {"label.json": b"{"}])
def test_what_is_no_artifact_has_no_standing(artifact, files):
    vault.put_folder(artifact, {**vault.take_folder(artifact), **files} if files else {"x": b""})
    assert "label.json" in refusal(lambda: shelf.standing(artifact))


def test_a_life_without_a_key_folder_ends_well_and_says_so(tmp_path, monkeypatch):
    (tmp_path / "file").write_bytes(b"")
    other_user(monkeypatch, tmp_path / "file" / "config")
    artifact, notes = lead(tmp_path / "one")
    assert [note for note in notes if note.startswith("sign: not signed: ")]
    assert shelf.take(artifact).module is not None
    assert vault.attested(artifact)[1] is None


def test_a_life_may_go_unsigned(tmp_path):
    artifact, notes = lead(tmp_path / "one", protection={"sign": False})
    assert not [note for note in notes if note.startswith("sign")]
    assert vault.attested(artifact)[1] is None
    assert protection.export() is None


def spoken(capsys, *words) -> tuple[int, str]:
    code = main(["--lang", "en", *map(str, words)])
    caught = capsys.readouterr()
    return code, caught.out + caught.err


def test_verify_says_what_a_signature_is_worth(signed, tmp_path, monkeypatch, capsys):
    rows = GOLDEN.parents[1] / "rows.csv"
    code, told = spoken(capsys, "verify", signed, "--data", rows, "--json")
    told = json.loads(told)
    assert code == 0 and told["signed"] == "own" and told["key"] == protection.own_key().public.name
    assert spoken(capsys, "keys", "export", "-o", tmp_path / "me.pem")[0] == 0
    assert "not overwritten" in spoken(capsys, "keys", "export", "-o", tmp_path / "me.pem")[1]
    other_user(monkeypatch, tmp_path / "theirs")
    assert "intact, signer unknown" in spoken(capsys, "verify", signed)[1]
    assert spoken(capsys, "verify", signed, "--signer", tmp_path / "me.pem")[0] == 0
    assert spoken(capsys, "keys", "trust", tmp_path / "me.pem")[0] == 0
    assert "which you trust" in spoken(capsys, "verify", signed)[1]
    assert json.loads(spoken(capsys, "keys", "--json", "list")[1]) == {"keys": {told["key"]: "trusted"}}
    assert spoken(capsys, "keys", "make")[0] == 0
    assert set(json.loads(spoken(capsys, "keys", "--json", "list")[1])["keys"].values()) == {"own", "trusted"}
    (signed / "signature.json").write_bytes((signed / "signature.json").read_bytes().replace(b"a", b"b", 1))
    code, told = spoken(capsys, "verify", signed)
    assert code == 2 and "signature.json" in told
    (signed / "signature.json").unlink()
    code, told = spoken(capsys, "verify", signed)
    assert code == 0 and "not signed" in told


# --- where keys and caches lie -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("system", ["linux", "darwin", "win32"])
@pytest.mark.parametrize("named", [None, "absolute", "relative"])
def test_folders_are_where_platformdirs_says(system, named, tmp_path, monkeypatch):
    reference = pytest.importorskip("platformdirs")
    pytest.importorskip("platformdirs.windows")
    pytest.importorskip("platformdirs.macos")
    for variable in ("XDG_CACHE_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(variable, raising=False)
        if named:
            monkeypatch.setenv(variable, str(tmp_path / variable) if named == "absolute" else "relative")
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "Local"))
    monkeypatch.setattr(reference.windows, "get_win_folder", lambda _: str(tmp_path / "Local"))  # asks Windows itself
    theirs = {"linux": reference.unix.Unix, "darwin": reference.macos.MacOS, "win32": reference.windows.Windows}
    dirs = theirs[system]("modelwright", False)
    assert place.platform_folder("cache", system) == dirs.user_cache_path
    assert place.platform_folder("config", system) == dirs.user_config_path


def test_the_protection_room_is_light_to_open():
    code = "import sys, modelwright.protection; print(sorted({'cryptography', 'torch'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
