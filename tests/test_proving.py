"""A property proved on this machine with the user's own recipe: killed and resumed, the same weights."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from modelwright import proving
from modelwright.folder import RunFolder
from modelwright.nouns import Refused
from modelwright.proving import Proof


def test_a_proof_holds_only_if_training_really_went_on_and_the_weights_are_the_same():
    whole = Proof(kills=5, resumed=4, undisturbed="a" * 64, disturbed="a" * 64)
    assert whole.holds
    assert whole.sentence() == "Proved: 5 kills, 4 resumed from a snapshot, weights identical bit for bit (aaaaaaaaaaaa)."
    other = replace(whole, disturbed="b" * 64)
    assert not other.holds
    assert other.sentence() == "Not kept: after 5 kills the weights differ (aaaaaaaaaaaa and bbbbbbbbbbbb)."
    for empty in (replace(whole, resumed=0), replace(whole, kills=0, resumed=0)):
        assert not empty.holds
        assert empty.sentence().startswith("Nothing proved")


def test_a_journal_tells_how_often_a_run_began(tmp_path):
    folder = RunFolder(tmp_path / "run")
    assert proving._times(folder, "train") == []
    folder.note("train", step=0)
    folder.note("resume", step=3)
    folder.note("epoch", event_like='"event": "resume"')
    assert [len(proving._times(folder, *events)) for events in (("train",), ("resume",), ("train", "resume"))] == [1, 1, 2]
    with folder.journal.open("ab") as file:
        file.write(b'{"event": "resume", "ti')  # a kill in the middle of a line
    assert len(proving._times(folder, "resume")) == 1
    assert 0 <= proving._learning(folder) < 10


def test_a_recipe_that_does_not_run_is_told_as_it_is(tmp_path):
    order = tmp_path / "recipe.toml"
    order.write_text("format = 1\n", encoding="utf-8")
    with pytest.raises(Refused, match="does not run by itself"):
        proving._lead(order, RunFolder(tmp_path / "run"))


@pytest.mark.long
def test_digits_killed_and_resumed_has_the_same_weights():
    from modelwright.recipe import open_recipe

    recipe = open_recipe(Path(__file__).parents[1] / "recipes" / "digits.toml")
    told: list[str] = []
    proof = proving.resume(recipe, 4, told.append)
    assert proof.holds, proof
    assert proof.resumed >= 2
    assert len(told) == 5
