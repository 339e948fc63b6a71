"""Hidden tokens: which are hidden, that the same ones are when they judge and others each epoch, what is read in their place,
what an encoder writes there, and what it is worth."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch

from modelwright import data, life, models
from modelwright.__main__ import main
from modelwright.data import Feed, encode_all, packed
from modelwright.data.codecs.documents import BPE, Documents
from modelwright.data.codecs.documents.masking import Hiding, Masking
from modelwright.data.codecs.tokens.subwords import WordPiece
from modelwright.evaluation import Perplexity, TokenAccuracy, answer, answer_rows, natural, score
from modelwright.evaluation.neighbours import baselines
from modelwright.folder import RunFolder
from modelwright.models import Encoder
from modelwright.nouns import Answers, Hidden, Port, Refused, Rows, Tokens
from modelwright.objectives import MaskedToken
from modelwright.reader import to_toml
from modelwright.recipe import open_recipe, settled

A, MASK, SPECIAL = 20, 4, 5


def hiding(**values) -> Hiding:
    askable = np.arange(A) >= SPECIAL
    return Hiding(Masking(**values), askable, MASK)


def batch_of(rows: int, steps: int, seed: int = 0) -> dict[str, torch.Tensor]:
    chance = torch.Generator().manual_seed(seed)
    truth = torch.randint(SPECIAL, A, (rows, steps), generator=chance)
    truth[:, 0] = 2
    real = torch.randint(2, steps + 1, (rows, 1), generator=chance)
    mask = torch.arange(steps) < real
    return {"next": truth * mask, "mask": mask, "row": torch.arange(rows)}


# --- which are hidden -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("share", [0.01, 0.15, 0.6])
def test_the_share_is_exact_and_nothing_else_is_asked_for(share):
    batch = batch_of(400, 30)
    found = hiding(share=share)(batch, np.arange(400), "here")
    askable = batch["mask"] & (batch["next"] >= SPECIAL)
    assert not (found["bears"] & ~askable).any()
    wanted = torch.maximum(torch.ones(400), torch.round(share * askable.sum(1)))
    assert torch.equal(found["bears"].sum(1).float(), wanted)
    assert torch.equal(found["next"], batch["next"]), "the truth stays"
    assert torch.equal(found["inputs"][~found["bears"]], batch["next"][~found["bears"]]), "all else is read as it stands"


def test_eight_in_ten_are_behind_the_mask_and_one_is_exchanged():
    batch = batch_of(4000, 40)
    found = hiding(share=0.3)(batch, np.arange(4000), 0)
    read, truth = found["inputs"][found["bears"]], found["next"][found["bears"]]
    n = len(read)
    masked, same = float((read == MASK).sum()) / n, float((read == truth).sum()) / n
    slack = 4 * (0.25 / n) ** 0.5
    assert abs(masked - 0.8) < slack
    assert abs(same - (0.1 + 0.1 / (A - SPECIAL))) < slack, "what is exchanged is now and then what stood there"
    other = read[(read != MASK) & (read != truth)]
    counts = torch.bincount(other, minlength=A)
    assert not counts[:SPECIAL].any(), "never behind a control token"
    assert counts[SPECIAL:].min() > 0.7 * counts[SPECIAL:].float().mean()


def test_all_of_them_behind_the_mask_or_none():
    batch = batch_of(50, 30)
    found = hiding(masked=1.0, exchanged=0.0)(batch, np.arange(50), 0)
    assert (found["inputs"][found["bears"]] == MASK).all()
    found = hiding(masked=0.0, exchanged=0.0)(batch, np.arange(50), 0)
    assert torch.equal(found["inputs"], batch["next"]) and found["bears"].any()


def test_every_place_is_hidden_as_often_as_any_other():
    batch = {name: tensor[:1].expand(6000, -1) for name, tensor in batch_of(1, 21, seed=3).items() if name != "row"}
    batch["mask"] = torch.ones_like(batch["mask"])
    batch["next"] = torch.full_like(batch["next"], SPECIAL)
    counts = hiding(share=0.2)(batch, np.arange(6000), "x")["bears"].sum(0).float()
    assert (counts / counts.mean() - 1).abs().max() < 0.15


def test_it_follows_from_address_and_row_alone():
    batch = batch_of(40, 30)
    ids = np.arange(40) * 7
    whole = hiding()(batch, ids, 0, 3)
    some = [31, 2, 17]
    alone = hiding()({name: tensor[some] for name, tensor in batch.items()}, ids[some], 0, 3)
    cut = hiding()({name: tensor[:, :25] if tensor.ndim == 2 else tensor for name, tensor in batch.items()}, ids, 0, 3)
    short = batch["mask"].sum(1) <= 25
    for name in ("inputs", "bears"):
        assert torch.equal(whole[name][some], alone[name])
        assert torch.equal(whole[name][:, :25][short], cut[name][short])
        assert not torch.equal(whole[name], hiding()(batch, ids, 0, 4)[name]), "another epoch"
        assert not torch.equal(whole[name], hiding()(batch, ids, 1, 3)[name]), "another seed"


def test_a_passage_of_control_tokens_asks_for_nothing():
    batch = {"next": torch.full((2, 6), 2), "mask": torch.ones(2, 6, dtype=torch.bool)}
    found = hiding()(batch, np.arange(2), 0)
    assert not found["bears"].any() and torch.equal(found["inputs"], batch["next"])


def test_shares_that_are_more_than_a_whole_are_refused():
    with pytest.raises(Refused, match=r"masked = 0.8 and exchanged = 0.3"):
        Masking(exchanged=0.3)


# --- codec and feed -------------------------------------------------------------------------------------------------------


def sentences(count: int, seed: int = 0) -> list[str]:
    """The second of two words tells the first as surely as the first the second."""
    dice = random.Random(seed)
    pairs = [("red", "apples"), ("green", "leaves"), ("blue", "waves"), ("white", "snow"), ("black", "coal")]
    return [" ".join(f"{a} {b}" for a, b in dice.choices(pairs, k=6)) for _ in range(count)]


def rows_of(texts) -> Rows:
    return Rows(np.arange(len(texts)) + 3, pl.DataFrame({"text": pl.Series(texts, dtype=pl.String)}))


def fitted(texts, **values):
    rows = rows_of(texts)
    encoding = Documents(tokenizer=WordPiece(120), masking=Masking(**values), longest=16)
    return encoding.fit(lambda: iter([rows])), rows


def test_a_document_is_cut_as_it_stands_with_what_is_around_it():
    codec, rows = fitted(["red apples", *sentences(30)])
    batch, faults = codec.encode(rows)
    assert faults.is_empty() and isinstance(codec.writes[0].kind, Hidden) and not isinstance(codec.reads[0].kind, Hidden)
    whole = codec.tokenizer.numbers(rows.columns["text"])
    for row, own in zip(rows.ids, whole):
        pieces = batch["row"] == row
        said = torch.cat([truth[mask] for truth, mask in zip(batch["next"][pieces], batch["mask"][pieces])])
        assert said.tolist() == [2, *own.tolist(), 3], "every token once, none shifted"
    assert (batch["bears"].sum(1) >= 1).all() or not batch["bears"].all()
    spelled = torch.tensor([len(piece) for piece in codec.tokenizer.pieces])
    assert torch.equal(batch["bytes"], (spelled[batch["next"]] * batch["bears"]).sum(1))


def test_what_judges_is_hidden_alike_whenever_and_in_whatever_company_it_is_encoded():
    codec, rows = fitted(sentences(60))
    whole, _ = codec.encode(rows)
    again, _ = encode_all(codec.encoding.load(codec.state()), rows, height=7)
    for name in ("inputs", "bears", "next"):
        assert torch.equal(whole[name], again[name][:, : whole[name].shape[1]])
    one, _ = codec.encode(rows.take(np.array([41])))
    picked = whole["row"] == rows.ids[41]
    steps = one["mask"].shape[1]
    assert torch.equal(whole["bears"][picked][:, :steps], one["bears"])


@pytest.mark.parametrize("packing", [True, False])
def test_the_feed_hides_others_each_epoch_and_the_same_at_the_same_step(packing):
    codec, rows = fitted([*sentences(40), "red apples", "blue waves"])
    codec = replace(codec, encoding=replace(codec.encoding, packing=packing))
    pieces, _ = codec.encode(rows)
    tensors = packed(pieces, codec.encoding)
    feed = Feed(tensors, 8, seed=5, hiding=data.hiding(codec))
    again = Feed(tensors, 8, seed=5, hiding=data.hiding(codec))
    each = feed.steps_per_epoch
    seen = {}
    for step in range(2 * each):
        batch = feed.batch(step)
        for name in ("inputs", "bears", "next"):
            assert torch.equal(batch[name], again.batch(step)[name])
        read_elsewhere = ~batch["bears"]
        assert torch.equal(batch["inputs"][read_elsewhere], batch["next"][read_elsewhere])
        assert not batch["bears"][~batch["mask"]].any()
        for row, place, bears in zip(batch["row"].tolist(), batch["place"].tolist(), batch["bears"].tolist()):
            seen.setdefault((row, place), []).append([number for number, one in enumerate(bears) if one])
    assert all(len(each) == 2 for each in seen.values())
    assert sum(first != second for first, second in seen.values()) > len(seen) * 0.6


def test_a_tokenizer_without_a_mask_is_refused():
    with pytest.raises(Refused, match="no token behind which others could be hidden"):
        Documents(tokenizer=BPE(260), masking=Masking()).fit(lambda: iter([rows_of(sentences(3))]))


def test_what_is_to_be_learned_is_counted_and_shown_and_nothing_is_refused():
    codec, rows = fitted(sentences(20), share=0.2)
    batch, _ = codec.encode(rows)
    counted = data.became(batch, codec)
    assert counted.borne == int(batch["bears"].sum()) and counted.read == int(batch["mask"].sum())
    assert counted.unasked == 2 * 20, "begin and end of each"
    (example, *_) = data.examples(codec, batch, 5)
    assert [bears for *_, bears in example.tokens] == batch["bears"][0][: len(example.tokens)].tolist()
    shown = [truth for truth, read, bears in example.tokens if bears]
    assert shown and all(f"{truth}=" in example.line for truth in shown) and example.tokens[0][0] == "(begin)"
    with pytest.raises(Refused, match="Not one token"):
        data.became({**batch, "bears": torch.zeros_like(batch["bears"])}, codec)


# --- model, objective, figures --------------------------------------------------------------------------------------------

READS, WRITES = (Port("inputs", Tokens(A, 12)),), (Port("next", Hidden(A, 12)),)


def some_batch() -> dict[str, torch.Tensor]:
    return hiding(share=0.3)(batch_of(7, 12, seed=1), np.arange(7), 0) | {"place": torch.zeros(7, dtype=torch.int64)}


def test_an_encoder_writes_what_is_hidden_and_no_more():
    module = models.build(Encoder(depth=1, width=8, heads=2), READS, WRITES, seed=0).eval()
    batch = some_batch()
    written = module(batch)
    assert set(written) == {"next"} and written["next"].shape == (int(batch["bears"].sum()), A)
    alone = torch.cat([module({name: tensor[row : row + 1] for name, tensor in batch.items()})["next"] for row in range(7)])
    assert torch.allclose(written["next"], alone, atol=1e-6), "row after row"
    names = {name for name, _ in module.named_parameters()}
    assert sum("table" in name for name in names) == 1, "one table reads and writes"
    module.steps.table.weight.data[9, 0] += 1.0
    assert not torch.allclose(written["next"][:, 9], module(batch)["next"][:, 9])


def test_what_stands_behind_the_mask_reaches_no_answer():
    """Otherwise the model would see what it is to guess."""
    module = models.build(Encoder(depth=1, width=8, heads=2), READS, WRITES, seed=0).eval()
    batch = some_batch()
    other = {**batch, "next": torch.where(batch["bears"], (batch["next"] + 3) % A, batch["next"])}
    assert torch.equal(module(batch)["next"], module(other)["next"])


def test_the_loss_is_the_mean_over_hidden_tokens_however_they_are_cut():
    aim = MaskedToken().ready(WRITES)
    module = models.build(Encoder(depth=1, width=8, heads=2), READS, WRITES, seed=0).eval()
    batch = some_batch()
    total, count = aim({"model": module}, batch)["next"], aim.counts(batch)["next"]
    logits = module(batch)["next"]
    wanted = torch.nn.functional.cross_entropy(logits, batch["next"][batch["bears"]])
    assert torch.allclose(total / count, wanted) and int(count) == int(batch["bears"].sum())
    parts = [{name: tensor[rows] for name, tensor in batch.items()} for rows in ([0, 5], [1, 2, 3, 4, 6])]
    assert torch.allclose(sum(aim({"model": module}, part)["next"] for part in parts), total, rtol=1e-5)
    weight = torch.tensor([2.0, 0, 1, 1, 1, 1, 1])
    rows = [0, 0, 2, 3, 4, 5, 6]
    twice = {name: tensor[rows] for name, tensor in batch.items()}
    weighed = {**batch, "weight": weight}
    assert torch.allclose(aim({"model": module}, weighed)["next"], aim({"model": module}, twice)["next"], rtol=1e-5)
    assert torch.equal(aim.counts(weighed)["next"], aim.counts(twice)["next"])


def test_figures_are_what_the_model_says():
    codec, rows = fitted(sentences(25))
    module = models.build(Encoder(depth=1, width=8, heads=2), codec.reads, codec.writes, seed=0).eval()
    batch, _ = codec.encode(rows)
    logits, truth = module(batch)["next"], batch["next"][batch["bears"]]
    answers = answer(module, codec, data.batches(batch, 9))
    found = {one.name: one for one in score(answers)}
    assert natural(codec.writes[0].kind) == (TokenAccuracy(), Perplexity())
    hits = (logits.argmax(1) == truth).float().mean()
    assert found["token_accuracy"].value == pytest.approx(float(hits))
    wanted = torch.nn.functional.cross_entropy(logits.double(), truth).exp()
    assert found["perplexity"].value == pytest.approx(wanted.item(), rel=1e-5)
    again = score(answer_rows(module, codec, rows, 4))
    assert [one.value for one in again] == pytest.approx([one.value for one in found.values()], rel=1e-6)


def test_a_share_that_never_varies_has_a_width_below_it_and_none_above_one():
    columns = {"row": [0, 1], "place": [0, 0], "tokens": [3, 3], "bytes": [1, 1], "nats": [0.0, 0.0], "hits": [3, 3]}
    frame = pl.DataFrame(columns)
    found = TokenAccuracy().score(Answers(frame.with_columns(fault=pl.lit(None, pl.String)), WRITES[0]))
    assert found.value == found.high == 1 and found.low < 0.9


def test_baselines_count_whole_texts_and_see_what_is_read():
    codec, rows = fitted(["red and apples"] * 30 + ["blue and waves"] * 10, share=0.3, masked=1.0, exchanged=0.0)
    batch, _ = codec.encode(rows)
    found = baselines(batch, batch, codec)
    numbers = {word: codec.tokenizer.library.token_to_id(word) for word in ("red", "and", "apples", "blue", "waves")}
    bears, truth, read = batch["bears"], batch["next"], batch["inputs"]
    said = found["unigram"].frame["hits"].sum()
    assert said == int((truth[bears] == numbers["and"]).sum()), "the most frequent token"
    before = torch.cat([truth[:, :1], read[:, :-1]], dim=1)
    follows = {2: "red", numbers["red"]: "and", numbers["blue"]: "and", numbers["and"]: "apples", MASK: "and"}
    wanted = sum(numbers[follows.get(int(b), "and")] == int(t) for b, t in zip(before[bears], truth[bears]))
    assert found["bigram"].frame["hits"].sum() == wanted
    for answers in found.values():
        assert np.isfinite(answers.frame["nats"].to_numpy()).all() and (answers.frame["nats"] >= 0).all()


# --- a life ---------------------------------------------------------------------------------------------------------------


def order(folder: Path, **codec) -> dict:
    lines = [{"text": text} for text in sentences(400)]
    (folder / "rows.jsonl").write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    masking = {"share": 0.2, "masked": 1.0, "exchanged": 0.0}
    return {
        "machine": {"device": "cpu", "threads": 1, "precision": "highest", "dtype": "float32", "compiled": False},
        "data": {"kind": "jsonl", "path": str(folder / "rows.jsonl")},
        "check": {"accept": ["duplicate", "leak", "near_leak"]},
        "codec": {
            "kind": "documents", "longest": 20, "tokenizer": {"kind": "word_piece", "vocabulary": 100}, "masking": masking,
            **codec,
        },
        "model": {"kind": "encoder", "depth": 1, "width": 32, "heads": 2},
        "training": {"epochs": 16, "batch": 16, "optimizer": {"kind": "adamw", "rate": 0.01}},
        "protection": {"sign": False},
    }  # fmt: skip


@pytest.fixture(scope="module")
def lived(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hidden")
    return life.run(open_recipe(order(folder)), RunFolder(folder / "run")), folder


def test_an_encoder_learns_to_find_what_is_hidden(lived):
    """A word behind the mask is told by its neighbours on both sides, of which counts of pairs see the left alone."""
    led, _ = lived
    found = {one.name: one for one in led.scores}
    rival = {one.name: one for one in led.baselines["bigram"]}
    assert found["token_accuracy"].low > rival["token_accuracy"].value + 0.1
    assert found["perplexity"].high < rival["perplexity"].value


def test_verify_finds_the_same_figures(lived):
    from modelwright import shelf, using

    led, folder = lived
    verdict = using.verify(shelf.take(led.folder.artifact), folder / "rows.jsonl")
    assert verdict.recomputed and verdict.kept


def test_classes_begin_with_its_weights_and_its_tokenizer(lived, tmp_path):
    """Texts are read by the pretrained tokenizer, and every weight but the head is the pretrained one."""
    led, _ = lived
    texts = sentences(60, seed=9)
    lines = [{"text": text, "label": "yes" if text.split().count("red") > 1 else "no"} for text in texts]
    (tmp_path / "labelled.jsonl").write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    recipe = open_recipe({
        "data": {"kind": "jsonl", "path": str(tmp_path / "labelled.jsonl")},
        "check": {"accept": ["duplicate", "leak", "near_leak"]},
        "codec": {"kind": "texts", "label": "label", "longest": 20},
        "model": {"kind": "base", "artifact": str(led.folder.artifact)},
        "training": {"epochs": 1, "batch": 16, "optimizer": {"kind": "sgd", "rate": 1e-9}},
        "protection": {"sign": False}, "machine": order(tmp_path)["machine"],
    })  # fmt: skip
    made = life.run(recipe, RunFolder(tmp_path / "run")).artifact
    assert made.codec.tokenizer.told == led.artifact.codec.tokenizer.told
    old, new = led.artifact.module.state_dict(), made.module.state_dict()
    assert {name for name in new if name not in old} == {name for name in new if name.startswith("heads")}
    assert {name for name in old if name not in new} == {name for name in old if name.startswith("guess")}
    for name in set(old) & set(new):
        assert torch.allclose(old[name], new[name], atol=1e-5), name


def test_such_a_model_answers_no_label_and_goes_on_with_nothing(lived):
    from modelwright.generating.ordering import passages

    led, _ = lived
    with pytest.raises(Refused, match="finds hidden tokens"):
        data.refuse_unlabelled(led.artifact.codec.encoding)
    with pytest.raises(Refused, match="does not go on with texts"):
        passages(led.artifact)


def test_the_recipe_finds_the_objective_and_refuses_a_model_that_looks_back_alone(tmp_path):
    assert isinstance(settled(open_recipe(order(tmp_path))).objective, MaskedToken)
    tree = order(tmp_path) | {"model": {"kind": "decoder", "depth": 1}}
    with pytest.raises(Refused) as refused:
        open_recipe(tree)
    assert "asks for Hidden" in "".join(refused.value.sentences)


def test_check_shows_ten_of_them(tmp_path, capsys):
    (tmp_path / "recipe.toml").write_text(to_toml(order(tmp_path)), encoding="utf-8")
    assert main(["check", str(tmp_path / "recipe.toml"), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert len(told["examples"]) == 10 and told["counted"]["borne"] > 0
    assert main(["check", str(tmp_path / "recipe.toml")]) == 0
    assert "=▒|" in capsys.readouterr().out
