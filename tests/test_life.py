"""One small model lives its whole life: rows in, a judged artifact out, and the same answers wherever they are asked for."""

import json
import math
import re
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch
from sklearn.metrics import accuracy_score, f1_score

from modelwright import data, evaluation, life, shelf, using, vault
from modelwright.folder import RunFolder
from modelwright.nouns import Refused
from modelwright.recipe import open_recipe

DIGITS = {
    "data": {"kind": "bundled", "name": "digits"},
    "codec": {"kind": "columns", "label": "target"},
    "model": {"kind": "mlp", "widths": [32], "dropout": 0.1},
    "training": {"epochs": 8, "batch": 64, "optimizer": {"kind": "adam", "rate": 0.005}},
}


def lead(tree, folder: Path, **opening) -> life.Lived:
    return life.run(open_recipe(tree), RunFolder(folder), life.Opening(**opening))


@pytest.fixture(scope="module")
def lived(tmp_path_factory):
    return lead(DIGITS, tmp_path_factory.mktemp("lives") / "digits")


def test_it_learns_and_beats_the_majority_by_far(lived):
    accuracy = lived.scores[0]
    assert accuracy.name == "accuracy" and accuracy.n == 270
    assert accuracy.low < accuracy.value < accuracy.high and accuracy.value > 0.9
    assert lived.baselines["majority"][0].high < 0.2 < lived.baselines["linear"][0].value


def test_its_folder_holds_what_experience_promises(lived):
    names = {entry.name for entry in lived.folder.path.iterdir() if not entry.name.startswith(".")}
    assert names == {"recipe.toml", "run.json", "journal.jsonl", "snapshots", "artifact", "answers.parquet", "report.html"}
    events = [json.loads(line) for line in vault.read_lines(lived.folder.journal)]
    assert [event["epoch"] for event in events if event["event"] == "epoch"] == list(range(8))
    assert all(
        math.isfinite(event["loss"]) and math.isfinite(event["validation"]) for event in events if event["event"] == "epoch"
    )


def test_the_artifact_is_a_closed_folder_without_pickle(lived):
    files = {file.name for file in lived.folder.artifact.iterdir()}
    assert files == {"label.json", "weights.safetensors", "codec.safetensors", "rows.safetensors", "README.md", "manifest.json",
                     "signature.json"}  # fmt: skip
    for file in lived.folder.artifact.iterdir():
        assert not file.read_bytes().startswith((b"\x80\x04", b"\x80\x05", b"PK"))


def test_the_artifact_answers_as_the_evaluation_did_however_rows_are_batched(lived):
    taken = shelf.take(lived.folder.artifact)
    rows = data.read(open_recipe(DIGITS).data)
    test = rows.take(np.flatnonzero(np.isin(rows.ids, taken.rows["test"])))
    whole = evaluation.answer_rows(taken.module, taken.codec, test).frame
    label, answer = whole["label"].to_list(), whole["answer"].to_list()
    assert accuracy_score(label, answer) == pytest.approx(lived.scores[0].value, abs=1e-12)
    assert f1_score(label, answer, average="macro") == pytest.approx(lived.scores[1].value, abs=1e-12)
    for batch in (1, 7, 270):
        other = evaluation.answer_rows(taken.module, taken.codec, test, batch).frame
        assert other["answer"].to_list() == answer and other["row"].to_list() == whole["row"].to_list()
        apart = np.abs(other["chances"].to_numpy() - whole["chances"].to_numpy())
        assert apart.max() <= 1e-6 + 2e-6


def test_its_measured_tolerance_is_within_the_stated_one(lived):
    assert 0 <= lived.artifact.tolerance["float32"] <= 2e-6


def test_predict_streams_any_source_into_any_format(lived, tmp_path):
    rows = data.read(open_recipe(DIGITS).data).columns.drop("target").head(50)
    rows.write_csv(tmp_path / "rows.csv")
    rows.write_ndjson(tmp_path / "rows.jsonl")
    rows.write_parquet(tmp_path / "rows.parquet")
    readers = {"csv": pl.read_csv, "jsonl": pl.read_ndjson, "parquet": pl.read_parquet}
    found = []
    for given in readers:
        for wanted, read in readers.items():
            out = tmp_path / f"{given}.{wanted}"
            assert using.predict(lived.artifact, tmp_path / f"rows.{given}", out) == using.Predicted(50, 0, 0)
            found.append(read(out).select(pl.col("row"), pl.col("answer").cast(pl.String)))
    assert all(frame.equals(found[0]) for frame in found) and found[0]["row"].to_list() == list(range(50))


def test_a_faulty_row_answers_with_its_fault_and_the_others_go_on(lived, tmp_path):
    rows = data.read(open_recipe(DIGITS).data).columns.drop("target").head(6).cast(pl.String)
    good = evaluation.plain(evaluation.answer_rows(lived.artifact.module, lived.artifact.codec, data.read(data.Frame(rows))))
    spoiled = rows.with_columns(pl.when(pl.int_range(6) == 3).then(pl.lit("oops")).otherwise("pixel_2_2").alias("pixel_2_2"))
    spoiled.write_csv(tmp_path / "rows.csv")
    assert using.predict(lived.artifact, tmp_path / "rows.csv", tmp_path / "a.jsonl") == using.Predicted(6, 1, 0)
    answers = pl.read_ndjson(tmp_path / "a.jsonl")
    assert answers["answer"][3] is None and "oops" in answers["fault"][3]
    assert answers["answer"].to_list()[:3] == good["answer"].to_list()[:3] and answers["fault"].null_count() == 5


def test_verify_recomputes_every_score(lived):
    verdict = using.verify(shelf.take(lived.folder.artifact), None)
    assert (
        verdict.recomputed and verdict.kept and {was.name for was, _ in verdict.pairs} == {"accuracy", "f1_macro", "log_loss"}
    )


def test_verify_sees_a_claim_that_is_not_kept(lived):
    import dataclasses

    taken = shelf.take(lived.folder.artifact)
    boast = dataclasses.replace(taken.scores[0], value=taken.scores[0].value + 0.004)
    verdict = using.verify(dataclasses.replace(taken, scores=(boast, *taken.scores[1:])), None)
    assert verdict.recomputed and not verdict.kept


def test_a_repeated_run_is_reused_and_trains_nothing(lived):
    before = vault.read_lines(lived.folder.journal)
    again = lead(DIGITS, lived.folder.path)
    assert again.reused and again.scores == lived.scores and vault.read_lines(lived.folder.journal) == before
    assert again.baselines == lived.baselines and again.ledger == lived.ledger


def test_another_recipe_or_a_strangers_folder_is_refused(lived, tmp_path):
    with pytest.raises(Refused, match="another recipe"):
        lead({**DIGITS, "seed": 5}, lived.folder.path)
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(Refused, match=re.escape("notes.txt")):
        lead(DIGITS, tmp_path)
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_an_unfinished_run_says_resume_and_goes_on_to_the_same_weights(lived, tmp_path):
    asked = iter([False] * 60 + [True] * 1000)
    with pytest.raises(KeyboardInterrupt):
        lead(DIGITS, tmp_path / "r", stop=lambda: next(asked))
    with pytest.raises(Refused, match="--resume"):
        lead(DIGITS, tmp_path / "r")
    again = lead(DIGITS, tmp_path / "r", resume=True)
    events = [json.loads(line) for line in vault.read_lines(again.folder.journal)]
    assert [event["step"] for event in events if event["event"] == "resume"] == [61]
    ours, theirs = again.artifact.module.state_dict(), lived.artifact.module.state_dict()
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)


def test_fresh_begins_again(lived, tmp_path):
    lead(DIGITS, tmp_path / "r")
    other = lead({**DIGITS, "seed": 5}, tmp_path / "r", fresh=True)
    assert not other.reused and "seed = 5" in other.folder.recipe.read_text()


def test_data_that_changed_under_a_finished_run_is_refused(tmp_path):
    path = tmp_path / "rows.csv"
    lines = [f"{i % 7},{i % 3},{'yes' if i % 2 else 'no'}" for i in range(120)]
    path.write_text("a,b,label\n" + "\n".join(lines))
    tree = {**DIGITS, "data": {"kind": "csv", "path": str(path)}, "codec": {"kind": "columns", "label": "label"},
            "check": {"accept": ["leak", "contradiction"]}}  # fmt: skip
    lead(tree, tmp_path / "r")
    path.write_text("a,b,label\n" + "\n".join([*lines, "1,1,no"]))
    with pytest.raises(Refused, match="other data"):
        lead(tree, tmp_path / "r")


def test_no_row_of_the_user_lies_in_the_artifact(tmp_path):
    generator = np.random.default_rng(0)
    numbers = generator.normal(size=(200, 2)).round(9)
    path = tmp_path / "rows.csv"
    path.write_text("a,b,label\n" + "\n".join(f"{a:.9f},{b:.9f},{'yes' if a > 0 else 'no'}" for a, b in numbers))
    tree = {**DIGITS, "data": {"kind": "csv", "path": str(path)}, "codec": {"kind": "columns", "label": "label"}}
    lived = lead(tree, tmp_path / "r")
    content = b"".join(file.read_bytes() for file in lived.folder.artifact.iterdir())
    assert str(tmp_path).encode() not in content
    for value in numbers.flatten():
        assert f"{value:.9f}".encode() not in content and np.float64(value).tobytes() not in content
        assert np.float32(value).tobytes() not in content or abs(value) < 1e-6


def test_a_grave_finding_stops_the_life_before_training(tmp_path):
    path = tmp_path / "rows.csv"
    path.write_text("a,b,label\n" + "\n".join(f"{i},{'x?' if i == 17 else i * 2},{i % 2}" for i in range(100)))
    tree = {**DIGITS, "data": {"kind": "csv", "path": str(path)}, "codec": {"kind": "columns", "label": "label"}}
    with pytest.raises(Refused, match=r"x\?") as refusal:
        lead(tree, tmp_path / "r")
    assert "unparsable" in str(refusal.value) and not (tmp_path / "r" / "snapshots").exists()
