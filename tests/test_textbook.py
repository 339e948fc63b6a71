"""docs/textbook.md is run: its programs show the faults it tells of, its recipes do not, and every key of its table is one."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from modelwright import shelf
from modelwright.__main__ import main
from modelwright.reader.toml import loads
from modelwright.recipe import expanded, open_recipe

PAGE = Path(__file__).parent.parent / "docs" / "textbook.md"


def blocks() -> dict[str, str]:
    """The page's code by the name in its first line."""
    found = re.findall(r"```(?:python|toml)\n# (\S+)\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    return dict(found)


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def ran(name: str) -> dict:
    """What a program of the page leaves behind; its files lie in the working folder."""
    names: dict = {}
    exec(compile(blocks()[name], name, "exec"), names)
    return names


def ordered(here: Path, name: str):
    """The recipe of the page is run by its command; what it left on the shelf."""
    (here / f"{name}.toml").write_text(blocks()[f"{name}.toml"], encoding="utf-8")
    quick = ["--set", "machine.device='cpu'", "--set", "machine.threads=1", "--set", "machine.compiled=false"]
    assert main(["run", f"{name}.toml", "--quiet", *quick]) == 0
    return shelf.take(here / "runs" / name / "artifact")


# --- the LSTM of two sentences --------------------------------------------------------------------------------------------


def test_the_faults_of_the_two_sentences_are_there():
    """Its lines up to the network are run as they stand; the network by what argmax does to any column of chances."""
    import numpy as np

    lines = blocks()["keras"].splitlines()
    names: dict = {"np": np}
    with pytest.raises(KeyError, match="terrible"):
        exec("\n".join(lines[:3]), names)
    names["word_index"]["terrible"] = 5
    with pytest.raises(ValueError, match="inhomogeneous"):
        exec(lines[2], names)
    names["model"] = type("Sure", (), {"predict": lambda self, x: np.array([[0.99], [0.01]])})()
    names["X"], said = None, []
    exec("\n".join(lines[8:]), {**names, "print": said.append})
    assert said == [["I"]]


def test_ours_answers_words_it_never_saw_and_texts_of_any_length(here):
    ran("sentences.py")
    artifact = ordered(here, "sentences")
    accuracy = next(score for score in artifact.scores if score.name == "accuracy")
    assert accuracy.value == 1 and accuracy.n >= 15 and accuracy.low < 0.9, "and 18 rows prove no more than this"
    texts = ["I love this movie", "I hate this terrible movie", "we enjoy it", "they regret this very very long zebra of a day"]
    pl.DataFrame({"text": texts}).write_csv("new.csv")
    assert main(["predict", "runs/sentences/artifact", "new.csv", "-o", "answers.csv", "--quiet"]) == 0
    assert pl.read_csv("answers.csv")["answer"].to_list() == ["good", "bad", "good", "bad"]


# --- the network for a CSV --------------------------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_a_coin_is_known_by_heart_there_and_a_coin_here(here):
    assert ran("coin.py")["accuracy"] == 1.0
    artifact = ordered(here, "coin")
    accuracy = next(score for score in artifact.scores if score.name == "accuracy")
    assert accuracy.low < 0.5 < accuracy.high and accuracy.value < 0.75


def test_without_a_label_the_recipe_is_refused(here, capsys):
    ran_without = blocks()["coin.toml"].replace('label = "coin"\n', "")
    (here / "coin.toml").write_text(ran_without, encoding="utf-8")
    assert main(["run", "coin.toml"]) == 2
    assert "codec.label" in capsys.readouterr().err


# --- the mean that is half a sum --------------------------------------------------------------------------------------------


def test_half_a_sum_grows_with_the_rows():
    names = ran("half.py")
    assert (names["small"], names["large"]) == (5, 500)


# --- the table --------------------------------------------------------------------------------------------------------------


def keys() -> list[str]:
    """The recipe lines of the table, remarks included."""
    table = PAGE.read_text(encoding="utf-8").split("## From a line of Keras")[1]
    return [line for line in re.findall(r"`([^`]+)`", table) if re.match(r"[a-z_.]+ = ", line)]


def joined(base: Any, more: Any) -> Any:
    """The tree with another laid over it."""
    if not (isinstance(base, dict) and isinstance(more, dict)):
        return more
    return {**base, **{key: joined(base.get(key), value) for key, value in more.items()}}


def holds(whole: Any, part: Any) -> bool:
    """Whether each key of a part stands in the whole with its value."""
    if isinstance(part, dict):
        return all(key in whole and holds(whole[key], value) for key, value in part.items())
    if isinstance(part, list):
        return len(whole) == len(part) and all(holds(a, b) for a, b in zip(whole, part))
    return whole == part


@pytest.mark.parametrize("line", keys())
def test_every_key_of_the_table_is_one(line):
    """Laid into a whole recipe it is read, and stands in the recipe that is written out."""
    order = loads(line)
    codec = "pictures" if "cnn" in line or "augmentation" in line else "words" if "lstm" in line else "columns"
    base = {"data": {"kind": "csv", "path": "rows.csv"}, "codec": {"kind": codec, "label": "y"}, "model": {"kind": "mlp"}}
    if codec == "words":
        base["model"] = {"kind": "lstm"}
    tree = joined({**base, "training": {"epochs": 1}}, order)
    assert holds(expanded(open_recipe(tree)), order)


def test_the_table_has_keys_and_says_what_is_not_there():
    table = PAGE.read_text(encoding="utf-8").split("## From a line of Keras")[1]
    assert len(keys()) >= 18
    assert "| `ReduceLROnPlateau()` | not there |" in table
