"""Texts without a label, from raw files to a generated text: the objective, the figures, the whole life, what is refused."""

from __future__ import annotations

import json
import math
import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch

from modelwright import data, evaluation, generating, life, models, shelf
from modelwright.__main__ import main
from modelwright.data.codecs.documents import BPE, Character, Documents
from modelwright.data.codecs.tokens.tokenizing import END, FIRST
from modelwright.evaluation import BitsPerByte, Perplexity, grams
from modelwright.folder import RunFolder
from modelwright.machine import tuned
from modelwright.models import Decoder
from modelwright.models.generation import begun, generate, onward
from modelwright.models.sampling import Sampling
from modelwright.nouns import Answers, Port, Refused, Rows, Tokens, Tuning
from modelwright.objectives import NextToken
from modelwright.recipe import open_recipe

RHYME = "one two buckle my shoe, three four knock at the door, five six pick up sticks.\n"
CHARACTER = Character()
SMALL = Decoder(1, 16, 2)


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    with tuned(Tuning(threads=1)):
        yield


def rows(*texts: str | None) -> Rows:
    return Rows(np.arange(len(texts), dtype=np.int64), pl.DataFrame({"text": pl.Series(texts, dtype=pl.String)}))


def codec_of(*texts: str, longest: int = 8, tokenizer=CHARACTER):
    return Documents(longest=longest, tokenizer=tokenizer).fit(lambda: iter([rows(*texts)]))


def babble(n: int, seed: int = 0) -> list[str]:
    dice = random.Random(seed)
    return [" ".join(dice.choices(RHYME.split(), k=dice.randrange(3, 40))) for _ in range(n)]


# --- the objective ------------------------------------------------------------------------------------------------------


def loss(aim, module, batches) -> float:
    counts = [aim.counts(batch)["next"] for batch in batches]
    return float(sum(aim({"model": module}, batch)["next"] for batch in batches) / sum(counts))


def test_the_loss_is_the_mean_over_all_tokens_that_bear_it_whatever_the_batches():
    texts = babble(9)
    codec = codec_of(*texts[:5], tokenizer=Character(12))
    batch, _ = codec.encode(rows(*texts))
    assert not batch["bears"].equal(batch["mask"])
    module = models.build(SMALL, codec.reads, codec.writes, 0).eval()
    aim = NextToken().ready(codec.writes)
    with torch.no_grad():
        chances = module(batch)["next"].log_softmax(-1).gather(-1, batch["next"].unsqueeze(-1))[..., 0]
        wanted = float(-chances[batch["bears"]].mean())
        cuts = [slice(0, 1), slice(1, 7), slice(7, None)]
        parts = [{name: tensor[cut] for name, tensor in batch.items()} for cut in cuts]
        assert loss(aim, module, [batch]) == pytest.approx(wanted, rel=1e-5)
        assert loss(aim, module, parts) == pytest.approx(wanted, rel=1e-5)
        twice = torch.ones(len(batch["row"]))
        twice[0] = 2.0
        again = loss(aim, module, [{**batch, "weight": twice}])
        assert again == pytest.approx(loss(aim, module, [batch, parts[0]]), rel=1e-5)


# --- figures ------------------------------------------------------------------------------------------------------------


def test_figures_are_those_of_the_models_own_chances():
    texts = ["abcabcabca", "bca", None, "日本"]
    codec = codec_of("abc日", longest=4)
    module = models.build(SMALL, codec.reads, codec.writes, 0)
    answers = evaluation.answer_rows(module, codec, rows(*texts))
    nats = tokens = 0.0
    for text in texts:
        whole = [] if text is None else codec.begin(text)
        for start in range(0, len(whole), 4):
            window = torch.tensor([whole[start : start + 4]])
            with torch.no_grad():
                said = module({"inputs": window, "mask": torch.ones_like(window, dtype=torch.bool)})["next"].log_softmax(-1)[0]
            for place, token in enumerate([*whole[start + 1 : start + 5], END][: window.shape[1]]):
                if token != 1:
                    nats, tokens = nats - float(said[place, token]), tokens + 1
    bits, perplexity = evaluation.score(answers)
    assert (bits.name, perplexity.name) == ("bits_per_byte", "perplexity")
    assert bits.value == pytest.approx(nats / math.log(2) / (10 + 3 + 3), rel=1e-5)
    assert perplexity.value == pytest.approx(math.exp(nats / tokens), rel=1e-5)
    assert bits.low < bits.value < bits.high
    assert answers.frame["fault"].drop_nulls().len() == 1
    assert int(answers.frame["tokens"].sum()) == int(tokens) == 11 + 4 + 2


def test_knowing_nothing_costs_the_alphabet():
    codec = codec_of("abcdefg", longest=64)
    batch, _ = codec.encode(rows("abcdefg" * 20))
    port = codec.writes[0]
    nats = batch["bears"].sum(1).double() * math.log(codec.alphabet)
    from modelwright.evaluation.following import lines

    assert Perplexity().score(Answers(lines(batch, nats), port)).value == pytest.approx(codec.alphabet)


def test_the_interval_covers_the_truth():
    """Pieces drawn from a law that is known: 95 of 100 intervals hold its mean, give or take."""
    port, dice, held = Port("next", Tokens(50, 8)), np.random.default_rng(0), 0
    for _ in range(100):
        nats = dice.gamma(4.0, 3.0, 60)
        same = {"row": 0, "place": 0, "tokens": 8, "bytes": 8, "fault": None}
        columns = {"nats": nats, **{name: [value] * 60 for name, value in same.items()}}
        score = BitsPerByte().score(Answers(pl.DataFrame(columns), port))
        held += score.low <= 12.0 / 8 / math.log(2) <= score.high
    assert 86 <= held <= 100


def test_one_piece_alone_is_not_certain():
    frame = pl.DataFrame({"row": [0], "place": [0], "tokens": [8], "bytes": [8], "nats": [9.0], "fault": [None]})
    for metric in (BitsPerByte(), Perplexity()):
        score = metric.score(Answers(frame, Port("next", Tokens(50, 8))))
        assert score.low <= score.value < score.high
    with pytest.raises(Refused, match="nothing to score"):
        BitsPerByte().score(Answers(frame.clear(), Port("next", Tokens(50, 8))))


def test_baselines_are_what_was_counted():
    codec = codec_of("aaab", longest=16)
    train, _ = codec.encode(rows("aaab"))
    a, b = (FIRST + place for place in range(2))
    found = grams.counted(train, codec.alphabet)
    assert found.alone[[a, b, END]] == pytest.approx(np.array([3.5, 1.5, 1.5]) / (5 + 0.5 * 5))
    after_a = found.bigram(np.array([a, a]), np.array([a, b]))
    assert after_a == pytest.approx([(2 + 2 * found.alone[a]) / 5, (1 + 2 * found.alone[b]) / 5])
    everything = np.arange(codec.alphabet)
    for before in everything:
        assert found.bigram(np.full(codec.alphabet, before), everything).sum() == pytest.approx(1.0), "chances add up to 1"
    assert found.unigram(everything).sum() == pytest.approx(1.0)
    answers = grams.baselines(train, train, codec)
    assert list(answers) == ["unigram", "bigram"]
    unigram = float(answers["unigram"].frame["nats"].sum())
    assert unigram == pytest.approx(-float(np.log(found.alone[[a, a, a, b, END]]).sum()))


# --- two models on the same texts ----------------------------------------------------------------------------------------


def said(nats, tokens=8, n=80):
    columns = {"row": np.arange(n) // 4, "place": np.arange(n) % 4 * 8, "tokens": [tokens] * n, "bytes": [8] * n, "nats": nats}
    return Answers(pl.DataFrame({**columns, "fault": [None] * n}), Port("next", Tokens(50, 8)))


@pytest.mark.parametrize("metric", [BitsPerByte(), Perplexity()])
def test_a_difference_is_judged_by_pieces_and_turns_its_sign(metric):
    dice = np.random.default_rng(0)
    hard = dice.gamma(9.0, 2.0, 80)
    a, b = said(hard), said(hard * 0.98 + dice.normal(0, 0.05, 80))
    found, back = evaluation.difference(metric, a, b), evaluation.difference(metric, b, a)
    assert found.value == pytest.approx(metric.score(b).value - metric.score(a).value)
    assert found.low < found.value < found.high < 0, "two percent are shown, since every piece is judged by both"
    assert (back.low, back.value, back.high) == pytest.approx((-found.high, -found.value, -found.low))
    assert metric.score(a).low < metric.score(b).high, "intervals of their own would not have shown it"
    same = evaluation.difference(metric, a, a)
    assert same.low < same.value == 0 < same.high
    assert evaluation.same_rows(a, b)


def test_other_tokens_are_compared_by_whole_texts():
    a, b = said(np.full(80, 9.0)), said(np.linspace(5, 8, 80), tokens=5)
    b = replace(b, frame=b.frame.with_columns(place=pl.col("place") // 2))
    found = evaluation.difference(BitsPerByte(), a, b)
    assert found.n == 20
    assert found.high < 0


# --- going on -----------------------------------------------------------------------------------------------------------


def loud(longest: int = 12):
    port = Tokens(23, longest)
    module = models.build(Decoder(1, 16, 2), (Port("inputs", port),), (Port("next", port),), 3).eval()
    with torch.no_grad():
        for weight in module.parameters():
            weight.mul_(3)
    return module


def going_on(module, prompt, how):
    return [token for (token,) in onward(module, [begun(prompt, how)], how)]


def test_going_on_is_generating_while_there_is_place():
    for how in (Sampling(most=5), Sampling(most=5, temperature=1.0, seed=4)):
        assert going_on(loud(), [5, 6, 7], how) == generate(loud(), [[5, 6, 7]], how)[0]


def test_past_the_last_place_the_last_half_is_read_again():
    module, prompt = loud(), [5, 6, 7]
    found = going_on(module, prompt, Sampling(most=30))
    assert len(found) == 30
    text = list(prompt)
    for token in found:
        if len(text) >= 12:
            text = text[-6:]
        assert generate(module, [text], Sampling(most=1)) == [[token]]
        text.append(token)
    drawn = going_on(module, prompt, Sampling(most=30, temperature=1e6))  # all are as likely: what is drawn is chance alone
    assert drawn[9:15] != drawn[15:21], "each turn has chance of its own"


def test_a_long_prompt_begins_at_its_last_half_and_it_ends_at_a_stop():
    module = loud()
    whole, half = (going_on(module, list(range(start, 20)), Sampling(most=4)) for start in (3, 14))
    assert whole == half
    first = going_on(module, [5, 6, 7], Sampling())[0]
    assert going_on(module, [5, 6, 7], Sampling(stop=(first,))) == []


def test_what_is_never_said_is_not_said():
    likeliest = generate(loud(), [[5, 6]], Sampling(most=1))[0][0]
    assert generate(loud(), [[5, 6]], Sampling(most=1, never=(likeliest,)))[0][0] != likeliest
    said = generate(loud(), [[5, n] for n in range(23)] * 2, Sampling(most=1, temperature=50.0, never=tuple(range(20))))
    assert {token for (token,) in said} == {20, 21, 22}


# --- the whole life -----------------------------------------------------------------------------------------------------

ORDER = """
[data]
kind = "text"
path = "rhymes"
documents = ["*.txt"]
[check]
accept = ["near_leak"]
[codec]
kind = "documents"
longest = 32
[model]
kind = "decoder"
depth = 2
width = 32
[training]
epochs = 15
batch = 16
optimizer = {kind = "adamw", rate = 0.01}
[machine]
threads = 1
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("home")
    (folder / "rhymes").mkdir()
    for place in range(12):
        (folder / "rhymes" / f"{place:02}.txt").write_text(RHYME * (2 + place), encoding="utf-8")
    (folder / "rhymes.toml").write_text(ORDER, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def lived(home) -> life.Lived:
    recipe = open_recipe(home / "rhymes.toml", ["protection.sign=false"])
    return life.run(recipe, RunFolder(home / "run"))


def test_a_life_of_texts_ends_better_than_counting(lived):
    bits, perplexity = lived.scores
    assert bits.value < 0.3 < lived.baselines["bigram"][0].value < lived.baselines["unigram"][0].value
    assert bits.high < lived.baselines["bigram"][0].low
    assert 1.0 < perplexity.value < 1.3
    assert lived.artifact.metrics == (BitsPerByte(), Perplexity())


def test_the_report_and_the_card_open(lived):
    page = lived.folder.report.read_text(encoding="utf-8")
    assert "It goes on with texts" in page
    assert "modelwright generate" in page
    assert "modelwright predict" not in page
    assert "None" not in page.partition('id="recipe"')[0]
    card = (lived.folder.artifact / "README.md").read_text(encoding="utf-8")
    assert "modelwright generate {FOLDER}" in card
    assert RHYME[:20] not in page + card, "no row of the data is told"


def test_it_goes_on_as_it_learned(lived, capsys):
    assert main(["generate", str(lived.folder.artifact), "one two ", "--tokens", "60"]) == 0
    assert capsys.readouterr().out == RHYME[:68] + "\n"
    assert main(["generate", str(lived.folder.artifact), RHYME[:60], "--tokens", "300", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["text"].startswith(RHYME[60:])
    assert said["dropped"] == 61 - 16
    assert len(said["text"]) <= 300


def test_prompts_are_told_as_they_are_read(lived, capsys):
    assert main(["generate", str(lived.folder.artifact), "Z" * 40 + "one two ", "--tokens", "5"]) == 0
    told = capsys.readouterr()
    assert "40 characters of the prompt are unknown" in told.err
    assert "longer than the 32 tokens" in told.err
    assert "Its first 33 tokens are not read." in told.err
    assert told.out.startswith("Z" * 40 + "one two ")
    assert len(told.out) == 40 + 8 + 5 + 1
    assert main(["generate", str(lived.folder.artifact), "Z", "--tokens", "5", "--quiet"]) == 0
    assert not capsys.readouterr().err
    assert main(["generate", str(lived.folder.artifact), "", "--tokens", "8"]) == 0
    assert capsys.readouterr().out == "one two \n"


def test_another_seed_another_text_and_the_same_seed_the_same(lived, capsys):
    words = ["generate", str(lived.folder.artifact), "o", "--temperature", "3", "--tokens", "40"]
    texts = []
    for more in ([], [], ["--seed", "1"], ["--top-k", "1"], ["--temperature", "0"]):
        assert main([*words, *more]) == 0
        texts.append(capsys.readouterr().out)
    assert texts[0] == texts[1] != texts[2]
    assert texts[3] == texts[4]
    assert main([*words, "--top-p", "2"]) == 2
    assert "top_p" in capsys.readouterr().err


def test_an_artifact_is_verified_from_its_files_and_taken_back(lived, home, capsys):
    assert main(["verify", str(lived.folder.artifact), "--data", str(home / "rhymes"), "--require-scores"]) == 0
    assert "bits_per_byte" in capsys.readouterr().out
    again = shelf.take(lived.folder.artifact)
    begun = generating.begin(again, RHYME[:20])
    assert "".join(generating.generate(again, begun, Sampling(most=15))) == RHYME[20:35]


@pytest.mark.parametrize(
    "words",
    [
        ("predict", "{artifact}", "rows.csv", "-o", "answers.csv"),
        ("explain", "{artifact}", "{rows}"),
        ("explain", "{artifact}", "{rows}", "--method", "permutation"),
        ("compress", "{artifact}", "-o", "smaller"),
        ("export", "{artifact}", "--to", "onnx", "--data", "{rows}", "-o", "exported"),
    ],
)
def test_what_does_not_apply_is_refused_with_a_way_out(words, lived, home, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    pl.DataFrame({"text": [RHYME] * 300}).write_csv("rows.csv")
    facts = {"artifact": lived.folder.artifact, "rows": "rows.csv"}
    assert main([word.format(**facts) for word in words]) == 2
    told = capsys.readouterr().err
    assert "goes on with texts" in told
    assert "modelwright generate" in told


def test_a_model_of_labels_does_not_go_on(tmp_path, capsys):
    order = {
        "data": {"kind": "bundled", "name": "iris"}, "codec": {"kind": "columns", "label": "target"},
        "model": {"kind": "linear"}, "training": {"epochs": 1, "batch": 32, "optimizer": {"kind": "sgd"}},
    }  # fmt: skip
    recipe = open_recipe(order, ["protection.sign=false", "explanation.mistakes=0", "evaluation.baselines=false"])
    life.run(recipe, RunFolder(tmp_path / "run"))
    assert main(["generate", str(tmp_path / "run" / "artifact"), "Once"]) == 2
    assert "does not go on with texts" in capsys.readouterr().err


def test_two_lives_are_compared_by_their_passages(lived, home, capsys):
    other = open_recipe(home / "rhymes.toml", ["protection.sign=false", "training.epochs=2"])
    life.run(other, RunFolder(home / "shorter"))
    assert main(["compare", str(home / "run"), str(home / "shorter"), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [pair["name"] for pair in found["scores"]] == ["bits_per_byte", "perplexity"]
    assert found["verdict"] == "worse"


def test_the_check_shows_ten_passages_with_what_bears_loss(home, capsys):
    words = ["check", str(home / "rhymes.toml")]
    words += ["--set", 'codec.tokenizer={kind = "character", vocabulary = 12}']
    assert main([*words, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert len(found["examples"]) == 10
    assert found["counted"]["borne"] < found["counted"]["read"]
    assert main(words) == 0
    shown = capsys.readouterr().out
    assert "tokens bear loss" in shown
    assert "[?]" in shown


def test_a_life_of_texts_is_rehearsed_on_their_beginnings(home, capsys):
    from modelwright import rehearsing

    long = home / "long"
    long.mkdir()
    for place in range(8):
        (long / f"{place}.txt").write_text(f"{place} " + RHYME * 400, encoding="utf-8")
    recipe = open_recipe(home / "rhymes.toml", [f"data.path={long.as_posix()}", "protection.sign=false"])
    found = rehearsing.rehearse(recipe)
    assert found.fault is None
    assert [one.stage for one in found.stages][-1] == "take back"


def test_a_run_goes_on_where_it_was_stopped(home):
    recipe = open_recipe(home / "rhymes.toml", ["protection.sign=false", "training.epochs=3"])
    whole = life.run(recipe, RunFolder(home / "whole"))
    steps = iter((False, False, False))
    with pytest.raises(KeyboardInterrupt):
        life.run(recipe, RunFolder(home / "stopped"), life.Opening(stop=lambda: next(steps, True)))
    again = life.run(recipe, RunFolder(home / "stopped"), life.Opening(resume=True))
    one, other = (run.artifact.module.state_dict() for run in (whole, again))
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_pairs_of_bytes_are_learned_too(home):
    recipe = open_recipe(home / "rhymes.toml", ["protection.sign=false", "training.epochs=3"])
    recipe = replace(recipe, codec=Documents(longest=16, tokenizer=BPE(270)))
    found = life.run(recipe, RunFolder(home / "pairs"))
    codec = found.artifact.codec
    assert (found.folder.artifact / "tokenizer.json").exists()
    assert codec.reads[0].kind == Tokens(FIRST + 270, 16)
    assert data.encode_all(codec, rows(RHYME))[0]["bytes"].sum() == len(RHYME)
    begun = generating.begin(found.artifact, "one")
    lead = FIRST + codec.tokenizer.pieces.index(b"\xe5")
    others = tuple(token for token in range(FIRST, FIRST + 270) if token != lead)
    said = generating.generate(found.artifact, begun, Sampling(most=1, never=(END, *others)))
    assert "".join(said) == "\ufffd", "half of a character is told as what it is"


def test_it_says_nothing_after_the_end(lived):
    """Only the end and one letter may be said, both alike: the end comes soon."""
    others = tuple(token for token in range(FIRST + 1, lived.artifact.codec.alphabet))
    begun = generating.begin(lived.artifact, "one")
    lengths = [
        len("".join(generating.generate(lived.artifact, begun, Sampling(temperature=1e6, never=others, seed=seed))))
        for seed in range(10)
    ]
    assert max(lengths) < 20
    assert len(set(lengths)) > 2
