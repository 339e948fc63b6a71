"""Texts and tokens that lie in the cache and are mapped: the same as in memory, gone on with after a kill."""

from __future__ import annotations

import gc
import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from modelwright import data, life, vault
from modelwright.data import arrow, mapping, shards
from modelwright.data.codecs import Documents
from modelwright.data.sources import JSON, Parquet, Text
from modelwright.folder import RunFolder
from modelwright.machine import tuned
from modelwright.nouns import Note, Refused, Rows, Tuning
from modelwright.recipe import open_recipe

WORDS = ["night", "day", "king", "comes", "goes", "吾王", "não", "🙂", "\n"]


@pytest.fixture(autouse=True)
def small(monkeypatch, tmp_path):
    """A cache of its own, spans and pieces of a few texts, one thread."""
    monkeypatch.setenv("MODELWRIGHT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(shards, "SPAN", 2000)
    monkeypatch.setattr(mapping, "PIECE", 3000)
    monkeypatch.setattr(mapping, "HEIGHT", 7)
    with tuned(Tuning(threads=1)):
        yield


def corpus(n: int, seed: int = 0) -> list[str]:
    dice = random.Random(seed)
    return [" ".join(dice.choices(WORDS, k=dice.randrange(1, 80))) for _ in range(n)]


@pytest.fixture
def folder(tmp_path) -> Path:
    made = tmp_path / "texts"
    made.mkdir()
    for place, text in enumerate(corpus(60)):
        (made / f"{place:03}.txt").write_text(text if place != 7 else "  \n", encoding="utf-8", newline="")
    return made


def rows_of(folder: Path) -> Rows:
    return data.read(Text(folder, documents=("*.txt",)))


def fitted(rows: Rows, longest: int = 24):
    return Documents(longest=longest).fit(lambda: iter([rows]))


def files(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


# --- texts --------------------------------------------------------------------------------------------------------------


@given(st.lists(st.none() | st.text(st.characters(codec="utf-8"), max_size=30), max_size=40))
@settings(max_examples=25, deadline=None)
def test_a_column_is_made_of_bytes_without_a_copy(texts):
    wanted = pl.Series("text", texts, dtype=pl.String)
    whole = wanted.fill_null("").str.join("").item() if texts else ""
    content = np.frombuffer(whole.encode(), np.uint8)
    ends = np.concatenate([[0], np.cumsum([len((text or "").encode()) for text in texts])]).astype(np.int64)
    there = np.packbits(np.array([text is not None for text in texts], bool), bitorder="little")
    found = arrow.texts("text", content, ends, there)
    assert found.equals(wanted, null_equal=True, check_names=True)
    some = found.gather([place for place in range(len(texts)) if place % 2])
    del found, content, ends, there
    gc.collect()
    assert some.to_list() == texts[1::2], "what polars holds does not go"
    del some
    gc.collect()
    assert not arrow._lent, "and what nobody holds goes"


@pytest.mark.parametrize("name", ["folder", "lines", "json"])
def test_mapped_rows_are_the_rows(folder, tmp_path, name):
    sources = {"folder": Text(folder, documents=("*.txt",)), "lines": Text(folder / "003.txt")}
    source = sources[name] if name in sources else JSON(_json(tmp_path), lines=("verses",))
    plain, told = data.read(source), list[tuple[int, int]]()
    found = mapping.mapped(source, lambda done, total: told.append((done, total)))
    assert found is not None
    assert found.columns.equals(plain.columns)
    assert np.array_equal(found.ids, plain.ids)
    assert data.fingerprint(found) == data.fingerprint(plain)
    assert told[-1][0] <= told[-1][1]
    picked = np.array([len(plain) - 1, 0])
    assert found.take(picked).columns.equals(plain.take(picked).columns)


def _json(tmp_path: Path) -> Path:
    path = tmp_path / "poems.json"
    path.write_text('[{"verses": ["a", "b"], "by": "x"}, {"verses": null, "by": ""}, {"by": "好"}]', encoding="utf-8")
    return path


def test_rows_are_written_once_and_again_where_the_source_or_the_cache_changed(folder, monkeypatch):
    source = Text(folder, documents=("*.txt",))
    mapping.mapped(source)
    written: list[Path] = []
    put = vault.put_file
    monkeypatch.setattr(vault, "put_file", lambda path, content: (written.append(path), put(path, content)))
    mapping.mapped(source)
    assert not written
    (folder / "003.txt").write_text("another text", encoding="utf-8")
    found = mapping.mapped(source)
    assert found is not None
    assert found.columns["text"][3] == "another text"
    assert written
    damaged = next(path for path in written if path.name.endswith(".0"))
    gc.collect()
    content = damaged.read_bytes()
    damaged.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    found = mapping.mapped(source)
    assert found is not None
    assert found.columns.equals(data.read(source).columns), "what is damaged is written again"


def test_what_is_no_text_is_not_mapped(tmp_path):
    pl.DataFrame({"text": ["a"], "n": [1]}).write_parquet(tmp_path / "a.parquet")
    assert mapping.mapped(Parquet(tmp_path / "a.parquet")) is None


def test_bytes_that_are_no_text_are_refused_by_file_and_line(folder):
    (folder / "030.txt").write_bytes(b"good\nbad \xff\xfe here\n")
    with pytest.raises(Refused, match=r"030\.txt, line 2: byte 0xff is not UTF-8"):
        mapping.mapped(Text(folder, documents=("*.txt",)))


# --- tokens -------------------------------------------------------------------------------------------------------------


def both(rows: Rows, positions: np.ndarray):
    codec = fitted(rows)
    return codec, shards.in_memory(codec, rows, positions), shards.on_disk(codec, rows, positions, "data", lambda *_: None)


def test_mapped_tokens_are_the_tokens(folder):
    rows = rows_of(folder)
    codec, (memory, dropped), (disk, gone) = both(rows, np.arange(5, 60))
    assert dropped == gone == 1
    assert memory.keys() == disk.keys()
    assert len(memory["row"]) > 2 * len(shards._spans(codec, rows, np.arange(5, 60))) > 8
    one, other = data.Feed(memory, 4, 0, 2), data.Feed(disk, 4, 0, 2)
    for step in range(one.steps_per_epoch + 2):
        for micro in (0, 1):
            mine, theirs = one.batch(step, micro), other.batch(step, micro)
            assert all(torch.equal(mine[name], theirs[name]) and mine[name].dtype == theirs[name].dtype for name in mine)
    assert data.counted(memory) == replace(data.counted(disk), filled=data.counted(memory).filled)


def test_no_token_is_lost_between_spans(folder):
    rows = rows_of(folder)
    codec, (memory, _), _ = both(rows, np.arange(60))
    pieces = data.without(*codec.encode(rows))[0]
    for name in ("inputs", "next"):
        assert torch.equal(memory[name][memory["mask"]].sort().values, pieces[name][pieces["mask"]].sort().values)
    assert int(memory["bytes"].sum()) == int(pieces["bytes"].sum())
    assert data.counted(memory).documents == 59


def test_a_part_without_a_row_and_rows_without_a_text(folder):
    rows = rows_of(folder)
    _, (memory, _), (disk, _) = both(rows, np.zeros(0, np.int64))
    assert len(memory["row"]) == len(disk["row"]) == 0
    codec = fitted(rows)
    blank, dropped = shards.on_disk(codec, rows, np.array([7]), "data", lambda *_: None)
    assert dropped == 1
    assert len(blank["row"]) == 0


def test_after_a_kill_it_goes_on_with_the_next_span(folder, tmp_path, monkeypatch):
    rows = rows_of(folder)
    positions = np.arange(60)
    codec, _, (whole, _) = both(rows, positions)
    spans = len(shards._spans(codec, rows, positions))
    wanted = files(tmp_path / "cache" / "tokens")
    monkeypatch.setenv("MODELWRIGHT_CACHE", str(tmp_path / "other"))
    seen: list[int] = []

    def told(done: int, total: int) -> None:
        seen.append(done)
        if done == 3 and len(seen) == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        shards.on_disk(codec, rows, positions, "data", told)
    assert len(list((tmp_path / "other").rglob("*.safetensors"))) == 2
    again, _ = shards.on_disk(codec, rows, positions, "data", told)
    assert seen == [1, 2, 3, *range(3, spans + 1)]
    assert files(tmp_path / "other" / "tokens") == wanted
    assert torch.equal(again["inputs"], whole["inputs"])
    seen.clear()
    shards.on_disk(codec, rows, positions, "data", told)
    assert not seen, "what is there is taken"


def test_damaged_tokens_are_made_again_and_other_rows_lie_elsewhere(folder, tmp_path):
    rows = rows_of(folder)
    codec, _, (whole, _) = both(rows, np.arange(60))
    before = whole["inputs"].clone()
    path = next((tmp_path / "cache" / "tokens").rglob("inputs"))
    del whole
    gc.collect()
    content = bytearray(path.read_bytes())
    content[100] ^= 1
    path.write_bytes(content)
    again, _ = shards.on_disk(codec, rows, np.arange(60), "data", lambda *_: None)
    assert torch.equal(again["inputs"], before)
    for other in (
        lambda: shards.on_disk(codec, rows, np.arange(59), "data", lambda *_: None),
        lambda: shards.on_disk(codec, rows, np.arange(60), "other data", lambda *_: None),
        lambda: shards.on_disk(fitted(rows, 25), rows, np.arange(60), "data", lambda *_: None),
    ):
        count = len(list((tmp_path / "cache" / "tokens").iterdir()))
        other()
        assert len(list((tmp_path / "cache" / "tokens").iterdir())) == count + 1


# --- the life -----------------------------------------------------------------------------------------------------------

ORDER = """
[data]
kind = "text"
path = "texts"
documents = ["*.txt"]
[check]
accept = ["missing"]
[codec]
kind = "documents"
longest = 24
[model]
kind = "decoder"
depth = 1
width = 16
[training]
epochs = 2
batch = 8
[machine]
threads = 1
"""


def test_a_life_of_mapped_texts_is_the_life_in_memory(folder, tmp_path):
    (tmp_path / "order.toml").write_text(ORDER, encoding="utf-8")
    notes: list[Note] = []
    lived = [
        life.run(
            open_recipe(tmp_path / "order.toml", ["protection.sign=false", f"machine.mapped={word}"]),
            RunFolder(tmp_path / word),
            watch=notes.append,
        )
        for word in ("true", "false")
    ]
    one, other = ([(score.name, score.value, score.low, score.high) for score in each.scores] for each in lived)
    assert one == other
    mine, theirs = (each.artifact.module.state_dict() for each in lived)
    assert all(torch.equal(mine[name], theirs[name]) for name in mine)
    assert {path.name for path in (tmp_path / "cache").iterdir()} >= {"rows", "tokens"}
    assert any(note.stage == "encode" and note.done == note.total > 1 for note in notes)
    assert any(note.stage == "check" and note.total for note in notes)
