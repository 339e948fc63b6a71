"""A property proved on this machine with the user's own recipe: killed and resumed, the same weights."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from modelwright import proving
from modelwright.folder import RunFolder
from modelwright.nouns import Refused, Tuning
from modelwright.proving import Parity, Proof, leading, processes, resuming


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
    assert resuming._times(folder, "train") == []
    folder.note("train", step=0)
    folder.note("resume", step=3)
    folder.note("epoch", event_like='"event": "resume"')
    assert [len(resuming._times(folder, *events)) for events in (("train",), ("resume",), ("train", "resume"))] == [1, 1, 2]
    with folder.journal.open("ab") as file:
        file.write(b'{"event": "resume", "ti')  # a kill in the middle of a line
    assert len(resuming._times(folder, "resume")) == 1
    assert 0 <= resuming._learning(folder) < 10


def test_a_recipe_that_does_not_run_is_told_as_it_is(tmp_path):
    order = leading.Order(tmp_path / "recipe.toml")
    order.recipe.write_text("format = 1\n", encoding="utf-8")
    with pytest.raises(Refused, match="does not run by itself"):
        leading.lead(leading.command("run", order, RunFolder(tmp_path / "run")))


@pytest.mark.long
def test_digits_killed_and_resumed_has_the_same_weights():
    from modelwright.recipe import open_recipe

    recipe = open_recipe(Path(__file__).parents[1] / "recipes" / "digits.toml")
    told: list[str] = []
    proof = proving.resume(recipe, 4, told.append)
    assert proof.holds, proof
    assert proof.resumed >= 2
    assert len(told) == 5


def test_parity_is_bit_for_bit_or_says_how_far_off():
    kept = Parity(epochs=3, loss=0.0, norm=0.0, weights=0.0, same_tuning=True)
    assert kept.holds and kept.sentence().startswith("Proved: after 3 epochs")
    for off in (replace(kept, loss=1e-9), replace(kept, norm=1e-9), replace(kept, weights=1e-9), replace(kept, epochs=0)):
        assert not off.holds
    off = replace(kept, weights=0.00125, same_tuning=False)
    assert off.sentence() == (
        "Not kept: after 3 epochs losses are apart by up to 0, gradient norms by 0, weights by 0.00125. "
        "The two were tuned differently on this machine: try again."
    )


def test_what_two_trainings_left_is_compared_to_the_last_bit():
    history = [{"loss": 1.0, "norm": 2.0}, {"loss": float("nan"), "norm": 2.5}]
    one = processes._Learned(history, Tuning(), {"w": torch.tensor([1.0, 2.0])})
    two = processes._Learned(history, Tuning(processes=2, tried=3), {"w": torch.tensor([1.0, 2.0])})
    assert processes.compared(one, two) == Parity(2, 0.0, 0.0, 0.0, True)
    near = replace(two, weights={"w": torch.tensor([1.0, 2.0]).nextafter(torch.tensor(3.0))})
    assert 0 < processes.compared(one, near).weights < 1e-6 and not processes.compared(one, near).holds
    assert processes.compared(one, replace(two, history=history[:1])).epochs == 0
    louder = [{"loss": 1.0, "norm": 2.0}, {"loss": float("nan"), "norm": 2.75}]
    assert processes.compared(one, replace(two, history=louder)).norm == 0.25
    assert not processes.compared(one, replace(two, tuning=Tuning(threads=2, processes=2))).same_tuning


@pytest.mark.long
@pytest.mark.parametrize("recipe", ["digits"])
def test_digits_on_two_processes_is_digits_on_one(recipe):
    from modelwright.recipe import open_recipe

    proof = proving.parity(open_recipe(recipe, ["training.epochs=5"]))
    assert proof.holds, proof
