"""A model that begins with the weights of another: read alike, answered alike, frozen where ordered, honestly judged."""

from __future__ import annotations

import io
import json

import numpy as np
import polars as pl
import pytest
import torch
from PIL import Image

from modelwright import data, life, models, shelf, training
from modelwright.compression import rounding, shaped
from modelwright.data.codecs import Columns, Documents, Pictures, Texts, Words
from modelwright.data.codecs.alike import reading_as
from modelwright.data.codecs.documents import BPE, Character
from modelwright.folder import RunFolder
from modelwright.models import LSTM, MLP, Decoder, Encoder, build
from modelwright.models.beginning import Beginning, begin
from modelwright.nouns import Artifact, Classes, Numbers, Port, Reference, Refused, Rows
from modelwright.recipe import open_recipe

READS = (Port("inputs", Numbers(4)),)
TWO, THREE = ((Port("label", Classes(names)),) for names in (("a", "b"), ("a", "b", "c")))


def beginning(module, writes, *train):
    return Beginning(module.state_dict(), writes, Reference("base"), train=train)


def digits(tmp_path, name, **changed):
    sections = {
        "format": 1, "data": {"kind": "bundled", "name": "digits"}, "codec": {"kind": "columns", "label": "target"},
        "model": {"kind": "mlp", "widths": [12]}, "training": {"epochs": 2, "batch": 64},
        "evaluation": {"baselines": False}, "explanation": {"mistakes": 0}, "machine": {"device": "cpu", "threads": 1},
    }  # fmt: skip
    return open_recipe({**sections, **changed}), RunFolder(tmp_path / name)


# --- weights --------------------------------------------------------------------------------------------------------------


def test_it_answers_as_the_base_does_until_it_learns():
    base, fresh = build(MLP((6,)), READS, TWO, 1).eval(), build(MLP((6,)), READS, TWO, 2).eval()
    batch = {"inputs": torch.randn(5, 4)}
    assert not torch.allclose(base(batch)["label"], fresh(batch)["label"])
    begin(fresh, beginning(base, TWO), TWO)
    assert torch.equal(base(batch)["label"], fresh(batch)["label"])


def test_what_answers_something_else_has_a_head_of_its_own():
    base, fresh, again = build(MLP((6,)), READS, TWO, 1), build(MLP((6,)), READS, THREE, 2), build(MLP((6,)), READS, THREE, 2)
    begin(fresh, beginning(base, TWO), THREE)
    body = {name for name in base.state_dict() if not name.startswith("heads.")}
    assert body and all(torch.equal(base.state_dict()[name], fresh.state_dict()[name]) for name in body)
    head = [name for name in fresh.state_dict() if name.startswith("heads.")]
    assert all(torch.equal(again.state_dict()[name], fresh.state_dict()[name]) for name in head), "drawn as ever"


@pytest.mark.parametrize("family", [MLP((7,)), MLP((6, 6)), MLP(())])
def test_weights_that_do_not_fit_are_refused_by_name(family):
    base = build(MLP((6,)), READS, TWO, 1)
    with pytest.raises(Refused, match=r"The weights of base do not fit this recipe: .*hidden"):
        begin(build(family, READS, TWO, 1), beginning(base, TWO), TWO)


def test_only_what_is_named_learns():
    module = build(MLP((6, 5)), READS, TWO, 1)
    begin(module, beginning(module, TWO, "heads", "hidden.2"), TWO)
    assert {name for name, weight in module.named_parameters() if weight.requires_grad} == {
        "hidden.2.weight", "hidden.2.bias", "heads.ports.label.weight", "heads.ports.label.bias"
    }  # fmt: skip
    with pytest.raises(Refused, match=r'names "hidden\.1", and no weight begins so'):
        begin(module, beginning(module, TWO, "hidden.1"), TWO)
    with pytest.raises(Refused, match="no weight begins so"):
        begin(module, beginning(module, TWO, "hid"), TWO)


def test_a_snapshot_holds_what_learns_alone():
    module = build(MLP((6,)), READS, TWO, 1)
    begin(module, beginning(module, TWO, "heads"), TWO)
    still = frozenset(name for name, weight in module.named_parameters() if not weight.requires_grad)
    kept = {name: weight.clone() for name, weight in training.running.moving(module, still).items()}
    assert set(kept) == {"heads.ports.label.weight", "heads.ports.label.bias"}
    with torch.no_grad():
        module.heads.ports["label"].bias.add_(1)
    training.running.put_back(module, kept, still)
    assert torch.equal(module.heads.ports["label"].bias, kept["heads.ports.label.bias"])
    with pytest.raises(RuntimeError, match="hidden"):
        training.running.put_back(module, module.state_dict(), still)


# --- reading alike --------------------------------------------------------------------------------------------------------


def texts(*found):
    labels = ["no", "yes"] * len(found)
    return Rows(np.arange(len(found)), pl.DataFrame({"text": list(found), "label": labels[: len(found)]}))


def fitted(encoding, rows):
    return encoding.fit(lambda: iter([rows]))


OLD, NEW = texts("good film", "bad plot", "good plot"), texts("bad wine", "good cheese", "wine and cheese")


@pytest.mark.parametrize(
    "encoding",
    [Words("label"), Texts("label", tokenizer=Character()), Texts("label", tokenizer=BPE(260)), Documents(longest=8)],
    ids=["words", "characters", "pairs", "documents"],
)
def test_texts_are_numbered_as_the_base_numbers_them(encoding):
    base, own = fitted(encoding, OLD), fitted(encoding, NEW)
    alike = reading_as(own, base)
    assert own.reads != base.reads or not torch.equal(own.encode(NEW)[0]["inputs"], base.encode(NEW)[0]["inputs"])
    assert alike.reads == base.reads
    assert torch.equal(alike.encode(NEW)[0]["inputs"], base.encode(NEW)[0]["inputs"])


def test_a_label_is_asked_of_a_tokenizer_that_learned_to_go_on():
    base = fitted(Documents(longest=16, tokenizer=BPE(260)), OLD)
    alike = reading_as(fitted(Texts("label", longest=9), NEW), base)
    assert alike.reads[0].kind == base.reads[0].kind and alike.writes[0].kind == Classes(("no", "yes"))
    again = alike.encoding.load(alike.state())
    assert again.reads == alike.reads and torch.equal(again.encode(NEW)[0]["inputs"], alike.encode(NEW)[0]["inputs"])
    with pytest.raises(Refused, match=r"codec\.longest = 17, and the base reads 16 tokens at most"):
        reading_as(fitted(Texts("label", longest=17), NEW), base)


def test_numbers_and_pictures_are_scaled_as_the_base_scales_them():
    def rows(scale, names=("n",)):
        cells = {name: [str(scale * x) for x in range(8)] for name in names}
        return Rows(np.arange(8), pl.DataFrame({**cells, "label": ["1.5", "3"] * 4}))

    base, own = fitted(Columns("label", "number"), rows(1)), fitted(Columns("label", "number"), rows(100))
    alike = reading_as(own, base)
    assert torch.equal(alike.encode(rows(100))[0]["inputs"], base.encode(rows(100))[0]["inputs"])
    assert alike.labels == base.labels, "what is answered is in the same unit"
    with pytest.raises(Refused, match="The base reads the columns n; the recipe has m, n"):
        reading_as(fitted(Columns("label", "number"), rows(1, ("m", "n"))), base)
    with pytest.raises(Refused, match="cannot read rows as the base does, whose codec is columns"):
        reading_as(fitted(Words("label"), OLD), base)
    pictures = [np.full((4, 4), shade, np.uint8) for shade in (0, 255)]
    found = [fitted(Pictures(), data.read(data.Frame(pl.DataFrame({"picture": _png(one), "label": ["a", "b"]})))) for one in
             ([pictures[0], pictures[0]], pictures)]  # fmt: skip
    assert reading_as(found[0], found[1]).image == found[1].image != found[0].image


def _png(pictures):
    cells = []
    for picture in pictures:
        file = io.BytesIO()
        Image.fromarray(picture).save(file, "PNG")
        cells.append(file.getvalue())
    return cells


def test_the_body_of_a_decoder_answers_a_label():
    shape = Decoder(depth=1, width=8, heads=2, tied=False)
    base = fitted(Documents(longest=8, tokenizer=Character()), OLD)
    body = build(shape, base.reads, base.writes, 1)
    codec = reading_as(fitted(Texts("label", longest=6, tokenizer=Character()), NEW), base)
    module = build(shape, codec.reads, codec.writes, 2)
    begin(module, beginning(body, base.writes), codec.writes)
    assert torch.equal(module.state_dict()["blocks.0.feed.up.weight"], body.state_dict()["blocks.0.feed.up.weight"])
    batch, _ = codec.encode(NEW)
    assert module(batch)["label"].shape == (3, 2)


@pytest.mark.parametrize("family", [LSTM(4, 4), Encoder(depth=1, width=8, heads=2), Decoder(depth=1, width=8, heads=2)])
def test_subwords_are_read_by_every_family_of_sequences(family):
    codec = fitted(Texts("label", tokenizer=BPE(270)), texts(*["a good film", "", "bad"] * 4))
    module = build(family, codec.reads, codec.writes, 0).eval()
    whole, _ = codec.encode(texts("a good film", "", "bad"))
    alone, _ = codec.encode(texts("bad"))
    assert whole["mask"].sum(1).tolist()[1] == 2, "what stands before and after a text"
    torch.testing.assert_close(module(whole)["label"][2:], module(alone)["label"], atol=1e-6, rtol=1e-5)


def test_what_is_cut_of_a_text_keeps_its_end_token():
    codec = fitted(Texts("label", longest=5, tokenizer=Character()), texts("abcdefg", "ab"))
    batch, _ = codec.encode(texts("abcdefg", "abc", "ab"))
    end = codec.tokenizer.controls.end[0]
    assert batch["mask"].sum(1).tolist() == [5, 5, 4]
    assert batch["inputs"][:, 0].tolist() == [end] * 3 and batch["inputs"][0, 4] == batch["inputs"][1, 4] == end
    assert codec.cut(texts("abcdefg", "abc", "ab")).tolist() == [True, False, False]


# --- a life ---------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def begun(tmp_path_factory):
    """A base."""
    folder = tmp_path_factory.mktemp("begun")
    return life.run(*digits(folder, "base")).folder.artifact


def on(base, **more):
    return {"kind": "base", "artifact": str(base), **more}


def test_a_life_that_begins_with_another(begun, tmp_path):
    first = shelf.take(begun)
    lived = life.run(*digits(tmp_path, "on", model=on(begun)))
    found = shelf.take(lived.folder.artifact)
    assert found.family == first.family == MLP((12,)) and found.codec.reads == first.codec.reads
    assert lived.scores[0].value > first.scores[0].value
    assert found.story[0] == "began with the weights of artifact"
    assert losses(lived.folder.path)[0] < losses(begun.parent)[-1]


def losses(folder):
    """Of the validation rows, by epoch."""
    events = map(json.loads, (folder / "journal.jsonl").read_text(encoding="utf-8").splitlines())
    return [event["validation"] for event in events if event["event"] == "epoch"]


def test_what_is_frozen_stays_bit_for_bit_and_has_no_moments(begun, tmp_path):
    recipe, folder = digits(tmp_path, "head", model=on(begun, train=["heads"]))
    learned = life.only_train(recipe, folder)
    first, last = shelf.take(begun).module.state_dict(), learned.module.state_dict()
    moved = {name for name in first if not torch.equal(first[name], last[name])}
    assert moved == {"heads.ports.label.weight", "heads.ports.label.bias"}
    owners = {name.partition(":")[2] for name in learned.lesson.run.state if ":" in name}
    assert owners == moved


@pytest.mark.parametrize("train", [[], ["heads"]], ids=["all", "head"])
def test_it_comes_back_bit_for_bit(begun, tmp_path, train):
    whole = life.only_train(*digits(tmp_path, "whole", model=on(begun, train=train)))
    recipe, folder = digits(tmp_path, "cut", model=on(begun, train=train))
    asked = iter([False] * 25 + [True])
    with pytest.raises(KeyboardInterrupt):
        life.only_train(recipe, folder, life.Opening(stop=lambda: next(asked)))
    cut = life.only_train(recipe, folder, life.Opening(resume=True))
    one, other = whole.module.state_dict(), cut.module.state_dict()
    assert cut.lesson.run.step == whole.lesson.run.step and all(torch.equal(one[name], other[name]) for name in one)


def test_rows_that_the_base_learned_from_judge_nothing(begun, tmp_path):
    with pytest.raises(Refused, match=r"The base has learned from \d+ of the rows of the part"):
        life.run(*digits(tmp_path, "leak", model=on(begun), seed=5))


def test_another_base_in_the_same_folder_is_refused(begun, tmp_path):
    copy = tmp_path / "copy"
    first = shelf.take(begun)
    shelf.put(first, copy)
    recipe, folder = digits(tmp_path, "run", model=on(copy))
    asked = iter([False] * 3 + [True])
    with pytest.raises(KeyboardInterrupt):
        life.only_train(recipe, folder, life.Opening(stop=lambda: next(asked)))
    other = models.build(first.family, first.codec.reads, first.codec.writes, 9)
    shelf.put(Artifact(first.family, first.codec, other), copy)
    with pytest.raises(Refused, match="was begun with another base"):
        life.only_train(recipe, folder, life.Opening(resume=True))


def test_a_compressed_base_is_refused(begun, tmp_path):
    first = shelf.take(begun)
    edit, _ = rounding.fit(first.module)
    module = shaped(build(first.family, first.codec.reads, first.codec.writes, 1), (edit,))
    shelf.put(Artifact(first.family, first.codec, module, (edit,)), tmp_path / "small")
    with pytest.raises(Refused, match="was compressed: its weights cannot learn on"):
        life.run(*digits(tmp_path, "on", model=on(tmp_path / "small")))


def test_a_base_that_is_not_there_is_a_sentence(tmp_path):
    with pytest.raises(Refused):
        life.run(*digits(tmp_path, "on", model=on(tmp_path / "nowhere")))
