"""docs/models.md is run: its family conforms, learns, answers and is refused as the page says."""

from __future__ import annotations

import importlib
import re
import sys
from pathlib import Path

import pytest

from modelwright import data, shelf
from modelwright.__main__ import main
from modelwright.recipe import open_recipe
from modelwright.testing import conforms

PAGE = Path(__file__).parent.parent / "docs" / "models.md"
KINDS = ["--kinds", "mypackage.nets"]


def blocks() -> dict[str, str]:
    """The page's code by the name in its first line."""
    return dict(re.findall(r"```(?:python|toml)\n# (\S+)\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL))


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A working folder with the page's package and recipe; the package is forgotten afterwards."""
    (tmp_path / "mypackage").mkdir()
    (tmp_path / "mypackage" / "nets.py").write_text(blocks()["nets.py"], encoding="utf-8")
    (tmp_path / "mine.toml").write_text(blocks()["mine.toml"], encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    importlib.invalidate_caches()
    yield tmp_path
    for name in ("mypackage.nets", "mypackage"):
        sys.modules.pop(name, None)


def test_the_test_of_the_page(here, monkeypatch):
    monkeypatch.syspath_prepend(str(here))
    names: dict = {}
    exec(compile(blocks()["test_nets.py"], "test_nets.py", "exec"), names)
    names["test_residual"]()


def test_the_test_of_the_page_can_fail(here, monkeypatch):
    monkeypatch.syspath_prepend(str(here))
    wrong = blocks()["nets.py"].replace("x = x + torch.relu(block(x))", "x = x + torch.relu(block(x)).mean(0)")
    (here / "mypackage" / "nets.py").write_text(wrong, encoding="utf-8")
    with pytest.raises(AssertionError, match="rows around a row"):
        conforms(importlib.import_module("mypackage.nets").Residual)


def test_its_whole_life_from_the_command_line(here, capsys):
    assert main([*KINDS, "run", "mine.toml", "--quiet"]) == 0
    rows = data.read(open_recipe("digits", ['data.name="iris"']).data).columns.drop("target").head(3)
    rows.write_csv("new.csv")
    ask = ["predict", "runs/mine/artifact", "new.csv", "-o", "answers.csv", "--quiet"]
    assert main(ask) == 2
    assert "--kinds mypackage.nets" in capsys.readouterr().err
    assert main([*KINDS, *ask]) == 0
    assert len((here / "answers.csv").read_text(encoding="utf-8").splitlines()) == 4
    family = importlib.import_module("mypackage.nets").Residual
    artifact = shelf.take(here / "runs" / "mine" / "artifact", (family,))
    assert artifact.family == family(width=16, blocks=3)
    assert next(score for score in artifact.scores if score.name == "accuracy").value > 0.8


def test_a_property_of_it_is_proved_by_processes_that_know_it_too(here, capsys):
    """Runs of their own read the recipe anew; so short a one may end before anybody kills it, and then nothing is proved."""
    code = main([*KINDS, "prove", "resume", "mine.toml", "--kills", "1", "--set", "training.epochs=1"])
    told = "".join(capsys.readouterr())
    assert (code, "Nothing proved" in told) in ((0, False), (1, True)), told


def test_a_wrong_width_is_refused(here, capsys):
    assert main([*KINDS, "show", "mine.toml", "--set", "model.width=0"]) == 2
    assert "model.width" in capsys.readouterr().err
