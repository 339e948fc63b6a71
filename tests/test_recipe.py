"""The order form: what it refuses without data and without torch, what it fills in, and the shipped recipes in full."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import pytest

from modelwright import data, evaluation, models, objectives
from modelwright.nouns import Cells, Classes, Image, Numbers, Refused, Series, Tokens
from modelwright.objectives import Contrastive, CrossEntropy, NextToken, SquaredError, WordTag
from modelwright.reader import kind, kinds, parse, to_toml
from modelwright.recipe import Recipe, expanded, open_recipe, settled, shipped

ROOT = Path(__file__).parent.parent
GOLDEN = Path(__file__).parent / "golden" / "recipes"

CODECS = {
    "columns": {"kind": "columns", "label": "y"},
    "pictures": {"kind": "pictures"},
    "words": {"kind": "words", "label": "y"},
    "characters": {"kind": "characters", "label": "y"},
    "texts": {"kind": "texts", "label": "y"},
    "log_mel": {"kind": "log_mel"},
    "documents": {"kind": "documents"},
    "conversations": {"kind": "conversations"},
    "pairs": {"kind": "pairs"},
    "spans": {"kind": "spans"},
    "tags": {"kind": "tags"},
    "sentences": {"kind": "sentences", "width": 8},
}
FAMILIES = {
    "linear": {"kind": "linear"},
    "mlp": {"kind": "mlp", "widths": [8]},
    "cnn": {"kind": "cnn", "stages": [[4]]},
    "rnn": {"kind": "rnn", "embedding": 4, "width": 4},
    "gru": {"kind": "gru", "embedding": 4, "width": 4},
    "lstm": {"kind": "lstm", "embedding": 4, "width": 4},
    "encoder": {"kind": "encoder", "depth": 1, "width": 8},
    "decoder": {"kind": "decoder", "depth": 1, "width": 8},
    "encoder_decoder": {"kind": "encoder_decoder", "depth": 1, "width": 8},
}


def order(codec: str = "columns", model: str = "mlp", **sections) -> dict:
    return {
        "data": {"kind": "csv", "path": "rows.csv"},
        "codec": CODECS[codec],
        "model": FAMILIES[model],
        "training": {"epochs": 1, "batch": 8, "optimizer": {"kind": "sgd", "rate": 0.1}},
        **sections,
    }


def refusal(tree: dict, *assignments: str, extra: tuple[type, ...] = ()) -> list[str]:
    with pytest.raises(Refused) as refused:
        open_recipe(tree, assignments, extra)
    return list(refused.value.sentences)


# --- ports ---------------------------------------------------------------------------------------------------------------

MAKES = {
    "columns": Cells, "pictures": Image, "words": Tokens, "characters": Tokens, "texts": Tokens, "log_mel": Series,
}  # fmt: skip
GOING_ON = ("documents", "conversations")
STEPS = {"linear", "mlp", "rnn", "gru", "lstm", "encoder"}
READ_BY = {
    Cells: {"linear", "mlp"}, Image: {"linear", "mlp", "cnn"}, Tokens: {*STEPS, "decoder"}, Series: {*STEPS, "cnn"}
}  # fmt: skip


def test_every_codec_and_family_of_ours_is_tried_below():
    others = {"pairs", "spans", "tags", "sentences"}
    assert {kind(one) for one in kinds(data.Encoding)} == {*MAKES, *GOING_ON, *others} == set(CODECS)
    assert {kind(one) for one in kinds(models.Family)} == set(FAMILIES)


@pytest.mark.parametrize("codec", MAKES)
@pytest.mark.parametrize("model", sorted({*FAMILIES} - {"encoder_decoder"}))
def test_a_pair_of_ports_is_read_or_refused_with_every_way_out(codec, model):
    fitting = READ_BY[MAKES[codec]]
    if model in fitting:
        assert kind(type(open_recipe(order(codec, model)).model)) == model
        return
    told, count = refusal(order(codec, model))
    assert told.startswith(f"codec {codec} makes {MAKES[codec].__name__}, but model {model} reads ")
    named = told.partition(": use ")[2].replace(" or ", ", ").split(", ")
    assert set(named) == fitting
    assert count == "1 fault, nothing was run."


@pytest.mark.parametrize("codec", GOING_ON)
@pytest.mark.parametrize("model", FAMILIES)
def test_what_follows_is_written_by_a_decoder_alone(model, codec):
    if model == "decoder":
        assert settled(open_recipe(order(codec, model))).objective == NextToken()
        return
    told, _ = refusal(order(codec, model))
    writes = {
        "encoder_decoder": "writes Reply, Gaps", "cnn": "reads Image, Series",
        "encoder": "writes Classes, Numbers, Vector, Hidden, Tagged",
    }  # fmt: skip
    does = writes.get(model, "writes Classes, Numbers")
    assert told.startswith(f"codec {codec} ")
    assert told.endswith(f"but model {model} {does}: use decoder")


@pytest.mark.parametrize("model", FAMILIES)
@pytest.mark.parametrize(("codec", "objective"), [("tags", WordTag()), ("sentences", Contrastive())])
def test_words_are_tagged_and_vectors_answered_by_an_encoder_alone(model, codec, objective):
    if model == "encoder":
        assert settled(open_recipe(order(codec, model))).objective == objective
        return
    told, _ = refusal(order(codec, model))
    assert told.startswith(f"codec {codec} ")
    assert told.endswith("use encoder")


@pytest.mark.parametrize("model", FAMILIES)
def test_a_reply_is_written_by_an_encoder_and_decoder_alone(model):
    if model == "encoder_decoder":
        assert settled(open_recipe(order("pairs", model))).objective == NextToken()
        assert settled(open_recipe(order("spans", model))).objective == NextToken()
        for codec in (*MAKES, *GOING_ON):
            assert refusal(order(codec, model))[0].startswith(f"codec {codec} ")
        return
    told, _ = refusal(order("pairs", model))
    assert told.startswith("codec pairs ")
    assert told.endswith("use encoder_decoder")


def test_without_a_label_nothing_is_compressed():
    promise = {"metric": "accuracy", "loss": 0.1}
    told = refusal(order("documents", "decoder", compression=[{"kind": "int8"}], promise=promise))
    assert "cannot be compressed yet" in told[0]


def test_a_family_from_outside_is_offered_too():
    @dataclass(frozen=True)
    class MyNet:
        room: ClassVar[str] = "model"
        accepts: ClassVar[tuple[type, ...]] = (Tokens,)

    assert "my_net" in refusal(order("words", "cnn"), extra=(MyNet,))[0]
    assert refusal(order(), "model={kind='my_net'}", extra=(MyNet,))[0].endswith("use linear or mlp")


@pytest.mark.parametrize("target", ["class", "number"])
@pytest.mark.parametrize("objective", sorted(kind(one) for one in kinds(objectives.Objective)))
def test_an_objective_must_judge_what_the_label_is(target, objective):
    tree = order(codec="columns", objective={"kind": objective})
    wants = Classes if target == "class" else Numbers
    cls = next(one for one in kinds(objectives.Objective) if kind(one) == objective)
    if wants in cls.fits:
        open_recipe(tree, [f"codec.target={target}"])
        return
    told = refusal(tree, f"codec.target={target}")[0]
    assert f"{objective} judges " in told
    assert f"but codec columns asks for {wants.__name__}: use " in told


@pytest.mark.parametrize("target", ["class", "number"])
@pytest.mark.parametrize("metric", sorted(kind(one) for one in kinds(evaluation.Metric)))
def test_a_metric_must_judge_what_the_label_is(target, metric):
    tree = order(evaluation={"metrics": [{"kind": metric}]})
    wants = Classes if target == "class" else Numbers
    cls = next(one for one in kinds(evaluation.Metric) if kind(one) == metric)
    if wants in cls.fits:
        open_recipe(tree, [f"codec.target={target}"])
        return
    told = refusal(tree, f"codec.target={target}")[0]
    named = told.partition(": use ")[2].replace(" or ", ", ").split(", ")
    assert set(named) == {kind(one) for one in kinds(evaluation.Metric) if wants in one.fits}


def test_augmentation_needs_what_it_can_change():
    flip = [{"kind": "flip"}]
    open_recipe(order("pictures", "cnn", augmentation=flip))
    open_recipe(order("log_mel", "lstm", augmentation=[{"kind": "veil"}]))
    (told, _) = refusal(order("pictures", "cnn", augmentation=[{"kind": "veil"}]))
    assert told == "augmentation veil changes Series, but codec pictures makes Image: leave it out"
    assert refusal(order("words", "lstm", augmentation=flip))[0] == (
        "augmentation flip changes Image, but codec words makes Tokens: leave it out"
    )


def test_faults_of_values_and_of_ports_come_together_in_the_order_of_the_text(tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text(
        '[data]\nkind = "csv"\npath = "rows.csv"\n[codec]\nkind = "words"\nlabel = "y"\n[model]\nkind = "cnn"\nwitdh = 3\n'
        '[training]\nepochs = 1\nbatch = 0\noptimizer = {kind = "adam", rate = "fast"}\n[[augmentation]]\nkind = "flip"\n',
        encoding="utf-8",
    )
    with pytest.raises(Refused) as refused:
        open_recipe(file)
    places = [sentence.split()[0].rpartition(":")[2] for sentence in refused.value.sentences[:-1]]
    assert places == ["8", "9", "12", "13", "15"], refused.value
    told = refused.value.sentences[0]
    assert told.startswith(f"{file}:8   codec words makes Tokens, but model cnn reads Image, Series: use ")
    assert refused.value.sentences[-1] == "5 faults, nothing was run."


# --- what is left open is filled in ---------------------------------------------------------------------------------------


def test_without_an_objective_the_natural_one_is_taken():
    assert settled(open_recipe(order())).objective == CrossEntropy()
    assert settled(open_recipe(order(), ["codec.target=number"])).objective == SquaredError()
    chosen = open_recipe(order(objective={"kind": "cross_entropy", "smoothing": 0.1}))
    assert settled(chosen) is chosen


@pytest.mark.parametrize("codec", CODECS)
def test_the_expansion_reads_back_equal_and_says_everything(codec):
    writers = dict.fromkeys(GOING_ON, "decoder") | dict.fromkeys(("pairs", "spans"), "encoder_decoder")
    writers |= dict.fromkeys(("tags", "sentences"), "encoder")
    recipe = open_recipe(order(codec, writers.get(codec, "mlp")))
    tree = expanded(recipe)
    assert open_recipe(tree) == settled(recipe)
    assert open_recipe(to_toml(tree) + "\n") == settled(recipe)
    assert expanded(open_recipe(tree)) == tree
    assert Path(tree["data"]["path"]).is_absolute(), "an expanded recipe is read from another folder"


# --- where recipes are found ------------------------------------------------------------------------------------------------


def test_paths_start_at_the_folder_of_the_recipe(tmp_path, monkeypatch):
    (tmp_path / "orders").mkdir()
    (tmp_path / "orders" / "mine.toml").write_text(
        to_toml(order() | {"data": {"kind": "csv", "path": "../rows.csv"}}), encoding="utf-8"
    )
    monkeypatch.chdir(tmp_path)
    assert open_recipe("orders/mine.toml").data.path == tmp_path / "rows.csv"
    assert open_recipe("orders/mine.toml", ["data.path=other.csv"]).data.path == tmp_path / "other.csv"


def test_a_shipped_recipe_is_found_by_its_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert open_recipe("digits") == open_recipe(ROOT / "recipes" / "digits.toml")
    assert open_recipe("digits.toml") == open_recipe("digits")
    (tmp_path / "digits.toml").write_text(to_toml(order()), encoding="utf-8")
    assert open_recipe("digits.toml").data.path == tmp_path / "rows.csv", "a file that is there comes first"


@pytest.mark.parametrize(
    ("name", "told"),
    [("digtis", "did you mean digits?"), ("zzz", "there are align_sentences, "), ("deep/digits", "did you mean digits?")],
)
def test_what_is_not_there_is_refused_with_the_names_there_are(name, told):
    with pytest.raises(Refused) as refused:
        open_recipe(name)
    assert refused.value.sentences[0] == f"{Path(name)} is not there."
    assert told in refused.value.sentences[1]


def test_bytes_that_are_no_text_are_refused_with_their_line(tmp_path):
    file = tmp_path / "mine.toml"
    file.write_bytes("seed = 1\n# 中文\n".encode("gb18030"))
    with pytest.raises(Refused, match=r"mine\.toml:2  this is not UTF-8"):
        open_recipe(file)


def test_a_byte_order_mark_does_no_harm(tmp_path):
    file = tmp_path / "mine.toml"
    file.write_bytes(b"\xef\xbb\xbf" + to_toml(order()).encode().replace(b"\n", b"\r\n"))
    assert open_recipe(file).seed == 0


def test_a_newer_format_is_refused_with_the_version_that_reads_it(tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text("seed = 1\nformat = 7\n[nonsense]\nx = 1\n", encoding="utf-8")
    with pytest.raises(Refused) as refused:
        open_recipe(file)
    assert refused.value.sentences[0].startswith(f"{file}:2  format = 7   modelwright 0.7 or newer reads it; this is 0.1.0")
    assert len(refused.value.sentences) == 2, "nothing else is said of a format that is not known"


@pytest.mark.parametrize("wrong", [0, -1, "1", True, 1.0])
def test_a_format_that_never_was_is_refused(wrong):
    assert refusal(order(format=wrong))[0].endswith("1 is needed")


# --- golden -----------------------------------------------------------------------------------------------------------------


def told(file: Path) -> str:
    """What `modelwright show FILE` prints, this checkout's place taken out."""
    return to_toml(expanded(open_recipe(file))).replace(ROOT.as_posix(), "ROOT")


@pytest.mark.parametrize("name", [file.stem for file in sorted((ROOT / "recipes").glob("*.toml"))])
def test_a_shipped_recipe_in_full(name):
    """When a default changes, look at the difference, then write the file anew: python tests/test_recipe.py"""
    assert told(shipped()[name]) == (GOLDEN / f"{name}.toml").read_text(encoding="utf-8")


def test_no_golden_file_is_left_over():
    assert {file.stem for file in GOLDEN.glob("*.toml")} == set(shipped())


@pytest.mark.parametrize("name", [file.stem for file in sorted((ROOT / "recipes").glob("*.toml"))])
def test_a_golden_file_is_a_recipe(name):
    tree, _ = parse((GOLDEN / f"{name}.toml").read_text(encoding="utf-8"))
    assert isinstance(open_recipe(tree), Recipe)


if __name__ == "__main__":
    GOLDEN.mkdir(parents=True, exist_ok=True)
    for shipped_name, shipped_file in shipped().items():
        (GOLDEN / f"{shipped_name}.toml").write_text(told(shipped_file), encoding="utf-8")
