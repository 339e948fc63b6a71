"""Runs that begin with a base, killed for real and led by two processes: beside it, rounded, in four bits, in part, later."""

from __future__ import annotations

import pytest

from modelwright import life, proving
from modelwright.folder import RunFolder
from modelwright.recipe import Recipe, open_recipe

WAYS = {
    "beside": {"lora": {"rank": 4}},
    "beside bfloat16": {"lora": {"rank": 4, "stored": "bfloat16"}},
    "beside four bits": {"lora": {"rank": 4, "stored": "nf4"}},
    "in part": {"train": ["heads", "hidden.2"]},
    "later": {"train": ["heads"], "unfreeze": [{"after": 10, "train": ["hidden.2"]}, {"after": 20, "train": ["hidden.0"]}]},
}
KILLS = 4


@pytest.fixture(scope="module")
def base(tmp_path_factory) -> str:
    folder = RunFolder(tmp_path_factory.mktemp("base") / "run")
    life.run(ordered({"kind": "mlp", "widths": [128, 64]}, epochs=2), folder)
    return str(folder.path / "artifact")


def ordered(model: dict[str, object], epochs: int) -> Recipe:
    return open_recipe({
        "format": 1, "data": {"kind": "bundled", "name": "digits"}, "codec": {"kind": "columns", "label": "target"},
        "model": model, "training": {"epochs": epochs, "batch": 32}, "machine": {"device": "cpu", "threads": 1},
        "evaluation": {"baselines": False}, "explanation": {"mistakes": 0},
    })  # fmt: skip


@pytest.mark.long
@pytest.mark.parametrize("way", WAYS)
def test_killed_and_resumed_it_has_the_same_weights(base, way):
    proof = proving.resume(ordered({"kind": "base", "artifact": base, **WAYS[way]}, epochs=60), KILLS)
    assert proof.holds, proof
    assert proof.resumed >= 2


@pytest.mark.long
@pytest.mark.parametrize("way", WAYS)
def test_two_processes_learn_what_one_does(base, way):
    proof = proving.parity(ordered({"kind": "base", "artifact": base, **WAYS[way]}, epochs=24))
    assert proof.holds, proof
    assert proof.epochs == 24
