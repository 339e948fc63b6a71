"""Compression in a life: what wins takes the original's place, what loses says why, and all of it lies in the run's folder."""

import json
import math

import numpy as np
import pytest
import torch

from modelwright import compression, data, evaluation, life, models, shelf, using
from modelwright.__main__ import main
from modelwright.compression import Board, board, judging, timing
from modelwright.folder import RunFolder
from modelwright.nouns import Refused
from modelwright.reader import to_toml
from modelwright.recipe import expanded, open_recipe

DIGITS = {
    "seed": 1,
    "machine": {"threads": 1, "compiled": False, "precision": "highest"},
    "data": {"kind": "bundled", "name": "digits"},
    "codec": {"kind": "columns", "label": "target"},
    "model": {"kind": "mlp", "widths": [64]},
    "training": {"epochs": 6, "batch": 64, "optimizer": {"kind": "adam", "rate": 0.005}},
    "evaluation": {"baselines": False},
}
STEPS = [{"kind": "prune", "keep": 0.5, "epochs": 2}, {"kind": "int8"}]
PROMISE = {"metric": "accuracy", "loss": 0.05}


def lead(folder, steps=STEPS, promise=PROMISE, **more) -> life.Lived:
    tree = {**DIGITS, **more, "compression": steps, **({"promise": promise} if promise else {})}
    return life.run(open_recipe(tree), RunFolder(folder))


@pytest.fixture(autouse=True, scope="module")
def steady():
    """Times are set, not measured: a busy machine decides nothing here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(timing, "paces", lambda *_: tuple(compression.Pace(size, 1.0, 1.0, 1.0, 0.9, 1.1) for size in (1, 256)))
        yield


@pytest.fixture(scope="module")
def lived(tmp_path_factory):
    return lead(tmp_path_factory.mktemp("lives") / "digits")


def test_the_smallest_that_keeps_the_promise_takes_the_originals_place(lived):
    assert [one.name for one in lived.board.contenders] == ["prune", "int8", "prune + int8"]
    accepted = [one for one in lived.board.contenders if one.accepted]
    assert lived.board.winner == min(accepted, key=lambda one: one.bytes).name
    weights = {
        place: (place / "weights.safetensors").stat().st_size for place in (lived.folder.artifact, lived.folder.original)
    }
    assert weights[lived.folder.original] == lived.board.bytes
    assert weights[lived.folder.artifact] == lived.board.chosen.bytes < lived.board.bytes / 3
    assert 0 <= lived.board.loss <= PROMISE["loss"] and lived.board.judged.n == 270


def test_original_and_winner_can_both_be_checked_again(lived):
    for place in (lived.folder.artifact, lived.folder.original):
        verdict = using.verify(shelf.take(place), None)
        assert verdict.recomputed and verdict.kept
    before, after = shelf.take(lived.folder.original), shelf.take(lived.folder.artifact)
    rows = data.read(open_recipe(DIGITS).data)
    test = rows.take(np.flatnonzero(np.isin(rows.ids, after.rows["test"])))
    was, now = (evaluation.answer_rows(one.module, one.codec, test) for one in (before, after))
    assert evaluation.compare(was, now) == lived.board.judged
    assert not before.edits and after.edits and "compressed" in after.story[-1]


def test_both_are_signed_and_neither_where_the_recipe_says_so(lived, tmp_path):
    assert all(shelf.standing(place)[1].who == "own" for place in (lived.folder.artifact, lived.folder.original))
    bare = lead(tmp_path / "run", [{"kind": "int8"}], protection={"sign": False}).folder
    assert all(shelf.standing(place)[1].who == "nobody" for place in (bare.artifact, bare.original))


def test_the_artifact_comes_back_from_the_shelf_bit_for_bit(lived):
    taken, made = shelf.take(lived.folder.artifact), lived.artifact
    assert taken.edits == made.edits and taken.family == made.family
    wanted, found = made.module.state_dict(), taken.module.state_dict()
    assert wanted.keys() == found.keys() and all(torch.equal(wanted[name], found[name]) for name in wanted)
    assert {tensor.dtype for name, tensor in found.items() if name.endswith("_int8")} == {torch.int8}


def test_what_it_came_to_is_in_run_json_and_comes_back_with_it(lived):
    told = json.loads(lived.folder.facts.read_text(encoding="utf-8"))["compression"]
    assert board.from_plain(told) == lived.board
    again = life.run(open_recipe({**DIGITS, "compression": STEPS, "promise": PROMISE}), lived.folder)
    assert again.reused and again.board == lived.board


def test_the_report_shows_every_candidate_and_the_promise(lived):
    page = lived.folder.report.read_text(encoding="utf-8")
    board_shown = page[page.index('id="compression"') : page.index('id="data"')]
    assert all(f">{one.name}<" in board_shown for one in lived.board.contenders)
    assert "promise kept" in board_shown and f"{lived.folder.path}/original" in board_shown
    assert board_shown.count('class="ours"') == 1


def test_distillation_takes_another_family(tmp_path):
    steps = [{"kind": "distill", "student": {"kind": "mlp", "widths": [16]}, "epochs": 12}]
    found = lead(tmp_path / "run", steps, {"metric": "accuracy", "loss": 0.2})
    assert found.board.winner == "distill" and found.artifact.family == models.MLP((16,))
    assert shelf.take(found.folder.artifact).family == models.MLP((16,))


def test_numbers_are_compressed_by_their_error(tmp_path):
    tree = {
        **DIGITS,
        "data": {"kind": "bundled", "name": "diabetes"},
        "codec": {"kind": "columns", "label": "target", "target": "number"},
    }
    found = lead(tmp_path / "run", [{"kind": "int8"}], {"metric": "mae", "loss": 5.0}, **tree)
    assert found.board.winner == "int8" and found.board.judged.name == "mae_difference"
    assert 0 < -found.board.judged.low < 5.0


def test_an_artifact_is_compressed_by_itself(lived, tmp_path, capsys):
    out = tmp_path / "smaller"
    words = [
        "compress",
        str(lived.folder.original),
        "--keep",
        "0.6",
        "--epochs",
        "3",
        "--loss",
        "0.05",
        "-o",
        str(out),
        "--json",
    ]
    assert main(words) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["winner"] and told["artifact"] == str(out)
    assert using.verify(shelf.take(out), None).kept and shelf.standing(out)[1].who == "own"
    assert main(words) == 2 and "is there already" in capsys.readouterr().err
    assert main([*words[:1], str(out), *words[2:-3], "-o", str(tmp_path / "again")]) == 2
    assert "compressed already" in capsys.readouterr().err
    assert main([*words[:2], "--keep", "1.5", "-o", str(tmp_path / "again")]) == 2


def test_a_run_that_does_not_keep_its_promise_says_so_and_exits_with_one(tmp_path, capsys):
    order = {**DIGITS, "compression": [{"kind": "int8"}], "promise": {**PROMISE, "reach": 0.999}}
    (tmp_path / "order.toml").write_text(to_toml(expanded(open_recipe(order))), encoding="utf-8")
    assert main(["run", str(tmp_path / "order.toml"), "-o", str(tmp_path / "run"), "--quiet"]) == 1
    assert "Promise not kept" in capsys.readouterr().err
    assert (tmp_path / "run" / "artifact").is_dir() and (tmp_path / "run" / "report.html").is_file()


# --- what is refused, and what is rejected --------------------------------------------------------------------------------


def test_too_few_test_rows_say_how_many_are_needed_and_the_original_stays(tmp_path):
    found = lead(tmp_path / "run", [{"kind": "int8"}], {"metric": "accuracy", "loss": 0.005})
    assert not found.board.winner and "270" in found.board.reason and "598" in found.board.reason
    assert not found.folder.original.exists() and not found.artifact.edits


def test_a_promise_that_the_original_does_not_keep(tmp_path):
    found = lead(tmp_path / "run", [{"kind": "int8"}], {"metric": "accuracy", "loss": 0.02, "reach": 0.999})
    assert found.board.unkept and not found.board.contenders and not found.board.winner
    assert "99.9 %" in found.board.unkept


def test_a_slower_candidate_is_rejected_with_its_figures(tmp_path, monkeypatch):
    slow = (compression.Pace(1, 1.0, 1.0, 1.0, 0.9, 1.1), compression.Pace(256, 1.3, 1.0, 1.3, 1.2, 1.4))
    monkeypatch.setattr(timing, "paces", lambda *_: slow)
    found = lead(tmp_path / "run", [{"kind": "int8"}])
    assert not found.board.winner and "256" in found.board.contenders[0].reason and "1.30" in found.board.contenders[0].reason


def test_what_fails_on_test_rows_is_not_taken_and_no_second_is_tried(tmp_path, monkeypatch):
    """The foreseen bound is planted as harmless, so a ruined candidate comes before the test rows."""
    asked = []
    monkeypatch.setattr(judging, "foreseen_loss", lambda *_: 0.0)
    real = evaluation.answer_rows
    monkeypatch.setattr(evaluation, "answer_rows", lambda module, *rest: asked.append(module) or real(module, *rest))
    steps = [{"kind": "prune", "keep": 0.03, "epochs": 0}, {"kind": "int8"}]
    found = lead(tmp_path / "run", steps)
    assert not found.board.winner and found.board.judged.value < -0.3
    assert "prune + int8" in found.board.reason
    pruned = [module for module in asked if module.heads.ports["label"].in_features == 2]
    assert len(pruned) == 1  # the chosen one is judged once, and no other candidate is
    assert found.artifact.scores[0].value > 0.8


def test_one_validation_row_chooses_nothing(tmp_path):
    split = {"kind": "stratified", "validation": 0.002, "test": 0.15}
    with pytest.raises(Refused, match="validation row"):
        lead(tmp_path / "run", data={"kind": "bundled", "name": "digits", "split": split})


def test_a_linear_model_is_refused_before_anything_is_trained(tmp_path):
    with pytest.raises(Refused, match="nothing to prune"):
        lead(tmp_path / "run", model={"kind": "linear"})
    assert not list((tmp_path / "run").glob("snapshots/*"))


def test_a_teacher_whose_ports_do_not_fit(tmp_path, lived):
    student = {"kind": "distill", "student": {"kind": "mlp"}, "teacher": str(lived.folder.original)}
    iris = {"kind": "bundled", "name": "breast_cancer"}
    with pytest.raises(Refused, match=r"does not fit: it reads inputs: \w+ \(.*64.*\), this run reads inputs: \w+ \(.*30"):
        lead(tmp_path / "a", [student], data=iris)
    with pytest.raises(Refused, match="fitted on other rows"):
        lead(tmp_path / "b", [student], seed=5)
    own = lead(tmp_path / "c", [{**student, "epochs": 1}], {"metric": "accuracy", "loss": 0.9})
    assert own.board.contenders[0].name == "distill"


@pytest.mark.parametrize(
    ("steps", "promise", "sentence"),
    [
        (STEPS, None, "promise"),
        ([], PROMISE, "no [[compression]]"),
        (STEPS[::-1], PROMISE, "int8 comes last"),
        ([STEPS[0], {"kind": "distill", "student": {"kind": "mlp"}}], PROMISE, "distill comes first"),
        (STEPS, {"metric": "mae", "loss": 1.0}, "use accuracy"),
        ([{"kind": "prune", "keep": 1.0}], PROMISE, "compression[0].keep"),
        (STEPS, {"metric": "accuracy", "loss": 0}, "promise.loss"),
    ],
)
def test_orders_that_make_no_sense(steps, promise, sentence):
    with pytest.raises(Refused) as refusal:
        open_recipe({**DIGITS, "compression": steps, **({"promise": promise} if promise else {})})
    assert sentence in str(refusal.value)


def test_times_are_measured_in_turns_and_a_slower_one_is_seen():
    def busy(times):
        return lambda: [math.sqrt(2.0) for _ in range(times)]

    took = timing.in_turns(busy(4000), busy(12000), 0.05)
    ratios = sorted(theirs / ours for ours, theirs in took)
    assert len(took) >= timing.FEWEST and ratios[len(ratios) // 2] > 1.5


def test_the_board_finds_its_winner():
    assert Board(compression.Promise("accuracy", 0.1), 1, ()).chosen is None
