"""A model by its name in the hub: what is said without the library, and a snapshot that lies in its cache already."""

from __future__ import annotations

import importlib
import os
import shutil
from importlib.util import find_spec
from pathlib import Path

import pytest

from modelwright import shelf
from modelwright.__main__ import main
from modelwright.exchange.huggingface import hub
from modelwright.nouns import Refused

GOLDEN = Path(__file__).parent / "golden" / "transformers"
COMMIT = "0123456789abcdef0123456789abcdef01234567"
there = find_spec("huggingface_hub") is not None


@pytest.mark.skipif(there, reason="huggingface_hub is installed")
def test_without_the_library_it_says_which_to_install(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["adopt", "ants/bee-tiny", "-o", "a", "--lang", "en"]) == 2
    told = capsys.readouterr().err
    assert "ants/bee-tiny is no folder here" in told
    assert 'pip install "modelwright[hub]"' in told
    assert not (tmp_path / "a").exists()


def test_a_folder_goes_before_a_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copytree(GOLDEN / "bert", Path("ants/bee-tiny"))
    assert hub.folder_of(Path("ants/bee-tiny")) == Path("ants/bee-tiny")
    with pytest.raises(Refused, match="--revision goes with a name of the hub"):
        hub.folder_of(Path("ants/bee-tiny"), COMMIT)


@pytest.mark.parametrize("word", ["bee-tiny", "a/b/c", "/ants/bee", "../ants", "ants/bee tiny"])
def test_what_is_no_name_is_no_folder(word, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(Refused, match="is not a folder"):
        hub.folder_of(Path(word))


@pytest.mark.skipif(not there, reason="huggingface_hub is not installed")
def test_a_snapshot_in_the_cache_is_found_without_a_network(tmp_path, monkeypatch, capsys):
    constants = importlib.import_module("huggingface_hub.constants")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    model = tmp_path / "cache" / "models--ants--bee-tiny"
    shutil.copytree(GOLDEN / "bert", model / "snapshots" / COMMIT)
    (model / "refs").mkdir()
    (model / "refs" / "main").write_text(COMMIT, encoding="utf-8")
    for place, words in enumerate(([], ["--revision", COMMIT], ["--revision", "main"])):
        out = tmp_path / str(place)
        assert main(["adopt", "ants/bee-tiny", "-o", str(out), *words]) == 0, capsys.readouterr().err
        origin = shelf.take(out).origin
        assert origin is not None
        assert (origin.model, origin.revision) == ("ants/bee-tiny", COMMIT)
    assert main(["adopt", "ants/wasp-tiny", "-o", str(tmp_path / "none"), "--lang", "en"]) == 2
    assert "ants/wasp-tiny cannot be fetched from the hub" in capsys.readouterr().err
    assert not set(hub.QUIET) & set(os.environ), "as it was"
