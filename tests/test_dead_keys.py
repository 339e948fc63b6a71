"""No key of a recipe is dead: each changes something that can be seen, and the table that says what is complete."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import pytest

from dead_keys.bases import BASES
from dead_keys.observing import observe
from dead_keys.rows import write_all
from dead_keys.table import TABLE, Change, change
from modelwright import models
from modelwright.nouns import Cells, Count, Port
from modelwright.reader import schema
from modelwright.recipe import Recipe


def keys(extra: tuple[type, ...] = ()) -> set[tuple[str, str]]:
    """Every (kind, key) of the recipe's schema. "kind" itself is the value of the key above it."""
    drawn = schema(Recipe, extra)
    tables: dict[str, Any] = {"": drawn, **drawn["$defs"]}
    return {(name, key) for name, table in tables.items() for key in table["properties"] if key != "kind"}


def missing(extra: tuple[type, ...] = ()) -> set[tuple[str, str]]:
    return keys(extra) - {(name, key) for name, row in TABLE.items() for key in row}


def alive(entry: Change, folder: Path, extra: tuple[type, ...] = ()) -> bool:
    """Whether the change can be seen."""
    start = observe(entry.seen, BASES[entry.base], entry.before, folder / "a", extra)
    return start != observe(entry.seen, BASES[entry.base], (*entry.before, *entry.after), folder / "b", extra)


@pytest.fixture(scope="session")
def rows(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("rows")
    write_all(folder)
    return folder


@pytest.fixture(autouse=True)
def here(rows, tmp_path, monkeypatch) -> None:
    """Paths of the small recipes start at the small data; nothing is kept in the user's cache."""
    monkeypatch.chdir(rows)
    monkeypatch.setenv("MODELWRIGHT_CACHE", str(tmp_path / "cache"))


def test_the_table_names_every_key():
    assert missing() == set()


def test_the_table_names_no_key_that_is_gone():
    assert {(name, key) for name, row in TABLE.items() for key in row} - keys() == set()
    assert set(TABLE) - {""} == set(schema(Recipe)["$defs"])


@pytest.mark.parametrize(("name", "key"), [(name, key) for name, row in TABLE.items() for key in row])
def test_a_key_is_alive(name, key, tmp_path):
    assert alive(TABLE[name][key], tmp_path), f"{name}.{key} changes nothing"


@pytest.mark.parametrize("base", BASES)
def test_what_is_seen_is_the_same_every_time(base, tmp_path):
    """Otherwise everything would seem alive."""
    assert not alive(Change("answer", base, ()), tmp_path)


@dataclass(frozen=True)
class Planted:
    """A family with a key that nothing reads."""

    room: ClassVar[str] = "model"
    accepts: ClassVar[tuple[type, ...]] = (Cells,)
    width: Count = 4
    unread: Count = 1

    def build(self, reads: tuple[Port, ...], writes: tuple[Port, ...]):
        return models.MLP((self.width,)).build(reads, writes)


def test_a_planted_dead_key_is_missed_in_the_table_and_found_dead(tmp_path):
    assert {key for _, key in missing((Planted,))} == {"width", "unread"}
    before = ("model={kind = 'planted'}",)
    assert alive(change("module", "csv", "model.width=5", before=before), tmp_path, (Planted,))
    for place, seen in enumerate(("batch", "module", "step", "answer", "file")):
        entry = change(seen, "csv", "model.unread=7", before=before)
        assert not alive(entry, tmp_path / str(place), (Planted,)), seen
