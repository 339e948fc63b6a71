"""The course of training in TensorBoard's own files: what tensorboard reads is what the journal says, each epoch once."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from modelwright import learning, life, vault
from modelwright.folder import RunFolder
from modelwright.nouns import Refused
from modelwright.recipe import open_recipe
from modelwright.report import scalars

IRIS = {
    "data": {"kind": "bundled", "name": "iris"},
    "codec": {"kind": "columns", "label": "target"},
    "model": {"kind": "linear"},
    "training": {"epochs": 6, "batch": 16, "optimizer": {"kind": "adam", "rate": 0.01}},
    "report": {"tensorboard": True},
}
TAGS = {
    "loss/training": "loss",
    "loss/validation": "validation",
    "accuracy/validation": "score",
    "training/rate": "rate",
    "training/norm": "norm",
}


def lead(tree, folder: Path, **opening) -> life.Lived:
    return life.run(open_recipe(tree), RunFolder(folder), life.Opening(**opening))


def read(folder: Path) -> EventAccumulator:
    return EventAccumulator(str(RunFolder(folder).scalars.parent)).Reload()


def journal(folder: Path) -> list[dict]:
    events = [json.loads(line) for line in vault.read_lines(RunFolder(folder).journal)]
    return [event for event in events if event["event"] == "epoch"]


def test_tensorboard_reads_what_the_journal_says(tmp_path):
    lead(IRIS, tmp_path / "r")
    found, told = read(tmp_path / "r"), journal(tmp_path / "r")
    assert set(found.Tags()["scalars"]) == set(TAGS)
    for tag, name in TAGS.items():
        events = found.Scalars(tag)
        assert [event.step for event in events] == [1, 2, 3, 4, 5, 6]
        assert [event.value for event in events] == pytest.approx([entry[name] for entry in told], rel=1e-6)
        assert [event.wall_time for event in events] == [entry["time"] for entry in told]


def test_a_resumed_run_says_each_epoch_once(tmp_path, monkeypatch):
    monkeypatch.setattr(learning, "DRAWN_EVERY", 0.0)
    asked = iter([False] * 20 + [True] * 1000)
    with pytest.raises(KeyboardInterrupt):
        lead(IRIS, tmp_path / "r", stop=lambda: next(asked))
    before = read(tmp_path / "r").Scalars("loss/training")
    assert 0 < len(before) < 6
    begun = RunFolder(tmp_path / "r").scalars.read_bytes()
    lead(IRIS, tmp_path / "r", resume=True)
    after = read(tmp_path / "r").Scalars("loss/training")
    assert [event.step for event in after] == [1, 2, 3, 4, 5, 6] and after[: len(before)] == before
    assert RunFolder(tmp_path / "r").scalars.read_bytes().startswith(begun)  # so TensorBoard may go on reading it
    whole = lead(IRIS, tmp_path / "whole")
    assert [event.value for event in read(whole.folder.path).Scalars("loss/training")] == [event.value for event in after]


def test_epochs_that_were_done_twice_count_once(tmp_path):
    """A kill between two snapshots: the journal has an epoch twice, the history once."""
    folder = RunFolder(tmp_path)
    for epoch in (0, 1, 2, 1):
        folder.note("epoch", epoch=epoch, loss=0.5)
    times = folder.times()
    assert sorted(times) == [0, 1, 2] and times[1] >= times[2]
    folder_of_events = tmp_path / "tensorboard"
    vault.put_file(folder.scalars, scalars.scalars([{"epoch": 0, "loss": 1.0}, {"epoch": 1, "loss": 0.5}], times, "accuracy"))
    found = EventAccumulator(str(folder_of_events)).Reload().Scalars("loss/training")
    assert [(event.step, event.value) for event in found] == [(1, 1.0), (2, 0.5)]


def test_without_the_order_there_is_none_and_fresh_takes_it_away(tmp_path):
    lead(IRIS, tmp_path / "r")
    assert (tmp_path / "r" / "tensorboard").is_dir()
    lead({**IRIS, "report": {}}, tmp_path / "r", fresh=True)
    assert not (tmp_path / "r" / "tensorboard").exists()


def test_without_the_extra_it_is_refused_before_anything_happens(tmp_path, monkeypatch):
    monkeypatch.setattr(scalars, "find_spec", lambda name: None)
    with pytest.raises(Refused, match=r'pip install "modelwright\[tensorboard\]"'):
        lead(IRIS, tmp_path / "r")
    assert not (tmp_path / "r" / "journal.jsonl").exists() and not (tmp_path / "r" / "recipe.toml").exists()
