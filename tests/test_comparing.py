"""Two runs on the same rows: intervals that hold, swapped runs that swap the sign, other rows refused, and what is shown."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import f1_score, log_loss, mean_absolute_error, r2_score

import modelwright
from modelwright import comparing, evaluation, life
from modelwright.__main__ import main
from modelwright.command.beside import shown
from modelwright.comparing import Comparison, Pair, Side, changes
from modelwright.evaluation import F1, MAE, MSE, R2, Accuracy, LogLoss, Precision, Recall, difference, least_provable
from modelwright.folder import RunFolder
from modelwright.nouns import Answers, Artifact, Classes, Costs, Numbers, Port, Refused, Score
from modelwright.recipe import open_recipe

NAMES = ("a", "b", "c")
DIGITS = {
    "data": {"kind": "bundled", "name": "iris"},
    "codec": {"kind": "columns", "label": "target"},
    "model": {"kind": "linear"},
    "training": {"epochs": 2, "batch": 16, "optimizer": {"kind": "adam", "rate": 0.01}},
}


def classes(label, answer, chances=None) -> Answers:
    columns = {"row": range(len(label)), "label": label, "answer": answer}
    frame = pl.DataFrame(columns, schema={"row": pl.Int64, "label": pl.String, "answer": pl.String})
    if chances is None:
        chances = np.eye(3, dtype=np.float32)[[NAMES.index(one) if one in NAMES else 0 for one in answer]] * 0.9 + 1 / 30
    frame = frame.with_columns(pl.Series("chances", np.asarray(chances, np.float32), dtype=pl.Array(pl.Float32, 3)))
    return Answers(frame.with_columns(pl.lit(None, pl.String).alias("fault")), Port("label", Classes(NAMES)))


def numbers(label, answer) -> Answers:
    columns = {"row": range(len(label)), "label": label, "answer": answer, "fault": [None] * len(label)}
    schema = {"row": pl.Int64, "label": pl.Float64, "answer": pl.Float64, "fault": pl.String}
    return Answers(pl.DataFrame(columns, schema=schema), Port("label", Numbers(1)))


def drawn(chance: np.random.Generator, n: int, shares: tuple[float, float]):
    """Labels and the answers of two models, right on about these shares of rows, mostly the same ones."""
    label, hard = chance.integers(3, size=n), chance.random(n)
    wrong = (label + 1 + (chance.random(n) < 0.3)) % 3
    return label, *(np.where(hard + 0.15 * chance.standard_normal(n) < share, label, wrong) for share in shares)


# --- differences ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "metric", [F1("macro"), F1("micro"), F1("weighted"), Precision(), Recall("weighted"), Accuracy(), LogLoss()]
)
def test_the_difference_is_that_of_the_two_scores_and_swaps_its_sign(metric):
    label, *both = drawn(np.random.default_rng(1), 200, (0.7, 0.8))
    both[0][:3] = 2 - both[0][:3]
    a, b = (classes([NAMES[i] for i in label], [NAMES[i] for i in one]) for one in both)
    b = replace(b, frame=b.frame.sample(fraction=1.0, shuffle=True, seed=3))
    there, back = difference(metric, a, b), difference(metric, b, a)
    assert there is not None and back is not None and there.n == 200
    assert there.value == pytest.approx(metric.score(b).value - metric.score(a).value, abs=1e-12)
    assert (there.value, there.low, there.high) == pytest.approx((-back.value, -back.high, -back.low), abs=1e-12)
    assert there.low < there.value < there.high


@pytest.mark.parametrize("metric", [MAE(), MSE(), R2()])
def test_of_numbers_too(metric):
    chance = np.random.default_rng(2)
    label = chance.standard_normal(150) * 1e6 + 3e6
    a, b = numbers(label, label + 2e5 * chance.standard_normal(150)), numbers(label, label + 1e5 * chance.standard_normal(150))
    there, back = difference(metric, a, b), difference(metric, b, a)
    assert there is not None and back is not None
    assert there.value == pytest.approx(metric.score(b).value - metric.score(a).value, rel=1e-9)
    assert (there.value, there.low, there.high) == pytest.approx((-back.value, -back.high, -back.low), rel=1e-6)
    assert not there.low <= 0 <= there.high


def test_equals_scikit_learns_figures():
    label, first, second = drawn(np.random.default_rng(4), 120, (0.6, 0.9))
    a, b = (classes([NAMES[i] for i in label], [NAMES[i] for i in one]) for one in (first, second))
    gain = f1_score(label, second, average="macro") - f1_score(label, first, average="macro")
    assert difference(F1(), a, b).value == pytest.approx(gain, abs=1e-12)
    chances = [np.eye(3)[one] * 0.9 + 1 / 30 for one in (first, second)]
    assert difference(LogLoss(), a, b).value == pytest.approx(
        log_loss(label, chances[1]) - log_loss(label, chances[0]), abs=1e-6
    )
    x, y, z = np.random.default_rng(5).standard_normal((3, 90))
    assert difference(R2(), numbers(x, y), numbers(x, z)).value == pytest.approx(r2_score(x, z) - r2_score(x, y))
    gain = mean_absolute_error(x, z) - mean_absolute_error(x, y)
    assert difference(MAE(), numbers(x, y), numbers(x, z)).value == pytest.approx(gain)


@pytest.mark.parametrize("metric", [Accuracy(), F1(), LogLoss()])
def test_no_interval_has_zero_width_even_between_a_run_and_itself(metric):
    for label in (["a"] * 20, ["a", "b"] * 10):
        same = classes(label, label)
        found = difference(metric, same, same)
        assert found.low < 0 < found.high and found.low == pytest.approx(-found.high) and found.value == 0


@pytest.mark.parametrize("metric", [MAE(), MSE(), R2()])
def test_nor_where_numbers_are_the_same(metric):
    same = numbers([1.0, 2.0, 4.0], [1.0, 2.5, 3.0])
    found = difference(metric, same, same)
    assert found.low < 0 < found.high and found.value == 0


def test_the_intervals_hold():
    """300 pairs of 270 rows each; 95 % less three standard errors is 91 %, and the bound of accuracy is exact: 95 %."""
    chance = np.random.default_rng(0)
    label, first, second = drawn(chance, 400_000, (0.8, 0.84))
    truth = {
        F1(): f1_score(label, second, average="macro") - f1_score(label, first, average="macro"),
        Accuracy(): (label == second).mean() - (label == first).mean(),
    }
    hits = dict.fromkeys(truth, 0)
    for _ in range(300):
        label, first, second = drawn(chance, 270, (0.8, 0.84))
        a, b = (classes([NAMES[i] for i in label], [NAMES[i] for i in one]) for one in (first, second))
        for metric, true in truth.items():
            found = difference(metric, a, b)
            hits[metric] += found.low <= true <= found.high
    assert hits[Accuracy()] / 300 >= 0.95 and hits[F1()] / 300 >= 0.91


def test_the_intervals_of_numbers_hold():
    chance, hits = np.random.default_rng(7), 0
    for _ in range(300):
        label, noise, other = chance.standard_normal((3, 200))
        found = difference(MAE(), numbers(label, label + 0.5 * noise), numbers(label, label + 0.4 * noise + 0.1 * other))
        hits += found.low <= (0.17**0.5 - 0.5) * (2 / np.pi) ** 0.5 <= found.high
    assert hits / 300 >= 0.91


def test_what_so_many_rows_can_show_they_can():
    for n in (30, 270, 5000):
        k = round(least_provable(n) * n)
        for gained, proved in ((k, True), (k - 1, False)):
            a, b = classes(["a"] * n, ["b"] * gained + ["a"] * (n - gained)), classes(["a"] * n, ["a"] * n)
            assert (difference(Accuracy(), a, b).low > 0) is proved
    assert least_provable(2) == 1.0


def test_other_rows_and_other_labels_are_no_pair():
    with pytest.raises(ValueError, match="different rows"):
        difference(F1(), classes(["a", "b"], ["a", "b"]), classes(["b", "a"], ["a", "b"]))
    with pytest.raises(ValueError, match="different rows"):
        difference(MAE(), numbers([1.0, 2.0], [1.0, 2.0]), numbers([1.0, 2.1], [1.0, 2.0]))
    assert evaluation.same_rows(numbers([1e6, None], [1.0, 2.0]), numbers([1e6 * (1 + 1e-8), None], [3.0, 2.0]))
    assert not evaluation.same_rows(numbers([1.0, None], [1.0, 2.0]), numbers([None, 1.0], [3.0, 2.0]))


# --- recipes ----------------------------------------------------------------------------------------------------------------


def test_changes_are_the_leaves_that_differ():
    a = {"seed": 0, "model": {"kind": "mlp", "widths": [32]}, "training": {"clip": 1.0}}
    b = {"seed": 0, "model": {"kind": "mlp", "widths": [64, 64]}, "training": {}, "penalty": [{"kind": "l2", "weight": 0.1}]}
    assert changes(a, b) == (
        ("model.widths", "[32]", "[64, 64]"),
        ("training.clip", "1.0", ""),
        ("penalty", "", '[{kind = "l2", weight = 0.1}]'),
    )
    assert changes(a, a) == ()


# --- runs -------------------------------------------------------------------------------------------------------------------


def lead(tree, folder: Path) -> life.Lived:
    return life.run(open_recipe(tree), RunFolder(folder))


@pytest.fixture(scope="module")
def two(tmp_path_factory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("runs")
    training = {**DIGITS["training"], "epochs": 9}
    lead(DIGITS, folder / "short")
    lead({**DIGITS, "training": training}, folder / "long")
    return folder / "short", folder / "long"


def test_two_runs_are_compared_by_their_own_answers(two):
    found = modelwright.compare(*two)
    assert [pair.a.name for pair in found.pairs] == ["accuracy", "f1_macro", "log_loss"]
    assert tuple(pair.a for pair in found.pairs) == found.a.artifact.scores
    assert tuple(pair.b for pair in found.pairs) == found.b.artifact.scores
    assert found.changed == (("training.epochs", "2", "9"),) and found.same_data
    assert found.pairs[2].standing == "better" and found.pairs[2].difference.high < 0
    page = found._repr_html_()
    assert "<table>" in page and "training.epochs: 2" in page and found.verdict.replace(">", "&gt;") in page


@dataclass(frozen=True)
class Luck:
    """A metric from outside."""

    def score(self, answers):
        return Score("luck", 0.5, 0.4, 0.6, len(answers))


def test_scores_that_are_not_compared_are_named(two):
    whole = comparing.compare(*two)
    assert whole.passed_over() == ()
    judged = whole.a.artifact.metrics
    a = replace(whole.a, artifact=replace(whole.a.artifact, metrics=(*judged, Luck())))
    b = replace(whole.b, artifact=replace(whole.b.artifact, metrics=(judged[0], judged[1], Luck())))
    found = comparing.beside_one_another(a, b)
    assert [pair.a.name for pair in found.pairs] == ["accuracy", "f1_macro"]
    assert (found.outside, found.lone) == (("luck",), ("log_loss",))
    assert found.plain()["not_compared"] == {"outside": ["luck"], "lone": ["log_loss"]}
    for sentence in ("Not compared: luck. They come from outside", "Not compared: log loss. Only one of the two"):
        assert sentence in shown(found) and sentence in found._repr_html_()


def test_swapped_runs_swap_the_sign(two):
    there, back = comparing.compare(*two), comparing.compare(*two[::-1])
    for pair, turned in zip(there.pairs, back.pairs):
        ours, theirs = pair.difference, turned.difference
        assert (ours.value, ours.low, ours.high) == pytest.approx((-theirs.value, -theirs.high, -theirs.low), abs=1e-9)
        assert {pair.standing, turned.standing} in ({"better", "worse"}, {"unproved"})


def test_the_command_prints_one_object(two, capsys):
    assert main(["compare", *map(str, two), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert set(told) == {
        "a", "b", "rows", "verdict", "scores", "gained", "costs", "stored_bytes", "recipe", "same_data", "not_compared"
    }  # fmt: skip
    assert told["recipe"] == [{"key": "training.epochs", "a": "2", "b": "9"}] and len(told["scores"]) == 3


def test_labels_and_answers_lie_in_the_run_and_never_in_the_artifact(two):
    folder = RunFolder(two[0])
    frame = pl.read_parquet(folder.answers)
    assert frame.columns == ["row", "label", "answer", "chances", "fault"] and frame["label"].null_count() == 0
    assert "answers.parquet" not in {file.name for file in folder.artifact.iterdir()}


def test_other_test_rows_are_refused(two, tmp_path):
    lead({**DIGITS, "seed": 1}, tmp_path / "other")
    with pytest.raises(Refused, match="different test rows"):
        comparing.compare(two[0], tmp_path / "other")


def test_what_cannot_be_compared_says_why(two, tmp_path):
    with pytest.raises(Refused, match="no finished run"):
        comparing.compare(two[0], tmp_path)
    number = {**DIGITS, "codec": {"kind": "columns", "label": "petal length (cm)", "target": "number"}}
    lead(number, tmp_path / "number")
    with pytest.raises(Refused, match="different things"):
        comparing.compare(two[0], tmp_path / "number")
    lead({**DIGITS, "evaluation": {"metrics": [{"kind": "recall"}]}}, tmp_path / "recall")
    with pytest.raises(Refused, match="no common score"):
        comparing.compare(two[0], tmp_path / "recall")


@pytest.mark.parametrize("spoiled", [b"", b"PAR1", "cut"])
def test_answers_that_are_none_are_refused(two, tmp_path, spoiled):
    folder = RunFolder(tmp_path / "run")
    lead(DIGITS, folder.path)
    folder.answers.write_bytes(folder.answers.read_bytes()[:-40] if spoiled == "cut" else spoiled)
    with pytest.raises(Refused, match="does not hold the answers"):
        comparing.compare(two[0], folder.path)
    folder.answers.unlink()
    with pytest.raises(Refused, match="kept no answers"):
        comparing.compare(two[0], folder.path)


# --- the screen -------------------------------------------------------------------------------------------------------------


SCREEN = """

  small  and  large · 200 test rows, the same for both

                            small       large       difference, 95 %
  accuracy                  90.0 %      99.0 %      +9 points [4, 14]   better
  time                      1.5 s       25 s
  arithmetic                1.0 MFLOP   9.0 MFLOP
  weights                   1,000       9,000
  size of the weights       4.0 KB      36 KB
  weights in the artifact   1.0 KB      9.0 KB

  recipe    model.widths: [8] -> [64]
  data      the same

  large answers 9 points more rows rightly than small [4 - 14].
"""


def made(artifact: Artifact, wrong: tuple[int, int]) -> Comparison:
    """Two runs with so many wrong answers of 200."""

    def side(name: str, wrong: int, times: int) -> Side:
        costs = Costs(
            seconds=1.5 if times == 1 else 25.0, flops=1e6 * times, parameters=1000 * times, weight_bytes=4000 * times
        )
        answers = classes(["a"] * 200, ["b"] * wrong + ["a"] * (200 - wrong))
        return Side(RunFolder(Path("runs") / name), artifact, answers, costs, 1000 * times, {})

    a, b = side("small", wrong[0], 1), side("large", wrong[1], 9)
    accuracy = Accuracy()
    pair = Pair(accuracy.score(a.answers), accuracy.score(b.answers), difference(accuracy, a.answers, b.answers))
    return Comparison(a, b, (pair,), (), (), (("model.widths", "[8]", "[64]"),))


def test_what_the_screen_says(two):
    artifact = comparing.compare(*two).a.artifact
    told = shown(made(artifact, (20, 2)))
    assert told.splitlines() == SCREEN.splitlines()[1:], told
    assert made(artifact, (2, 20)).verdict == "large answers 9 points fewer rows rightly than small [4 - 14]."
    assert made(artifact, (3, 3)).verdict == "No difference shown: 200 rows could show 4.5 points at best."
