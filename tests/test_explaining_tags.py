"""Why a word has its tag: each word's part in the chance of it, by every method, on the screen and over HTTP."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
import torch
from torch import nn

import served
from modelwright import shelf, using
from modelwright.__main__ import main
from modelwright.explanation import IntegratedGradients, Lime, Occlusion, Shapley, features
from modelwright.explanation.budget import Budget
from modelwright.explanation.explaining import explain
from modelwright.explanation.subject import subject
from modelwright.nouns import Refused, Rows

WORDS = ["Anna", "Stone", "sees", "Rome"]
METHODS = [Occlusion(), Shapley(), Lime(), IntegratedGradients()]


class Known(nn.Module):
    """The second word's tag hangs on the letters of the first two words, each with a weight that is set by hand, and on no
    other."""

    def __init__(self, codec) -> None:
        super().__init__()
        self.table = nn.Embedding(len(codec.tokenizer.pieces), 1)
        with torch.no_grad():
            self.table.weight.zero_()
        self.tags = len(codec.names)

    def forward(self, batch):
        found = self.table(batch["inputs"])[..., 0]
        bears = batch["bears"]
        of = bears.cumsum(1) * bears
        logits = torch.zeros(*bears.shape, self.tags)
        total = (found * (bears.cumsum(1) <= 2) * (bears.cumsum(1) > 0)).sum(1, keepdim=True)  # of the first two words
        logits[..., 2] = total * (of == 2)
        return {"tags": logits[bears]}


def rows(*said: list[str]) -> Rows:
    return Rows(np.arange(len(said)), pl.DataFrame({"words": [json.dumps(words) for words in said]}))


def known(values: dict[str, float]):
    artifact = served.names()
    module = Known(artifact.codec)
    for letter, value in values.items():
        (numbers,) = artifact.codec.tokenizer.numbers(pl.Series([letter]))
        with torch.no_grad():
            module.table.weight[int(numbers[0])] = value
    return replace(artifact, module=module)


def test_features_are_the_words_and_every_token_is_one_words():
    artifact = served.names()
    (row,) = [rows(WORDS)]
    asked = subject(artifact.module, artifact.codec, row, row.take(np.zeros(0, np.int64)), 1)
    assert asked.features.names == tuple(WORDS)
    batch, _ = artifact.codec.encode(row)
    spelled = ["".join(artifact.codec.named(token) for token in batch["inputs"][0][asked.features.places == place].tolist())
               for place in range(4)]  # fmt: skip
    assert [text.strip() for text in spelled] == WORDS
    controls = artifact.codec.controls
    around = int((asked.features.places == 4).sum())
    assert around == len(controls.begin) + len(controls.end), "which is always there"


@pytest.mark.parametrize("method", METHODS, ids=lambda method: type(method).__name__)
def test_the_words_that_a_tag_hangs_on_are_found_and_no_others(method):
    artifact = known({"A": 3.0, "t": 1.0})  # Anna speaks for it, Stone a little, the others say nothing
    row = rows(WORDS)
    found = explain(subject(artifact.module, artifact.codec, row, row.take(np.zeros(0, np.int64)), 1), method, Budget(1e9))
    anna, stone, sees, rome = found.values
    nothing = 0.02 if isinstance(method, Lime) else 1e-5  # lime lays a plane through what is none
    assert anna > stone > nothing and abs(sees) < nothing and abs(rome) < nothing
    (chance,) = torch.tensor([[0.0, 0.0, 4.0, 0.0]]).softmax(1)[:, 2].tolist()
    assert found.answer == artifact.codec.names[2] and found.word == 1 and found.said == pytest.approx(chance, abs=1e-6)
    assert found.without == pytest.approx(1 / 4, abs=1e-6)
    if not isinstance(method, (Occlusion, Lime)):
        assert sum(found.values) == pytest.approx(chance - 1 / 4, abs=1e-3)
    assert found.about == f"Stone = {found.answer}" and found.plain()["word"] == 1


def test_a_feature_that_holds_another_words_tokens_would_be_caught(monkeypatch):
    right = features._tagged

    def shifted(*given):
        found = right(*given)
        return replace(found, places=torch.where(found.places < 4, (found.places + 1) % 4, found.places))

    monkeypatch.setattr(features, "_tagged", shifted)
    with pytest.raises(AssertionError):
        test_the_words_that_a_tag_hangs_on_are_found_and_no_others(Occlusion())


def test_without_a_word_the_first_that_is_not_outside_is_explained():
    artifact = known({"A": 3.0})
    found, reason = using.explain(artifact, rows(WORDS, ["Rome"]), using.Asked(seconds=60))
    assert found.word == 1 and "Stone = " in reason.title and len(reason.why.words) == 4
    none = known({})
    with torch.no_grad():
        none.module.table.weight.fill_(0)
    assert using.explain(none, rows(WORDS), using.Asked(seconds=60))[0].word == 0


@pytest.mark.parametrize(
    ("said", "word", "told"),
    [(WORDS, 4, "4 words are read"), (WORDS, -1, "no word -1"), ([" "], 0, "empty"), ([], None, "word")],
)
def test_what_is_not_there_is_refused(said, word, told):
    artifact = served.names()
    with pytest.raises(Refused, match=told):
        using.explain(artifact, rows(said), using.Asked(word=word))


def test_only_tags_have_words_to_name():
    with pytest.raises(Refused, match="no tags to words"):
        using.explain(served.iris(), served.iris_rows(), using.Asked(word=0))


def test_on_the_screen_and_as_a_page(tmp_path, capsys):
    shelf.put(served.names(), tmp_path / "artifact")
    (tmp_path / "rows.jsonl").write_text(json.dumps({"words": WORDS}), encoding="utf-8")
    ask = ["explain", str(tmp_path / "artifact"), str(tmp_path / "rows.jsonl"), "--word", "3", "--budget", "60s"]
    assert main(["--lang", "en", *ask, "-o", str(tmp_path / "why.html")]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("row 0: Rome = ") and "Anna" in shown
    assert ">Stone<" in (tmp_path / "why.html").read_text(encoding="utf-8")


def test_over_http():
    with served.live({"names": served.names(), "likes": served.likes(), "iris": served.iris()}) as live:
        body = json.dumps({"words": WORDS}).encode()
        told = live.ask("POST", "/explain/names?word=2", body, {"Content-Type": "application/json"}).json
        (answer,) = live.post("names", {"words": WORDS}).answers
        assert told["word"] == 2 and told["answer"] == answer["answer"][2]["tag"]
        assert [value["feature"] for value in told["values"]] == WORDS
        assert sum(value["value"] for value in told["values"]) == pytest.approx(told["said"] - told["without"], abs=1e-4)
        for word, status in (("4", 422), ("x", 422), ("-1", 422), ("²", 422), ("9" * 4000, 422)):
            asked = live.ask("POST", f"/explain/names?word={word.encode().hex('%') if word == '²' else word}", body,
                             {"Content-Type": "application/json"})  # fmt: skip
            assert asked.status == status and asked.json["error"], word
        assert live.explain("likes", {"text": "a cat"}).status == 404
        row = json.dumps(served.iris_rows(1).columns.drop("species").to_dicts()).encode()
        assert live.ask("POST", "/explain/iris?word=1", row, {"Content-Type": "application/json"}).status == 422
        paths = live.ask("GET", "/openapi.json").json["paths"]
        assert paths["/explain/names"]["post"]["parameters"][0]["name"] == "word" and "/explain/likes" not in paths
