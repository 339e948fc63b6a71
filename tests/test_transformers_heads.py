"""Encoders of others with what stands on them: labels, tags, hidden tokens; answered as transformers does, there and back."""

from __future__ import annotations

import json
import shutil
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from modelwright import models, shelf
from modelwright.__main__ import main
from modelwright.exchange.huggingface.encoders import scheme
from modelwright.exchange.huggingface.reading import adopted
from modelwright.exchange.huggingface.writing import export
from modelwright.models.beginning import Beginning, begin
from modelwright.nouns import Artifact, Classes, Hidden, Port, Reference, Refused, Rows, Tagged, Vector

GOLDEN = Path(__file__).parent / "golden" / "transformers"
SHAPES = ("bert", "roberta", "distilbert")
HEADS = (*(f"{shape}_{head}" for shape in SHAPES for head in ("labels", "tags", "hidden")), "bert_number")
NAMES = ("sad", "glad", "None")
TEXTS = ["the king comes at night", "The night is long, and the day?", "吾王 é 🙂", "king"]


@cache
def golden(name: str) -> dict[str, Tensor]:
    with np.load(GOLDEN / f"{name}.npz", allow_pickle=False) as file:
        return {key: torch.from_numpy(file[key]) for key in file.files}


def said(artifact: Artifact, name: str) -> Tensor:
    """Of labels (3, C), else of the real steps one after the other."""
    mask = golden(name)["mask"]
    batch = {"inputs": golden(name)["tokens"], "mask": mask, "bears": mask}
    with torch.no_grad():
        return artifact.module(batch)[artifact.codec.writes[0].name]


def copied(name: str, place: Path) -> Path:
    shutil.copytree(GOLDEN / name, place / name)
    return place / name


def config(folder: Path, **changes: object) -> None:
    """None takes a field out."""
    file = folder / "config.json"
    told = {**json.loads(file.read_text(encoding="utf-8")), **changes}
    file.write_text(json.dumps({name: value for name, value in told.items() if value is not None}), encoding="utf-8")


# --- answers ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", HEADS)
def test_the_same_weights_give_the_same_answers(name):
    wanted = golden(name)["logits"]
    assert wanted.abs().max() > 0.5, "an answer of zeros would prove nothing"
    torch.testing.assert_close(said(adopted(GOLDEN / name), name), wanted, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("name", HEADS)
def test_every_weight_matters(name, tmp_path):
    folder = copied(name, tmp_path)
    wanted, file = said(adopted(folder), name), folder / "model.safetensors"
    weights = load_file(file)
    for key, weight in weights.items():
        if key.endswith(("key.bias", "k_lin.bias")):
            continue  # softmax does not see what is added to every likeness alike
        change = 0.1 * torch.arange(1, weight.numel() + 1).reshape(weight.shape).sin()
        save_file({**weights, key: weight + change}, file)
        assert not torch.allclose(said(adopted(folder), name), wanted, atol=1e-5), f"{key} changes nothing"


@pytest.mark.parametrize("name", HEADS)
def test_texts_are_the_same_tokens(name):
    tokenizer = adopted(GOLDEN / name).codec.tokenizer
    controls, own = tokenizer.controls, tokenizer.numbers(pl.Series(TEXTS))
    found = [token for numbers in own for token in (*controls.begin, *numbers.tolist(), *controls.end)]
    assert found == golden(name)["ids"].tolist()


@pytest.mark.parametrize("name", HEADS)
def test_what_was_adopted_and_written_is_adopted_again(name, tmp_path, monkeypatch):
    monkeypatch.setattr("modelwright.exchange.huggingface.writing.find_spec", lambda name: None)
    first = adopted(GOLDEN / name)
    export(first, tmp_path / "out")
    again = adopted(tmp_path / "out")
    assert (again.family, again.codec.encoding) == (first.family, first.codec.encoding)
    assert again.codec.writes == first.codec.writes
    for key, weight in first.module.state_dict().items():
        assert torch.equal(again.module.state_dict()[key], weight), key


@pytest.mark.parametrize("name", [*(head for head in HEADS if head.startswith("bert")), "distilbert_labels"])
def test_their_weights_come_back_bit_for_bit(name, tmp_path, monkeypatch):
    """Others go on as BERT, under other names. What BERT adds to every step alike is in its places."""
    monkeypatch.setattr("modelwright.exchange.huggingface.writing.find_spec", lambda name: None)
    export(adopted(GOLDEN / name), tmp_path / "out")
    theirs, ours = (load_file(folder / "model.safetensors") for folder in (GOLDEN / name, tmp_path / "out"))
    reworked = {f"bert.embeddings.{table}_embeddings.weight" for table in ("position", "token_type")}
    assert {key for key in theirs.keys() | ours.keys() if not torch.equal(ours[key], theirs[key])} == reworked & theirs.keys()


@pytest.mark.skipif(find_spec("transformers") is None, reason="transformers is not installed")
@pytest.mark.parametrize("name", HEADS)
def test_transformers_answers_the_same_with_what_was_adopted(name, tmp_path):
    apart = export(adopted(GOLDEN / name), tmp_path / "out")
    assert apart is not None
    assert apart < 1e-5


# --- in the user's words --------------------------------------------------------------------------------------------------


def test_a_text_is_answered_with_a_label_of_theirs(tmp_path, capsys):
    rows = tmp_path / "rows.jsonl"
    rows.write_text("".join(json.dumps({"text": text}) + "\n" for text in TEXTS), encoding="utf-8")
    assert main(["adopt", str(GOLDEN / "bert_labels"), "-o", str(tmp_path / "a"), "--lang", "en"]) == 0
    assert "one of 3 labels: sad, glad, None" in capsys.readouterr().out
    assert main(["predict", str(tmp_path / "a"), str(rows), "-o", str(tmp_path / "answers.parquet")]) == 0
    found = pl.read_parquet(tmp_path / "answers.parquet")
    artifact = shelf.take(tmp_path / "a")
    batch, faults = artifact.codec.encode(Rows(np.arange(len(TEXTS)), pl.DataFrame({"text": TEXTS})))
    assert faults.is_empty()
    with torch.no_grad():
        wanted = artifact.module(batch)["label"].argmax(1)
    assert found["answer"].to_list() == [NAMES[number] for number in wanted.tolist()]
    assert main(["verify", str(tmp_path / "a"), "--lang", "en"]) == 0


def test_words_are_answered_with_tags_of_theirs(tmp_path, capsys):
    rows = tmp_path / "rows.jsonl"
    words = [["the", "king", "comes"], ["night"], []]
    rows.write_text("".join(json.dumps({"words": some}) + "\n" for some in words), encoding="utf-8")
    assert main(["adopt", str(GOLDEN / "distilbert_tags"), "-o", str(tmp_path / "a"), "--lang", "en"]) == 0
    assert "one of 3 tags: B-PER, O, I-PER" in capsys.readouterr().out
    assert main(["predict", str(tmp_path / "a"), str(rows), "-o", str(tmp_path / "tags.jsonl")]) == 0
    found = [json.loads(line)["answer"] for line in (tmp_path / "tags.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [len(tags) for tags in found] == [3, 1, 0]
    assert {tag for tags in found for tag in tags} <= {"B-PER", "O", "I-PER"}
    assert shelf.take(tmp_path / "a").codec.encoding.scheme == "iob2"


def test_a_number_is_answered_as_it_is(tmp_path):
    artifact = adopted(GOLDEN / "bert_number")
    wanted = golden("bert_number")["logits"][:, 0]
    found = artifact.codec.decode({"label": said(artifact, "bert_number")})["answer"]
    torch.testing.assert_close(torch.tensor(found.to_list()), wanted, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(
    ("names", "wanted"),
    [
        (["O", "B-PER", "I-PER"], "iob2"),
        (["B-PER", "O"], "iob2"),
        (["O", "B-A", "I-A", "E-A", "S-A"], "bioes"),
        (["O", "I-PER", "I-LOC"], "none"),
        (["O", "B-PER", "X-PER"], "none"),
        (["B-PER", "I-PER"], "none"),
        (["NOUN", "VERB"], "none"),
        (["O"], "none"),
        (["O", "B-"], "none"),
    ],
)
def test_the_scheme_is_what_tags_spell(names, wanted):
    assert scheme(names) == wanted


# --- what is begun with -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("port", "fresh"),
    [
        (Port("label", Classes(("a", "b"))), {"heads.ports.label.weight", "heads.ports.label.bias"}),
        (Port("tags", Tagged(("O", "B-A"))), {"heads.ports.tags.weight", "heads.ports.tags.bias"}),
        (Port("vector", Vector(16, True)), set()),
        (Port("next", Hidden(17, 12)), None),
    ],
)
def test_another_head_begins_with_what_was_adopted(port, fresh):
    """The layer before labels goes on to other labels, and is left behind by what has none."""
    first = adopted(GOLDEN / "bert_labels")
    module = models.build(first.family, first.codec.reads, (port,), 3)
    reference = Reference("a", "0" * 64)
    begin(module, Beginning(first.module.state_dict(), first.codec.writes, reference), (port,))
    ours, theirs = module.state_dict(), first.module.state_dict()
    if fresh is not None:
        assert ours.keys() - {name for name in theirs if name in ours and torch.equal(ours[name], theirs[name])} == fresh
    assert ("pool.weight" in ours) == isinstance(port.kind, Classes)


def test_a_layer_before_labels_is_drawn_where_the_base_has_none():
    first = adopted(GOLDEN / "bert_tags")
    port = Port("label", Classes(("a", "b")))
    family = adopted(GOLDEN / "bert_labels").family
    module = models.build(family, first.codec.reads, (port,), 3)
    drawn = module.state_dict()["pool.weight"].clone()
    begin(module, Beginning(first.module.state_dict(), first.codec.writes, Reference("a", "0" * 64)), (port,))
    assert torch.equal(module.state_dict()["pool.weight"], drawn)
    assert torch.equal(module.state_dict()["steps.table.weight"], first.module.state_dict()["steps.table.weight"])


# --- what is refused --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "changes", "told"),
    [
        ("bert_labels", {"architectures": ["BertForQuestionAnswering"]}, "architectures = .*ForMaskedLM.* is read here"),
        ("bert_labels", {"architectures": ["BertForMaskedLM", "BertModel"]}, "architectures"),
        ("bert_labels", {"architectures": "BertModel"}, "architectures"),
        ("bert_labels", {"architectures": [3]}, "architectures"),
        ("bert_labels", {"architectures": ["BertModel"]}, r"classifier\.weight is not of this model"),
        ("bert_labels", {"problem_type": "multi_label_classification"}, "problem_type = multi_label_classification"),
        ("bert_labels", {"problem_type": "regression"}, "of several numbers none is read"),
        ("bert_labels", {"id2label": {"0": "sad", "2": "glad"}}, "names by numbers from 0 on"),
        ("bert_labels", {"id2label": ["sad"]}, "names by numbers from 0 on"),
        ("bert_labels", {"id2label": {"0": "sad", "1": "glad"}, "label2id": None}, r"classifier\.weight has shape \[3, 16\]"),
        ("bert_labels", {"id2label": {"0": "sad", "1": " sad", "2": "c"}, "label2id": None}, "two labels are called the same"),
        ("bert_labels", {"id2label": {"0": "sad", "1": "", "2": "c"}, "label2id": None}, "a label without a name"),
        ("bert_labels", {"label2id": {"sad": 1, "glad": 0, "None": 2}}, "it does not say the same as id2label"),
        ("bert_labels", {"num_labels": 4}, "id2label names 3"),
        ("bert_number", {"problem_type": "single_label_classification"}, "two labels are needed"),
        ("bert_hidden", {"hidden_act": "gelu_new"}, "hidden_act"),
        ("bert_hidden", {"tie_word_embeddings": False}, "tie_word_embeddings"),
        ("distilbert_hidden", {"activation": "relu"}, "activation"),
        ("distilbert_labels", {"activation": "gelu_new"}, "activation"),
        ("distilbert_labels", {"n_layers": 1}, r"transformer\.layer\.1\..* is not of this model"),
        ("distilbert_labels", {"architectures": ["DistilBertForMultipleChoice"]}, "architectures"),
        ("roberta_labels", {"pad_token_id": 0}, "pad_token_id = 0"),
        ("roberta_labels", {"max_position_embeddings": 2}, "more than 2 are needed"),
        ("roberta_labels", {"max_position_embeddings": 12}, r"position_embeddings\.weight has shape \[14, 16\]"),
        ("roberta_labels", {"model_type": "bert"}, r"is missing"),
    ],
)
def test_what_would_change_answers_is_refused_by_its_name(name, changes, told, tmp_path):
    folder = copied(name, tmp_path)
    config(folder, **changes)
    with pytest.raises(Refused, match=told):
        adopted(folder)


@pytest.mark.parametrize(
    ("name", "key", "original"),
    [
        ("bert_hidden", "cls.predictions.decoder.weight", "bert.embeddings.word_embeddings.weight"),
        ("bert_hidden", "cls.predictions.decoder.bias", "cls.predictions.bias"),
        ("roberta_hidden", "lm_head.decoder.bias", "lm_head.bias"),
        ("distilbert_hidden", "vocab_projector.weight", "distilbert.embeddings.word_embeddings.weight"),
    ],
)
def test_what_is_kept_twice_must_be_the_same(name, key, original, tmp_path):
    folder = copied(name, tmp_path)
    file = folder / "model.safetensors"
    weights = load_file(file)
    save_file({**weights, key: weights[original].clone()}, file)
    assert torch.equal(said(adopted(folder), name), said(adopted(GOLDEN / name), name))
    save_file({**weights, key: weights[original] + 1}, file)
    with pytest.raises(Refused, match=rf"{key} is not .*, as which it is read"):
        adopted(folder)


def test_a_tokenizer_without_a_mask_hides_nothing(tmp_path):
    folder = copied("bert_hidden", tmp_path)
    file = folder / "tokenizer_config.json"
    told = json.loads(file.read_text(encoding="utf-8"))
    file.write_text(json.dumps({name: value for name, value in told.items() if name != "mask_token"}), encoding="utf-8")
    with pytest.raises(Refused, match="no token behind which others could be hidden"):
        adopted(folder)


def test_a_folder_of_sentence_transformers_answers_with_vectors(tmp_path):
    """Whatever class its config names: what was left of another head is told."""
    folder = copied("bert_hidden", tmp_path)
    for file in ("modules.json", "1_Pooling", "sentence_bert_config.json"):
        place = GOLDEN / "bert" / file
        (shutil.copytree if place.is_dir() else shutil.copy)(place, folder / file)
    found = adopted(folder)
    assert isinstance(found.codec.writes[0].kind, Vector)
    assert "cls.predictions.bias" in found.story[-1]


def test_labels_are_written_only_as_theirs_are_answered(tmp_path):
    first = adopted(GOLDEN / "bert_labels")
    for changes in ({"answer": "mean"}, {"pooler": "none"}):
        family = type(first.family)(**{**vars(first.family), **changes})
        module = models.build(family, first.codec.reads, first.codec.writes, 0)
        with pytest.raises(Refused, match="answer = first and pooler = tanh or relu"):
            export(Artifact(family, first.codec, module), tmp_path / "out")
    assert not (tmp_path / "out").exists()
