"""Artifacts of older releases are loaded for ever, and answer as they did."""

from pathlib import Path

import polars as pl
import pytest

from modelwright import shelf, using

RELEASES = sorted(folder for folder in (Path(__file__).parent / "golden" / "artifacts").iterdir() if folder.is_dir())


def test_there_is_one_for_this_release():
    assert "0.1" in {folder.name for folder in RELEASES}


@pytest.mark.parametrize("release", RELEASES, ids=lambda folder: folder.name)
def test_an_old_artifact_answers_as_it_did(release, tmp_path):
    artifact = shelf.take(release / "artifact")
    assert using.predict(artifact, release / "asked.csv", tmp_path / "answers.csv") == using.Predicted(30, 0, 0)
    found, wanted = pl.read_csv(tmp_path / "answers.csv"), pl.read_csv(release / "answers.csv")
    assert found.drop("probability").equals(wanted.drop("probability"))
    assert (found["probability"] - wanted["probability"]).abs().max() <= 1e-6 + 2e-6 and len(set(found["answer"])) == 2


@pytest.mark.parametrize("release", RELEASES, ids=lambda folder: folder.name)
def test_an_old_artifact_is_verified_with_its_scores(release):
    verdict = using.verify(shelf.take(release / "artifact"), release.parent / "rows.csv")
    assert verdict.recomputed and verdict.kept and len(verdict.pairs) == 3
