"""Words and their tags, from raw rows to entities: what bears loss, what is at fault, seqeval's figures, the whole life."""

from __future__ import annotations

import json
import random
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import seqeval.metrics
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from seqeval.scheme import IOB2, IOBES, Entities

from modelwright import data, evaluation, life, models, preparing, shelf, using
from modelwright.__main__ import main
from modelwright.data.codecs import Documents, Tags
from modelwright.data.codecs.documents import BPE, Character
from modelwright.data.codecs.documents.masking import Masking
from modelwright.data.codecs.tags import schemes
from modelwright.data.codecs.tokens.subwords import Unigram, WordPiece
from modelwright.data.sources import Conll
from modelwright.evaluation import words
from modelwright.folder import RunFolder
from modelwright.machine import tuned
from modelwright.models import Encoder
from modelwright.nouns import Answers, Artifact, Port, Refused, Rows, Tagged, Tuning
from modelwright.objectives import WordTag
from modelwright.parallel import ALONE
from modelwright.reader import parse
from modelwright.recipe import open_recipe

SMALL = Encoder(depth=1, width=16, heads=2)
SCHEMES = {"iob2": IOB2, "bioes": IOBES}
PIECES = WordPiece(vocabulary=120)


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    with tuned(Tuning(threads=1)):
        yield


def sentences(n: int, seed: int = 0) -> list[tuple[list[str], list[str]]]:
    """Names of one word or two, among other words."""
    dice = random.Random(seed)
    found = []
    for _ in range(n):
        told: list[tuple[str, str]] = []
        for _ in range(dice.randrange(1, 4)):
            named = [(dice.choice(["Anna", "Boris"]), "B-PER"), (dice.choice(["Stone", "Field"]), "I-PER")]
            told += named[: dice.randrange(1, 3)] if dice.random() < 0.5 else [(dice.choice(["walks", "sees", "sings"]), "O")]
        found.append(([word for word, _ in told], [tag for _, tag in told]))
    return found


def rows(*told: tuple[object, object]) -> Rows:
    cells = [[cell if isinstance(cell, str | None) else json.dumps(cell) for cell in row] for row in told]
    frame = pl.DataFrame(cells, schema={"words": pl.String, "tags": pl.String}, orient="row")
    return Rows(np.arange(len(told)), frame)


def codec_of(*told, **values):
    return Tags(**{"tokenizer": PIECES, **values}).fit(lambda: iter([rows(*told)]))


# --- the codec ----------------------------------------------------------------------------------------------------------


def test_a_word_bears_loss_at_its_first_token_alone():
    told = (["abcd", "ab", "x"], ["B-PER", "O", "B-LOC"])
    codec = codec_of(told, tokenizer=Character())
    batch, faults = codec.encode(rows(told))
    assert faults.is_empty()
    assert codec.names == ("O", "B-LOC", "B-PER")
    spelled = [codec.named(token) for token in batch["inputs"][0].tolist()]
    assert "".join(spelled[1:-1]) == "abcd ab x"
    assert batch["bears"][0].nonzero()[:, 0].tolist() == [1, 6, 9]  # the letter, and not the space before it
    assert batch["tags"][0][batch["bears"][0]].tolist() == [2, 0, 1]
    assert not batch["tags"][~batch["bears"]].any()
    assert batch["count"].tolist() == [3]


@pytest.mark.parametrize("tokenizer", [PIECES, BPE(300), Unigram(300), Character()], ids=lambda one: type(one).__name__)
def test_words_become_the_tokens_that_their_text_becomes(tokenizer):
    told = sentences(30)
    codec = codec_of(*told, tokenizer=tokenizer, longest=99)
    batch, _ = codec.encode(rows(*told))
    begin, end = codec.controls.begin, codec.controls.end
    for place, (said, tags) in enumerate(told):
        whole = codec.tokenizer.numbers(pl.Series([" ".join(said)]))[0].tolist()
        assert batch["inputs"][place][batch["mask"][place]].tolist() == [*begin, *whole, *end]
        assert [codec.names[number] for number in batch["tags"][place][batch["bears"][place]].tolist()] == tags


def test_what_is_too_long_is_counted_exactly_and_gets_no_tag():
    told = [(["ab", "cd", "ef"], ["B-A", "O", "B-A"]), (["ab", "cd"], ["B-A", "O"])]
    codec = codec_of(*told, tokenizer=Character(), longest=7)  # before it 1, after it 1: five letters and spaces
    batch, _ = codec.encode(rows(*told))
    assert codec.cut(rows(*told)).tolist() == [True, False]
    assert batch["bears"].sum(1).tolist() == [2, 2] and batch["count"].tolist() == [3, 2]
    seen = data.became(batch, codec)
    assert (seen.rows, seen.words, seen.borne, seen.cut) == (2, 5, 4, 1)
    (late,) = data.late_findings(rows(*told), codec)
    assert late.name == "overlong" and late.count == 1
    module = models.build(SMALL, codec.reads, codec.writes, 0)
    frame = evaluation.answer_rows(module, codec, rows(*told)).frame
    assert [len(tags) for tags in frame["answer"]] == [3, 2] and frame["answer"][0].to_list()[2] is None
    assert frame["tokens"].to_list() == [3, 2]
    assert frame["there"].to_list() == [2, 1], "an entity beyond the window is there all the same"
    fed = evaluation.answer(module, codec, data.batches(batch, 4)).frame
    assert fed["hits"].to_list() == frame["hits"].to_list(), "a word that is not read is never right"


@pytest.mark.parametrize("longest", range(3, 14))
def test_wherever_a_row_is_cut_only_words_that_begin_before_it_bear_loss(longest):
    told = (["abc", "d", "ef", "g"], ["O"] * 4)
    codec = codec_of(told, tokenizer=Character(), longest=longest)
    batch, _ = codec.encode(rows(told))
    spelled = [codec.named(token) for token in batch["inputs"][0].tolist()]
    assert len(spelled) == min(longest, 12) and spelled[-1] == spelled[0] == "(end)"
    begun = [letter for letter, bears in zip(spelled, batch["bears"][0].tolist()) if bears]
    assert begun == [letter for letter in "".join(spelled[1:-1]) if letter in "adeg"][: len(begun)]
    assert len(begun) == sum(start < longest - 2 for start in (0, 4, 6, 9))


FAULTY = [
    ((["a", "b"], ["O"]), "2 words and 1 tags"), ((["a"], ["Q"]), 'Tag 1, "Q", is not of iob2'),
    ((["a"], ["E-PER"]), 'Tag 1, "E-PER", is not of iob2'),
    ((["a", "b"], ["O", "I-PER"]), "has not begun"), ((["a", "b"], ["B-LOC", "I-PER"]), "has not begun"),
    ((["a"], ["B-ORG"]), "in no training row"), ((["a", " "], ["O", "O"]), "Word 2 is empty"), (("a b", ["O"]), "no list"),
    ((["a"], '{"O": 1}'), "no list"), ((["a"], "[1]"), "no list"), (([["a"]], ["O"]), "no list"), ((None, ["O"]), "no value"),
    ((["a"], None), "no value"),
]  # fmt: skip


@pytest.mark.parametrize(("told", "why"), FAULTY, ids=[why for _, why in FAULTY])
def test_a_faulty_row_says_why_and_the_others_stand(told, why):
    codec = codec_of((["a", "b"], ["B-PER", "I-PER"]), (["c"], ["B-LOC"]))
    good = (["a", "b"], ["B-PER", "O"])
    batch, faults = codec.encode(rows(good, told, good))
    assert faults["row"].to_list() == [1] and why in faults["sentence"][0]
    assert data.without(batch, faults)[0]["row"].tolist() == [0, 2]
    assert (batch["tags"][0] == batch["tags"][2]).all() and batch["bears"][0].sum() == 2
    (finding,) = data.late_findings(rows(good, told, good), codec)
    assert finding.name == "faulty" and finding.count == 1 and why in finding.examples[0]
    module = models.build(SMALL, codec.reads, codec.writes, 0)
    answers = evaluation.answer_rows(module, codec, rows(good, told, good))
    assert answers.frame["fault"].is_null().to_list() == [True, False, True]
    reads = faults["column"][0] == "tags"
    assert (answers.frame["answer"][1] is not None) == reads, "tags are given where words could be read"
    assert (answers.frame["tokens"][1] > 0) == ("training row" in why), "a tag that nobody learned is judged, and wrong"


def test_tags_that_spell_nothing_need_no_scheme():
    told = (["the", "cat"], ["DET", "NOUN"])
    with pytest.raises(Refused, match="iob2"):
        codec_of(told)
    codec = codec_of(told, scheme="none")
    assert codec.names == ("DET", "NOUN") and codec.encode(rows(told))[1].is_empty()
    answers = evaluation.answer_rows(models.build(SMALL, codec.reads, codec.writes, 0), codec, rows(told))
    assert [score.name for score in evaluation.score(answers)] == ["tag_accuracy"]
    with pytest.raises(Refused, match="no entities"):
        evaluation.F1OfEntities().score(answers)


def test_a_word_without_a_token_is_an_unknown_one():
    codec = codec_of((["a", "b"], ["O", "B-PER"]))
    batch, faults = codec.encode(rows((["\u200b", "b"], ["O", "O"])))
    assert faults.is_empty() and batch["bears"].sum() == 2
    assert batch["inputs"][0, 1] == codec.controls.unknown


def test_what_is_kept_encodes_the_same_bits_whatever_the_chunks():
    told = sentences(30)
    codec = codec_of(*told)
    again = codec.encoding.load(codec.state())
    assert again.reads == codec.reads and again.writes == codec.writes
    whole, _ = codec.encode(rows(*told))
    for other in (again.encode(rows(*told))[0], data.encode_all(codec, rows(*told), height=7)[0]):
        assert all(torch.equal(tensor, other[name]) for name, tensor in whole.items())
    feed = data.Feed(whole, 8, 0)
    fed = [feed.batch(step) for step in range(feed.steps_per_epoch)]
    assert all(one["tags"].shape == one["inputs"].shape == one["bears"].shape for one in fed)
    assert sum(int(one["bears"].sum()) for one in fed) == int(whole["bears"].sum())


# --- objective -----------------------------------------------------------------------------------------------------------


def test_the_loss_is_the_mean_over_words_also_in_micro_batches():
    codec = codec_of(*sentences(20))
    batch, _ = codec.encode(rows(*sentences(20)))
    module = models.build(SMALL, codec.reads, codec.writes, 0).double().eval()
    aim = WordTag().ready(codec.writes)
    wanted, words_seen = 0.0, 0
    for place in range(20):  # row by row, word by word, by hand
        one = {name: tensor[place : place + 1] for name, tensor in batch.items()}
        logits = module(one)["tags"]
        for logit, tag in zip(logits, one["tags"][one["bears"]]):
            wanted -= float((logit[tag] - logit.exp().sum().log()).detach())
            words_seen += 1
    total, count = aim({"model": module}, batch)["tags"].detach(), aim.counts(batch)["tags"]
    assert int(count) == words_seen == int(batch["bears"].sum())
    assert float(total) == pytest.approx(wanted, rel=1e-12)
    halves = [{name: tensor[part] for name, tensor in batch.items()} for part in (slice(0, 7), slice(7, 20))]
    assert sum(float(aim({"model": module}, half)["tags"].detach()) for half in halves) == pytest.approx(wanted, rel=1e-12)
    assert sum(float(aim.counts(half)["tags"]) for half in halves) == words_seen


# --- entities, as seqeval finds them ------------------------------------------------------------------------------------


def tags_of(scheme: str):
    letters = schemes.PREFIXES[scheme]
    tag = st.one_of(st.just("O"), st.builds("{}-{}".format, st.sampled_from(letters), st.sampled_from(["A", "B"])))
    return st.lists(tag, min_size=1, max_size=12)


@pytest.mark.parametrize("scheme", SCHEMES)
@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_entities_are_seqevals(scheme, data):
    tags = data.draw(tags_of(scheme))
    theirs = {entity.to_tuple()[1:] for entity in Entities([tags], SCHEMES[scheme]).entities[0]}
    assert {(name, start, end) for name, start, end in schemes.entities(tags, scheme)} == theirs


@pytest.mark.parametrize("scheme", SCHEMES)
@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_only_what_is_not_of_the_scheme_is_wrong(scheme, data):
    """Tags that are spelled from entities are right, and one of them put elsewhere is told unless it spells the same still."""
    tags = data.draw(tags_of(scheme))
    spelled = ["O"] * len(tags)
    for name, start, end in schemes.entities(tags, scheme):
        inner = "I" * (end - start - 1)
        prefixes = f"B{inner}" if scheme == "iob2" else "S" if end - start == 1 else f"B{inner[:-1]}E"
        spelled[start:end] = [f"{prefix}-{name}" for prefix in prefixes]
    assert schemes.wrong(spelled, scheme) == ""
    assert (schemes.wrong(tags, scheme) == "") == (tags == spelled)


def test_a_prefix_of_another_scheme_spells_nothing():
    assert schemes.entities(["S-A", "E-A"], "iob2") == set()
    assert schemes.entities(["S-A", "E-A"], "bioes") == {("A", 0, 1)}


def answers_of(wanted: list[list[str]], given_: list[list[str]], scheme: str) -> Answers:
    port = Port("tags", Tagged(("O",), scheme))
    return Answers(words.frame(range(len(wanted)), [tuple(t) for t in wanted], [tuple(t) for t in given_], port), port)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_figures_are_seqevals(scheme):
    dice, letters = random.Random(3), schemes.PREFIXES[scheme]
    tag = lambda: dice.choice(["O", *(f"{letter}-{name}" for letter in letters for name in "AB")])  # noqa: E731
    wanted = [[tag() for _ in range(dice.randrange(1, 9))] for _ in range(200)]
    found = [[one if dice.random() < 0.7 else tag() for one in tags] for tags in wanted]
    scores = {score.name: score for score in evaluation.score(answers_of(wanted, found, scheme))}
    strict = {"mode": "strict", "scheme": SCHEMES[scheme]}
    theirs = {
        "f1_of_entities": seqeval.metrics.f1_score(wanted, found, **strict),
        "precision_of_entities": seqeval.metrics.precision_score(wanted, found, **strict),
        "recall_of_entities": seqeval.metrics.recall_score(wanted, found, **strict),
        "tag_accuracy": seqeval.metrics.accuracy_score(wanted, found),
    }
    assert {name: score.value for name, score in scores.items()} == pytest.approx(theirs, abs=1e-12)
    for score in scores.values():
        assert score.low < score.value < score.high and score.n == 200


def test_figures_at_the_edges_have_no_interval_of_zero_width():
    right = answers_of([["B-A", "I-A"], ["O"]] * 20, [["B-A", "I-A"], ["O"]] * 20, "iob2")
    for score in evaluation.score(right):
        assert score.value == 1.0 == score.high and score.low < 1.0
    nothing = answers_of([["O"], ["O", "O"]], [["O"], ["O", "O"]], "iob2")
    assert [score.value for score in evaluation.score(nothing)] == [0.0, 0.0, 0.0, 1.0]  # as seqeval, with its zero_division


def test_two_taggers_are_held_against_each_other():
    wanted = [["B-A", "I-A", "O"]] * 30
    one, other = answers_of(wanted, [["B-A", "O", "O"]] * 30, "iob2"), answers_of(wanted, wanted, "iob2")
    assert evaluation.same_rows(one, other)
    gains = {score.name: score for score in evaluation.differences(evaluation.natural(one.port.kind), one, other)}
    assert gains["f1_of_entities_difference"].value == 1.0
    assert gains["tag_accuracy_difference"].value == pytest.approx(1 / 3)
    assert not evaluation.same_rows(one, answers_of([["O", "O", "O"]] * 30, wanted, "iob2"))


def lost_end(tags, scheme):
    """The last entity of a row is lost."""
    return {one for one in schemes.entities(tags, scheme) if one[2] < len(tags)}


def loose(tags, scheme):
    """After O an I- begins an entity too."""
    before = ["O", *tags[:-1]]
    return schemes.entities([tag.replace("I-", "B-") if was == "O" else tag for was, tag in zip(before, tags)], scheme)


def nameless(tags, scheme):
    """Names are not looked at."""
    return schemes.entities([tag[:2] + "A" if "-" in tag else tag for tag in tags], scheme)


PLANTED = (lost_end, loose, nameless)


@pytest.mark.parametrize("bug", PLANTED)
def test_planted_bugs_are_seen(bug):
    dice = random.Random(0)
    rows_seen = [[dice.choice(["O", "B-A", "I-A", "B-B", "I-B"]) for _ in range(6)] for _ in range(50)]
    theirs = [{entity.to_tuple()[1:] for entity in Entities([tags], IOB2).entities[0]} for tags in rows_seen]
    assert [schemes.entities(tags, "iob2") for tags in rows_seen] == theirs
    assert [bug(tags, "iob2") for tags in rows_seen] != theirs


# --- answers -------------------------------------------------------------------------------------------------------------


def test_a_row_is_tagged_alone_as_in_company():
    codec = codec_of(*sentences(50))
    module = models.build(SMALL, codec.reads, codec.writes, 0)
    with torch.no_grad():
        for weight in module.parameters():
            weight.mul_(3 if weight.ndim == 2 else 1)
    asked = rows(*sentences(20, seed=1))
    together = evaluation.answer_rows(module, codec, asked).frame
    each = (evaluation.answer_rows(module, codec, asked.take(np.array([place]))).frame for place in range(20))
    alone = [frame["answer"][0].to_list() for frame in each]
    assert together["answer"].to_list() == alone
    assert len({tag for tags in alone for tag in tags}) > 1
    batch, _ = codec.encode(asked)
    fed = evaluation.answer(module, codec, data.batches(batch, 6)).frame
    assert fed["answer"].to_list() == alone and fed["label"].to_list() == together["label"].to_list()
    assert evaluation.tolerance(module, codec, asked) < 1e-5
    without = Rows(np.arange(20), asked.columns.select("words"))
    assert evaluation.answer_rows(module, codec, without).frame["answer"].to_list() == alone


@pytest.mark.parametrize("tokenizer", [PIECES, BPE(300), Character()], ids=lambda one: type(one).__name__)
def test_the_majority_is_each_words_most_frequent_tag(tokenizer):
    known = [(["May", "may", "Rome"], ["B-PER", "O", "B-LOC"]), (["Rome", "x"], ["B-LOC", "O"]), (["Rome", "y"], ["O", "O"])]
    asked = [(["x", "Rome", "new"], ["O", "O", "B-LOC"]), (["y", "Rome"], ["O", "B-LOC"])]
    codec = codec_of(*known, tokenizer=tokenizer)
    train, test = (codec.encode(rows(*some))[0] for some in (known, asked))
    (majority,) = evaluation.baselines(train, test, codec).values()
    said = majority.frame["answer"].to_list()
    assert said == [["O", "B-LOC", "O"], ["O", "B-LOC"]]
    assert majority.frame["hits"].to_list() == [1, 2]


def test_a_rival_is_judged_by_the_words_beyond_the_window_too():
    told = [(["ab", "cd", "ef"], ["B-A", "O", "B-A"])] * 4
    codec = codec_of(*told, tokenizer=Character(), longest=7)
    batch, _ = codec.encode(rows(*told))
    answers = evaluation.answer_rows(models.build(SMALL, codec.reads, codec.writes, 0), codec, rows(*told))
    rivals = evaluation.comparable(evaluation.baselines(batch, batch, codec), answers, ())
    assert rivals["majority"].frame["tokens"].to_list() == answers.frame["tokens"].to_list() == [3] * 4
    recall = evaluation.RecallOfEntities().score(rivals["majority"])
    assert recall.value == 0.5


def test_the_worst_rows_are_told_by_their_wrong_words():
    codec = codec_of(*sentences(9))
    port = codec.writes[0]
    told = words.frame([7, 8], [("O", "B-A"), ("O", "O")], [("B-A", "I-A"), ("O", "B-A")], port, [["x", "y"], ["x", "y"]])
    worst = evaluation.mistakes(Answers(told, port))
    assert worst.rows() == [(7, "x/O y/B-A", "x/B-A y/I-A", 2.0), (8, "y/O", "y/B-A", 1.0)]


def test_the_page_shows_the_rows_with_most_words_wrong(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    dice = random.Random(0)
    told = [(said, ["B-PER" if dice.random() < 0.5 else "O" for _ in said]) for said, _ in sentences(120)]  # nothing to learn
    lines = [f"{word} {tag}\n" for said, tags in told for word, tag in [*zip(said, tags), ("", "")]]
    Path("names.conll").write_text("".join(lines), encoding="utf-8")
    lived = life.run(open_recipe(ORDER, ["training.epochs=1"]), RunFolder(tmp_path / "run"))
    page = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert lived.scores[0].value < 1
    assert "Most words wrong" in page and "/B-PER" in page and "words · row" in page


# --- the source ----------------------------------------------------------------------------------------------------------


def test_sentences_of_conll(tmp_path):
    file = tmp_path / "some.conll"
    file.write_text("-DOCSTART- -X- O\n\n# sent_id = 1\nAnna NNP B-PER\n# CD O\n\n\nRome NNP B-LOC", encoding="utf-8")
    found = data.read(Conll(file)).columns
    assert found.rows() == [('["Anna"]', '["B-PER"]'), ('["Rome"]', '["B-LOC"]')]
    assert data.read(data.from_path(file)).columns.equals(found)
    assert data.read(Conll(file, word=1, tag=0)).columns["words"].to_list() == ['["NNP"]', '["NNP"]']
    file.write_text("a O\nb\n", encoding="utf-8")
    with pytest.raises(Refused, match="line 2: of its 1 fields"):
        data.read(Conll(file, word=0, tag=1))
    with pytest.raises(Refused, match="no rows"):
        file.write_text("\n \n", encoding="utf-8")
        data.read(Conll(file))


# --- the whole life ------------------------------------------------------------------------------------------------------

ORDER = """
format = 1
[machine]
threads = 1
[data]
kind = "conll"
path = "names.conll"
[check]
accept = ["leak"]
[codec]
kind = "tags"
longest = 24
tokenizer = {kind = "word_piece", vocabulary = 120}
[model]
kind = "encoder"
depth = 1
width = 16
heads = 2
[training]
epochs = 8
batch = 16
optimizer = {kind = "adam", rate = 0.02}
[protection]
sign = false
"""


def test_a_tagger_from_its_rows_to_its_tags(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    told = sentences(240)
    lines = [f"{word} {tag}\n" for said, tags in told for word, tag in [*zip(said, tags), ("", "")]]
    Path("names.conll").write_text("".join(lines), encoding="utf-8")
    Path("tags.toml").write_text(ORDER, encoding="utf-8")
    assert main(["check", "tags.toml"]) == 0
    shown = capsys.readouterr().out
    assert "bear loss" in shown and "=B-PER" in shown and "[(begin)]" in shown
    lived = life.run(open_recipe(ORDER), RunFolder(tmp_path / "run"))
    scores = {score.name: score for score in lived.scores}
    assert scores["f1_of_entities"].value > 0.9
    assert set(lived.baselines) == {"majority"}
    page = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert "It tags words" in page
    assert main(["verify", "run/artifact", "--data", "names.conll"]) == 0
    asked = [*({"words": said} for said, _ in sentences(5, seed=9)), {"words": "what"}]
    Path("asked.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in asked), encoding="utf-8")
    for out in ("tags.jsonl", "tags.csv"):
        using.predict(shelf.take(tmp_path / "run" / "artifact"), Path("asked.jsonl"), Path(out))
    found = [json.loads(line) for line in Path("tags.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [len(row["answer"]) for row in found[:5]] == [len(row["words"]) for row in asked[:5]]
    assert found[5]["answer"] is None and "no list" in found[5]["fault"]
    flat = pl.read_csv("tags.csv")["answer"].to_list()
    assert [json.loads(cell) for cell in flat[:5]] == [row["answer"] for row in found[:5]]


@pytest.mark.parametrize(("tags", "scheme"), [("BI", "iob2"), ("BE", "bioes"), ("XY", "none")])
def test_a_draft_sees_that_labels_are_tags(tags, scheme, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    start, end = (f"{prefix}-PER" if scheme != "none" else prefix for prefix in tags)
    said = [{"id": str(n), "said": ["a", "Anna", "Stone"], "is": ["O", start, end]} for n in range(60)]
    Path("names.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in said), encoding="utf-8")
    assert main(["init", "names.jsonl", "--label", "is"]) == 0
    recipe = open_recipe(capsys.readouterr().out)
    assert recipe.codec == Tags("said", "is", scheme=scheme)
    assert isinstance(recipe.model, Encoder)


def test_a_tagger_begins_with_the_weights_of_another(tmp_path):
    """A base that learned hidden tokens: its tokenizer and all its weights but the heads."""
    told = sentences(40)
    texts = Rows(np.arange(40), pl.DataFrame({"text": [" ".join(said) for said, _ in told]}))
    read = Documents(longest=24, tokenizer=PIECES, masking=Masking())
    codec = read.fit(lambda: iter([texts]))
    module = models.build(SMALL, codec.reads, codec.writes, 1)
    shelf.put(Artifact(SMALL, codec, module), tmp_path / "base")
    lines = [f"{word} {tag}\n" for said, tags in told for word, tag in [*zip(said, tags), ("", "")]]
    (tmp_path / "names.conll").write_text("".join(lines), encoding="utf-8")
    base = {"kind": "base", "artifact": str(tmp_path / "base")}
    tree, _ = parse(ORDER)
    recipe = open_recipe({**tree, "data": {"kind": "conll", "path": str(tmp_path / "names.conll")}, "model": base})
    material = life.gather(recipe)
    opened, start = life.opened(recipe, material)
    encoded = life.encode(opened, material, start)
    assert encoded.codec.tokenizer is start.codec.tokenizer
    begun, _, _ = preparing.parts(opened, encoded, ALONE)
    weights, before = begun.state_dict(), module.state_dict()
    carried = [name for name in weights if not name.startswith(("heads.", "guess."))]
    assert carried and all(torch.equal(weights[name], before[name]) for name in carried)
