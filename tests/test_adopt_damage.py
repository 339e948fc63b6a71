"""adopt: whatever single thing is damaged in what others published, it becomes an artifact or is refused with a sentence.

Every damage is counted: none may end in a traceback, in a model that the shelf does not take, or in no end at all."""

from __future__ import annotations

import json
import shutil
import struct
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from modelwright import shelf
from modelwright.__main__ import main
from modelwright.exchange.huggingface.reading import adopted
from modelwright.nouns import Artifact, Refused

GOLDEN = Path(__file__).parent / "golden" / "transformers"
GONE = object()
VALUES = (GONE, None, True, 0, -1, 3, 10**9, 10**30, 0.5, float("nan"), "", "x", [], [1], {}, {"factor": 2})
"""What a field says instead."""
SOME = (GONE, None, -1, 0, 10**9, 0.5, "x", [])
QUICK = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def outcome(adopt: Callable[[Path], Artifact], place: Path) -> str:
    """Anything else than a Refused with sentences goes through, and fails the test."""
    try:
        made = adopt(place)
    except Refused as refusal:
        assert refusal.sentences
        assert all(refusal.sentences)
        return "refused"
    assert made.module is not None
    return "adopted"


def paths(told: Any, above: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Of all that stands in a tree, of long lists and tables within it the first ones alone."""
    inner: list[tuple[Any, Any]] = []
    if isinstance(told, dict):
        inner = list(told.items())[: 12 if above else None]
    if isinstance(told, list):
        inner = list(enumerate(told))[:2]
    for key, value in inner:
        yield (*above, key)
        yield from paths(value, (*above, key))


def damaged(whole: str, path: tuple[Any, ...], value: Any) -> str:
    told = json.loads(whole)
    at = told
    for key in path[:-1]:
        at = at[key]
    if value is GONE:
        del at[path[-1]]
    else:
        at[path[-1]] = value
    return json.dumps(told)


def tried(folder: Path, name: str, values: tuple[Any, ...] = VALUES, kept: bool = False) -> Counter[str]:
    """What became of each damage to one file; kept: what was adopted must come from the shelf again."""

    def adopt(place: Path) -> Artifact:
        return shelved(adopted(place), place / "kept") if kept else adopted(place)

    file = folder / name
    whole, found = file.read_text(encoding="utf-8"), Counter[str]()
    for path in paths(json.loads(whole)):
        for value in values:
            file.write_text(damaged(whole, path, value), encoding="utf-8")
            try:
                found[outcome(adopt, folder)] += 1
            except Exception as error:
                raise AssertionError(f"{name}: {path} = {value!r}") from error
    file.write_text(whole, encoding="utf-8")
    return found


def shelved(made: Artifact, place: Path) -> Artifact:
    shutil.rmtree(place, ignore_errors=True)
    shelf.put(made, place)
    try:
        return shelf.take(place)
    except Refused as refusal:
        raise AssertionError("adopted, and refused by the shelf") from refusal


@pytest.fixture
def folder(tmp_path) -> Path:
    return shutil.copytree(GOLDEN / "llama", tmp_path / "llama")


@pytest.mark.parametrize("name", ["llama", "bert_labels", "gpt2"])
def test_every_field_of_a_config(name, tmp_path):
    kept = name == "llama"
    found = tried(shutil.copytree(GOLDEN / name, tmp_path / name), "config.json", SOME if kept else VALUES, kept)
    assert found["refused"] >= (40 if kept else 150)
    assert found.total() >= (120 if kept else 400), "each field has been every value"


@pytest.mark.parametrize("name", ["llama", "roberta_tags"])
def test_every_field_of_a_tokenizer(name, tmp_path):
    found = tried(shutil.copytree(GOLDEN / name, tmp_path / name), "tokenizer.json", SOME)
    assert found["refused"] > 150


def test_every_field_of_a_header_of_weights(folder):
    file = folder / "model.safetensors"
    whole = file.read_bytes()
    size = struct.unpack_from("<Q", whole)[0]
    header, numbers = whole[8 : 8 + size].decode(), whole[8 + size :]
    found: Counter[str] = Counter()
    for path in [one for one in paths(json.loads(header)) if one[0] != "__metadata__"]:
        for value in (GONE, None, 0, -1, 10**30, "F64", "I8", "x", [], [1, 1], {}):
            told = damaged(header, path, value).encode()
            if json.loads(told) == json.loads(header):
                continue
            file.write_bytes(struct.pack("<Q", len(told)) + told + numbers)
            found[outcome(adopted, folder)] += 1
    assert found["refused"] == found.total() > 500, "no tensor is without use"


@QUICK
@given(data=st.data())
def test_a_byte_of_weights(data, tmp_path_factory):
    """Of the header. In the numbers themselves damage is another number, or one that is none."""
    folder = tmp_path_factory.mktemp("byte") / "llama"
    shutil.copytree(GOLDEN / "llama", folder)
    file = folder / "model.safetensors"
    whole = bytearray(file.read_bytes())
    end = 8 + struct.unpack_from("<Q", whole)[0]
    whole[data.draw(st.integers(0, end - 1))] ^= 1 << data.draw(st.integers(0, 7))
    file.write_bytes(whole)
    outcome(adopted, folder)


@pytest.mark.parametrize(
    ("file", "path", "value"),
    [
        ("config.json", ("rms_norm_eps",), 0),
        ("config.json", ("num_hidden_layers",), 10**8),
        ("config.json", ("vocab_size",), 10**8),
        ("tokenizer.json", ("post_processor", "special_tokens"), {}),
        ("tokenizer.json", ("decoder", "decoders", 0, "type"), []),
    ],
)
def test_the_command_ends_with_2_and_a_sentence(file, path, value, folder, tmp_path, capsys):
    (folder / file).write_text(damaged((folder / file).read_text(encoding="utf-8"), path, value), encoding="utf-8")
    assert main(["adopt", str(folder), "-o", str(tmp_path / "a"), "--lang", "en"]) == 2
    said = capsys.readouterr()
    assert file.partition(".")[0] in said.err
    assert "Traceback" not in said.out + said.err
    assert not (tmp_path / "a").exists()
