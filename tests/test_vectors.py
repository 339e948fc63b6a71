"""Pairs of texts that mean alike, from raw rows to vectors: what is a negative of what, the formula, the figures, a life."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import spearmanr
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.metrics import ndcg_score

from modelwright import comparing, data, evaluation, life, models, preparing, shelf, using
from modelwright.__main__ import main
from modelwright.data.codecs import Documents, Sentences
from modelwright.data.codecs.documents.masking import Masking
from modelwright.data.codecs.tokens.subwords import WordPiece
from modelwright.evaluation import ranking
from modelwright.folder import RunFolder
from modelwright.machine import tuned
from modelwright.models import Encoder
from modelwright.nouns import Answers, Artifact, Port, Refused, Rows, Tuning, Vector
from modelwright.objectives import Contrastive
from modelwright.objectives.contrastive import same
from modelwright.parallel import ALONE
from modelwright.reader import parse
from modelwright.recipe import open_recipe

SMALL = Encoder(depth=1, width=16, heads=2)
PIECES = WordPiece(vocabulary=150)
PORT = Port("vector", Vector(2, unit=True))
SAYS = {
    "cat": "feline", "dog": "hound", "car": "automobile", "house": "home", "ship": "vessel", "road": "street", "king": "ruler",
    "big": "large", "old": "ancient", "sleeps": "rests", "runs": "races", "falls": "drops", "sings": "chants",
}  # fmt: skip


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    with tuned(Tuning(threads=1)):
        yield


def pairs(n: int, seed: int = 0) -> list[dict[str, str]]:
    """Different sentences, each said in other words."""
    dice, words, found = random.Random(seed), list(SAYS), dict[tuple[str, ...], None]()
    while len(found) < n:
        found[(dice.choice(words[7:9]), dice.choice(words[:7]), dice.choice(words[9:]), dice.choice(words[:7]))] = None
    return [{"text": " ".join(said), "positive": " ".join(SAYS[word] for word in said)} for said in found]


def rows(told: list[dict[str, object]]) -> Rows:
    return Rows(np.arange(len(told)), pl.DataFrame(told, schema=dict.fromkeys(told[0], pl.String), strict=False))


def codec_of(told: list[dict[str, object]], **values):
    order = Sentences(width=16, longest=24, places=32, tokenizer=PIECES)
    return replace(order, **values).fit(lambda: iter([rows(told)]))


# --- the codec ----------------------------------------------------------------------------------------------------------


def test_both_texts_of_a_pair_are_read_as_each_would_be_alone():
    told = pairs(20)
    codec = codec_of(told)
    batch, faults = codec.encode(rows(told))
    assert faults.is_empty()
    for side, mask, name in (("inputs", "mask", "text"), ("other", "other_mask", "positive")):
        alone, _ = codec.encode(rows([{"text": row[name]} for row in told]))
        assert torch.equal(batch[side], alone["inputs"]) and torch.equal(batch[mask], alone["mask"])
        assert "other" not in alone and "alike" not in alone
    assert batch["alike"].all()
    assert len(set(batch["key"].tolist())) == 20 and not set(batch["key"].tolist()) & set(batch["other_key"].tolist())


def test_scores_say_which_pairs_are_alike():
    told = [{**row, "score": score} for row, score in zip(pairs(5), ["5", "4.0", "3.9", None, "much"])]
    codec = codec_of(told, score="score", alike=4.0)
    batch, faults = codec.encode(rows(told))
    assert batch["alike"].tolist() == [True, True, False, False, False]
    assert batch["score"][:3].tolist() == pytest.approx([5, 4, 3.9])
    assert faults["row"].to_list() == [3, 4] and set(faults["column"]) == {"score"}
    seen = data.became(batch, codec)
    assert (seen.pairs, seen.borne) == (5, 2) and "3 are less alike" in seen.sentence
    with pytest.raises(Refused, match="come together"):
        codec_of(told, score="score")
    with pytest.raises(Refused, match="nothing to learn"):
        data.became({**batch, "alike": torch.zeros(5, dtype=torch.bool)}, codec)


def test_a_pair_without_one_of_its_texts_is_at_fault_and_its_text_is_answered():
    told = [*pairs(3), {"text": "a cat", "positive": None}, {"text": None, "positive": "a cat"}, {"text": "x", "positive": " "}]
    codec = codec_of(told)
    batch, faults = codec.encode(rows(told))
    assert sorted(zip(faults["row"].to_list(), faults["column"].to_list())) == [(3, "positive"), (4, "text"), (5, "positive")]
    assert data.without(batch, faults)[0]["row"].tolist() == [0, 1, 2]
    frame = evaluation.answer_rows(models.build(SMALL, codec.reads, codec.writes, 0), codec, rows(told)).frame
    assert frame["answer"].is_null().to_list() == [False] * 4 + [True, False]
    assert frame["fault"].is_null().to_list() == [True] * 3 + [False] * 3
    assert frame["above"].is_null().to_list() == frame["likeness"].is_null().to_list() == [False] * 3 + [True] * 3
    (finding,) = data.late_findings(rows(told), codec)
    assert finding.name == "faulty" and finding.count == 3
    with pytest.raises(Refused, match="both in"):
        codec_of(told[3:])


def test_what_is_too_long_on_any_side_is_counted():
    told = [{"text": "cat" + " cat" * one, "positive": "cat" + " cat" * other} for one, other in ((0, 0), (9, 0), (0, 9))]
    codec = codec_of(told, longest=8)
    assert codec.cut(rows(told)).tolist() == [False, True, True]
    assert codec.cut(rows([{"text": row["text"]} for row in told])).tolist() == [False, True, False]
    with pytest.raises(Refused, match="places"):
        codec_of(told, longest=40)


def test_what_is_kept_encodes_the_same_bits_whatever_the_chunks():
    told = [{**row, "no": other["positive"]} for row, other in zip(pairs(30), pairs(30, seed=1))]
    codec = codec_of(told, negative="no")
    again = codec.encoding.load(codec.state())
    assert again.reads == codec.reads and again.writes == codec.writes
    whole, _ = codec.encode(rows(told))
    for other in (again.encode(rows(told))[0], data.encode_all(codec, rows(told), height=7)[0]):
        assert all(torch.equal(tensor, other[name]) for name, tensor in whole.items())
    feed = data.Feed(whole, 8, 0)
    for step in range(feed.steps_per_epoch):
        fed = feed.batch(step)
        for side, mask in (("inputs", "mask"), ("other", "other_mask"), ("against", "against_mask")):
            assert fed[side].shape == fed[mask].shape and fed[side].shape[1] == fed[mask].sum(1).max()


# --- the objective -------------------------------------------------------------------------------------------------------


def batch_of(keys: list[int], others: list[int], alike: list[bool] | None = None, against: list[int] | None = None):
    """Rows whose "tokens" are places in a table of vectors."""
    n = len(keys)
    batch = {"row": torch.arange(n), "inputs": torch.arange(n), "mask": torch.ones(n, 1), "other": torch.arange(n, 2 * n)}
    batch |= {"other_mask": torch.ones(n, 1), "key": torch.tensor(keys), "other_key": torch.tensor(others)}
    batch["alike"] = torch.tensor(alike or [True] * n)
    if against is not None:
        batch |= {"against": torch.arange(2 * n, 3 * n), "against_mask": torch.ones(n, 1), "against_key": torch.tensor(against)}
    return batch


def table(n: int) -> torch.Tensor:
    return torch.randn(3 * n, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(n)).requires_grad_()


def loss_of(batch, vectors: torch.Tensor, temperature: float = 0.07) -> torch.Tensor:
    aim = Contrastive(temperature).ready((PORT,))
    found = aim({"model": lambda texts: {"vector": vectors[texts["inputs"]]}}, batch)["vector"]
    return found / aim.counts(batch)["vector"]


def number(loss: torch.Tensor) -> float:
    return float(loss.detach())


def by_hand(vectors: torch.Tensor, asked: list[tuple[int, int, list[int]]], temperature: float = 0.07) -> torch.Tensor:
    """The mean of -ln p over (anchor, positive, negatives), each a place in the table."""
    units = vectors / vectors.norm(dim=1, keepdim=True)
    total = torch.zeros((), dtype=torch.float64)
    for anchor, positive, negatives in asked:
        powers = {place: torch.exp((units[anchor] * units[place]).sum() / temperature) for place in [positive, *negatives]}
        total = total - torch.log(powers[positive] / sum(powers.values()))
    return total / len(asked)


@pytest.mark.parametrize("with_negatives", [False, True])
def test_the_loss_and_its_slope_are_the_plain_formulas(with_negatives):
    n = 6
    vectors = table(n)
    batch = batch_of(list(range(n)), list(range(n, 2 * n)), against=list(range(2 * n, 3 * n)) if with_negatives else None)
    candidates = range(n, 3 * n if with_negatives else 2 * n)
    plain = by_hand(vectors, [(row, n + row, [c for c in candidates if c != n + row]) for row in range(n)])
    found = loss_of(batch, vectors)
    assert number(found) == pytest.approx(number(plain), rel=1e-12)
    ours, theirs = (torch.autograd.grad(one, vectors)[0] for one in (found, plain))
    assert torch.allclose(ours, theirs, rtol=1e-10, atol=1e-12)


def test_what_says_the_same_is_no_negative():
    """Rows 0 and 1 have one anchor, 2 and 3 one positive; 4's anchor is 5's positive, and 5's negative is its own positive."""
    batch = batch_of([10, 10, 12, 13, 14, 15], [20, 21, 22, 22, 24, 14], against=[30, 31, 22, 33, 34, 14])
    vectors, n = table(6), 6
    gone = {0: {1}, 1: {0}, 2: {3, 2 + n}, 3: {2, 2 + n}, 4: {5, 5 + n}, 5: {5 + n}}
    asked = [(row, n + row, [n + c for c in range(2 * n) if c != row and c not in gone[row]]) for row in range(n)]
    assert same(batch).nonzero().tolist() == [[row, c] for row in range(n) for c in sorted(gone[row])]
    assert number(loss_of(batch, vectors)) == pytest.approx(number(by_hand(vectors, asked)), rel=1e-12)


def test_pairs_that_are_not_alike_bear_no_loss_and_are_negatives():
    batch = batch_of([0, 1, 2], [3, 4, 5], [True, False, True])
    vectors = table(3)
    plain = by_hand(vectors, [(0, 3, [4, 5]), (2, 5, [3, 4])])
    assert number(loss_of(batch, vectors)) == pytest.approx(number(plain), rel=1e-12)
    twice = {**batch, "weight": torch.tensor([2.0, 1.0, 0.0])}
    assert number(loss_of(twice, vectors)) == pytest.approx(number(by_hand(vectors, [(0, 3, [4, 5])])), rel=1e-12)
    same_anchor = batch_of([0, 0], [3, 4], [True, False])
    assert not same(same_anchor)[0].any(), "another text of the same anchor that is not alike is a negative of it"


def test_a_part_of_a_batch_asks_another_question_and_is_refused():
    n = 8
    vectors, batch = table(n), batch_of(list(range(n)), list(range(n, 2 * n)))
    halves = [{name: tensor[part] for name, tensor in batch.items()} for part in (slice(0, 4), slice(4, 8))]
    whole, cut = loss_of(batch, vectors), sum(loss_of(half, vectors) for half in halves) / 2
    assert number(whole) > number(cut) + 0.1, "of fewer candidates the right one is found more easily"
    with pytest.raises(Refused, match="accumulate = 2") as refused:
        open_recipe(ORDER, ["training.accumulate=2"])
    assert "all others of its batch" in refused.value.sentences[0]


@dataclass(frozen=True)
class Two:
    """Two processes, of which this is the first."""

    rank: int = 0
    size: int = 2


def test_several_processes_are_refused(tmp_path, monkeypatch):
    recipe, _, encoded = begun(tmp_path, monkeypatch)
    with pytest.raises(Refused, match="one process"):
        preparing.parts(recipe, encoded, Two())


# --- figures -------------------------------------------------------------------------------------------------------------


def answers_of(likes: np.ndarray, keys: list[int], others: list[int], alike: list[bool], scores=None) -> Answers:
    """likes: (B, B) the cosine of each row's anchor and each row's positive."""
    batch = {"row": torch.arange(len(keys)), "key": torch.tensor(keys), "other_key": torch.tensor(others)}
    batch["alike"] = torch.tensor(alike)
    if scores is not None:
        batch["score"] = torch.tensor(scores)
    frame = ranking.placed(batch, np.arange(len(keys)), lambda a, b: likes[np.ix_(a, b)], likes.diagonal(), PORT, None)
    return Answers(frame, PORT)


def brute(likes: np.ndarray, keys: list[int], others: list[int], alike: list[bool], most: int) -> tuple[list, list]:
    """nDCG by scikit-learn and recall by hand, of each question."""
    ndcg, recall = [], []
    candidates = sorted(set(others))
    for key in sorted({key for key, good in zip(keys, alike) if good}):
        row = keys.index(key)
        wanted = {other for k, other, good in zip(keys, others, alike) if k == key and good}
        asked = [one for one in candidates if one != key or one in wanted]
        likeness = np.array([likes[row, others.index(one)] for one in asked])
        truth = np.array([one in wanted for one in asked], float)
        ndcg.append(ndcg_score(truth[None], likeness[None], k=most) if len(asked) > 1 else 1.0)
        order = [sum(likeness > likeness[asked.index(one)]) for one in wanted]
        level = [sum(likeness == likeness[asked.index(one)]) for one in wanted]
        recall.append(np.mean([min(max((most - a) / n, 0), 1) for a, n in zip(order, level)]))
    return ndcg, recall


@settings(max_examples=150, deadline=None)
@given(data=st.data(), n=st.integers(2, 12), most=st.integers(1, 6))
def test_ndcg_is_scikit_learns_with_ties_and_several_positives(data, n, most):
    keys, others = (data.draw(st.lists(st.integers(low, low + 8), min_size=n, max_size=n)) for low in (0, 5))
    alike = data.draw(st.lists(st.booleans(), min_size=n, max_size=n).filter(any))
    texts = np.array(data.draw(st.lists(st.integers(-2, 2), min_size=14 * 14, max_size=14 * 14))).reshape(14, 14) / 2
    likes = texts[np.ix_(keys, others)]  # the same texts have the same likeness
    answers = answers_of(likes, keys, others, alike)
    ndcg, recall = brute(likes, keys, others, alike, most)
    found = evaluation.NDCG(most).score(answers)
    assert found.value == pytest.approx(np.mean(ndcg), abs=1e-12) and found.n == len(ndcg)
    assert evaluation.RecallAt(most).score(answers).value == pytest.approx(np.mean(recall), abs=1e-12)
    assert found.low < found.high or len(ndcg) == 0
    assert found.low <= found.value <= found.high


def test_likeness_is_judged_as_scipy_does():
    dice = np.random.default_rng(0)
    scores = dice.integers(0, 6, 60).astype(np.float32)
    likes = np.diag(np.round(scores / 6 + dice.normal(0, 0.2, 60), 1))
    answers = answers_of(likes, list(range(60)), list(range(60, 120)), [True] * 60, scores)
    found = evaluation.Spearman().score(answers)
    assert found.value == pytest.approx(spearmanr(likes.diagonal(), scores).statistic, abs=1e-12)
    assert found.low < found.value < found.high < 1 and found.n == 60
    few = answers_of(likes[:3, :3], [0, 1, 2], [60, 61, 62], [True] * 3, scores[:3])
    assert (evaluation.Spearman().score(few).low, evaluation.Spearman().score(few).high) == (-1, 1)
    same_all = answers_of(np.eye(9), list(range(9)), list(range(9, 18)), [True] * 9, [1.0] * 9)
    assert evaluation.Spearman().score(same_all).value == 0
    with pytest.raises(Refused, match="score"):
        evaluation.Spearman().score(answers_of(np.eye(3), [0, 1, 2], [3, 4, 5], [True] * 3))


def test_a_perfect_model_is_not_proved_perfect():
    n = 20
    right = answers_of(np.eye(n), list(range(n)), list(range(n, 2 * n)), [True] * n)
    for metric in (evaluation.NDCG(), evaluation.RecallAt(1)):
        score = metric.score(right)
        assert (score.value, score.high) == (1.0, 1.0) and score.low < 0.9
    wrong = answers_of(-np.eye(n), list(range(n)), list(range(n, 2 * n)), [True] * n)
    assert evaluation.NDCG().score(wrong).value == 0
    gain = evaluation.difference(evaluation.NDCG(), wrong, right)
    assert gain.value == 1.0 and gain.low < 1.0
    assert evaluation.difference(evaluation.NDCG(), right, wrong).value == -1.0


def test_two_models_are_held_against_each_other_question_by_question():
    dice, n = np.random.default_rng(5), 30
    one, other = (answers_of(dice.random((n, n)), list(range(n)), list(range(n, 2 * n)), [True] * n) for _ in range(2))
    gain = evaluation.difference(evaluation.NDCG(), one, other)
    assert gain.value == pytest.approx(evaluation.NDCG().score(other).value - evaluation.NDCG().score(one).value)
    mixed = replace(other, frame=other.frame.sample(n, shuffle=True, seed=0))
    again = evaluation.difference(evaluation.NDCG(), one, mixed)
    assert (again.value, again.low, again.high) == pytest.approx((gain.value, gain.low, gain.high), abs=1e-12)


def turned(likes: np.ndarray) -> np.ndarray:
    """Candidates are asked, and anchors found."""
    return likes.T


def sharpened(likes: np.ndarray) -> np.ndarray:
    """What is level is put in the order in which it came."""
    return likes - np.arange(len(likes)) / 1000


@pytest.mark.parametrize("bug", [turned, sharpened])
def test_planted_bugs_are_seen(bug):
    dice = np.random.default_rng(3)
    n, likes = 12, dice.integers(0, 4, (12, 12)) / 4
    keys, others = list(range(n)), list(range(n, 2 * n))
    wanted = np.mean(brute(likes, keys, others, [True] * n, 10)[0])
    assert evaluation.NDCG().score(answers_of(likes, keys, others, [True] * n)).value == pytest.approx(wanted)
    assert evaluation.NDCG().score(answers_of(bug(likes), keys, others, [True] * n)).value != pytest.approx(wanted)


def test_the_baseline_is_tf_idf_of_the_same_tokens():
    told = [*pairs(30), *({"text": "big cat", "positive": other} for other in ("big cat sleeps", "big dog runs"))]
    codec = codec_of(told)
    again = [*told[:25], *told[:7]]  # a text that comes twice is no commoner for it
    train, test = codec.encode(rows(again))[0], codec.encode(rows(told[20:]))[0]
    (baseline,) = evaluation.baselines(train, test, codec).values()

    def pieces(text: str) -> list[str]:
        return [str(one) for one in codec.tokenizer.numbers(pl.Series([text]))[0]]

    texts = {row[name]: None for row in told[:25] for name in ("text", "positive")}
    theirs = TfidfVectorizer(analyzer=pieces).fit(list(texts))
    alphabet = set(theirs.vocabulary_)
    asked = [row for row in told[20:] if {*pieces(row["text"]), *pieces(row["positive"])} <= alphabet]
    assert asked[-2:] == told[-2:], "two that share words"
    one, other = (theirs.transform([row[name] for row in asked]) for name in ("text", "positive"))
    wanted = np.asarray(one.multiply(other).sum(1)).ravel()
    places = [place for place, row in enumerate(told[20:]) if row in asked]
    assert baseline.frame["likeness"].gather(places).to_numpy() == pytest.approx(wanted, abs=1e-12)
    assert evaluation.score(baseline)[0].n == 11, "one question has two texts to be found"


# --- the whole life ------------------------------------------------------------------------------------------------------

ORDER = """
format = 1
[machine]
threads = 1
[data]
kind = "jsonl"
path = "pairs.jsonl"
[codec]
kind = "sentences"
width = 16
longest = 24
places = 32
tokenizer = {kind = "word_piece", vocabulary = 150}
[model]
kind = "encoder"
depth = 1
width = 16
heads = 2
[training]
epochs = 8
batch = 32
optimizer = {kind = "adam", rate = 0.01}
[protection]
sign = false
"""


def written(told: list[dict[str, str]], path: Path) -> None:
    path.write_text("".join(f"{json.dumps(row)}\n" for row in told), encoding="utf-8")


def begun(folder: Path, monkeypatch, **sections):
    monkeypatch.chdir(folder)
    written(pairs(200), Path("pairs.jsonl"))
    tree, _ = parse(ORDER)
    recipe = open_recipe({**tree, **sections})
    material = life.gather(recipe)
    opened, start = life.opened(recipe, material)
    return opened, start, life.encode(opened, material, start)


def test_vectors_from_pairs_to_their_use_and_on_from_there(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    written(pairs(300), Path("pairs.jsonl"))
    Path("sim.toml").write_text(ORDER, encoding="utf-8")
    assert main(["check", "sim.toml"]) == 0
    assert "pairs bear loss" in (shown := capsys.readouterr().out) and "  =  " in shown
    lived = life.run(open_recipe(ORDER), RunFolder(tmp_path / "run"))
    scores = {score.name: score for score in lived.scores}
    assert scores["ndcg_at_10"].value > 0.6 > lived.baselines["tf_idf"][0].high
    assert "finds texts that mean alike" in (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert main(["verify", "run/artifact", "--data", "pairs.jsonl"]) == 0
    artifact = shelf.take(tmp_path / "run" / "artifact")
    assert isinstance(artifact.codec.encoding, Sentences)
    written([{"text": "a big cat"}, {"text": "large feline"}, {"text": "a big cat"}], Path("asked.jsonl"))
    using.predict(artifact, Path("asked.jsonl"), Path("vectors.parquet"))
    vectors = pl.read_parquet("vectors.parquet")["answer"].to_numpy()
    assert vectors.shape == (3, 16) and np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-5)
    assert vectors[0] == pytest.approx(vectors[2], abs=1e-6) and abs(vectors[0] - vectors[1]).max() > 1e-3

    base = f'model={{kind = "base", artifact = "{(tmp_path / "run" / "artifact").as_posix()}"}}'
    onward = open_recipe(ORDER, [base, "training.epochs=2", "training.optimizer.rate=0.003", "codec.width=99"])
    again = life.run(onward, RunFolder(tmp_path / "onward"))
    assert again.artifact.codec.encoding.width == 16, "a base's vectors stay as wide as they are"
    assert {score.name: score for score in again.scores}["ndcg_at_10"].value > scores["ndcg_at_10"].value - 0.05
    found = comparing.compare(tmp_path / "run", tmp_path / "onward")
    assert "ndcg_at_10_difference" in json.dumps(found.plain())


def test_a_text_that_stands_in_several_pairs_is_in_one_part(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    told = [{**row, "positive": f"{row['positive']} {n}", "no": f"no {n}"} for row in pairs(60) for n in range(3)]
    written(told, Path("pairs.jsonl"))
    codec = {**parse(ORDER)[0]["codec"], "negative": "no"}
    recipe = open_recipe({**parse(ORDER)[0], "codec": codec}, ["data.split.kind=hashed"])
    material = life.gather(recipe)
    parts = [set(material.part(part).columns["text"]) for part in ("train", "validation", "test")]
    assert all(parts) and sum(map(len, parts)) == len(set.union(*parts)) == 60
    assert not any(finding.name == "leak" for finding in material.findings)


def test_vectors_begin_with_weights_that_learned_hidden_tokens(tmp_path, monkeypatch):
    told = Rows(np.arange(40), pl.DataFrame({"text": [row["text"] for row in pairs(40)]}))
    codec = Documents(longest=24, tokenizer=PIECES, masking=Masking()).fit(lambda: iter([told]))
    module = models.build(SMALL, codec.reads, codec.writes, 1)
    shelf.put(Artifact(SMALL, codec, module), tmp_path / "base")
    recipe, start, encoded = begun(tmp_path, monkeypatch, model={"kind": "base", "artifact": str(tmp_path / "base")})
    assert encoded.codec.tokenizer is start.codec.tokenizer and encoded.codec.encoding.places == 24
    weights = preparing.parts(recipe, encoded, ALONE)[0].state_dict()
    before = {name: weight for name, weight in module.state_dict().items() if not name.startswith("guess.")}
    assert weights.keys() == before.keys() and all(torch.equal(weights[name], before[name]) for name in weights)


def test_a_vector_of_another_width_than_the_encoders_is_refused(tmp_path, monkeypatch):
    recipe, _, encoded = begun(tmp_path, monkeypatch)
    with pytest.raises(Refused, match="vector of 16 numbers"):
        preparing.parts(replace(recipe, model=Encoder(depth=1, width=32, heads=2)), encoded, ALONE)
