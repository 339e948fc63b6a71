"""BLEU, chrF and ROUGE: the libraries' own figures, intervals that hold the truth, rows that say nothing."""

from __future__ import annotations

import json
import random
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import sacrebleu

from modelwright.evaluation import BLEU, ChrF, Rouge, difference, matching
from modelwright.evaluation.replying import empty
from modelwright.nouns import Answers, Port, Refused, Reply

PORT = Port("next", Reply(9, 9))
GOLDEN = Path(__file__).parent / "golden" / "rouge.json"


def answers(given: list[str | None], wanted: list[str | None]) -> Answers:
    columns = {"row": list(range(len(given))), "label": wanted, "answer": given}
    return Answers(pl.concat([empty(), pl.DataFrame(columns, schema_overrides={"answer": pl.String})], how="diagonal"), PORT)


def babble(n: int, seed: int, words: str = "the cat sat on a mat and saw red stars over there") -> tuple[list[str], list[str]]:
    """Replies that share some words with what was wanted."""
    dice = random.Random(seed)
    wanted = [dice.choices(words.split(), k=dice.randrange(1, 14)) for _ in range(n)]
    given = [[dice.choice([word, word, dice.choice(words.split()), ""]) for word in row] for row in wanted]
    return [" ".join(row) for row in given], [" ".join(row) for row in wanted]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("words", ["the cat sat on a mat and saw red stars", "打开 文件 图层 的 a 红色 星 3.5 关闭 （I）"])
def test_bleu_and_chrf_are_sacrebleus(seed, words):
    given, wanted = babble(60, seed, words)
    scale = "zh" if "的" in words else "13a"
    found = BLEU().score(answers(given, wanted))
    assert found.value == pytest.approx(sacrebleu.corpus_bleu(given, [wanted], tokenize=scale).score)
    assert BLEU(scale).score(answers(given, wanted)) == found
    assert ChrF().score(answers(given, wanted)).value == pytest.approx(sacrebleu.corpus_chrf(given, [wanted]).score)
    assert found.low < found.value < found.high


@pytest.mark.parametrize("runs", ["1", "2", "l"])
def test_rouge_is_that_of_rouge_score(runs):
    """Made by rouge-score 0.1.2 (golden/rouge.py), without stemming."""
    told = json.loads(GOLDEN.read_text(encoding="utf-8"))
    for given, wanted, scores in told:
        assert Rouge(runs).score(answers([given], [wanted])).value == pytest.approx(100 * scores[runs], abs=1e-9)


def test_of_chinese_each_character_is_a_word():
    assert matching.units("Open 打开文件2") == ["open", "打", "开", "文", "件", "2"]
    assert Rouge("1").score(answers(["打开"], ["打开文件"])).value == pytest.approx(100 * 2 * 2 / 6)


def test_the_longest_common_subsequence_by_the_book():
    dice = random.Random(0)
    for _ in range(200):
        one, other = ("".join(dice.choices("abc", k=dice.randrange(9))) for _ in range(2))
        table = np.zeros((len(one) + 1, len(other) + 1), int)
        for i, left in enumerate(one):
            for j, right in enumerate(other):
                table[i + 1, j + 1] = table[i, j] + 1 if left == right else max(table[i, j + 1], table[i + 1, j])
        assert matching.in_order(one, other) == table[-1, -1]


@pytest.mark.parametrize("metric", [BLEU(), ChrF(), Rouge()])
def test_no_interval_has_zero_width_and_unread_rows_count(metric):
    for given in (["the cat sat on a mat"] * 5, ["x"] * 5):
        score = metric.score(answers(given, ["the cat sat on a mat"] * 5))
        assert 0 <= score.low < score.high <= 100 and score.low <= score.value <= score.high
    given, wanted = babble(40, 1)
    some = metric.score(answers([None, *given[1:]], wanted))
    assert some.value < metric.score(answers([wanted[0], *given[1:]], wanted)).value
    assert some.n == 40
    assert metric.score(answers(given, [None, *wanted[1:]])).n == 39
    with pytest.raises(Refused, match="nothing to score"):
        metric.score(answers(given, [None] * 40))


@pytest.mark.parametrize("metric", [BLEU(), ChrF(), Rouge("1")])
def test_two_models_are_held_against_each_other(metric):
    given, wanted = babble(80, 2)
    worse = [text if place % 2 else "" for place, text in enumerate(given)]
    first, second = answers(worse, wanted), answers(given, wanted)
    found = difference(metric, first, second)
    assert found.value == pytest.approx(metric.score(second).value - metric.score(first).value)
    assert 0 < found.low < found.value < found.high
    back = difference(metric, second, first)
    assert (back.low, back.high) == pytest.approx((-found.high, -found.low))
    same = difference(metric, first, first)
    assert same.low < 0 == same.value < same.high


def test_the_interval_covers_the_truth():
    """Rows drawn from one great set: of 60 samples at least 50 intervals hold the figure of all."""
    given, wanted = babble(4000, 3)
    truth, dice, held = ChrF().score(answers(given, wanted)).value, random.Random(0), 0
    rows, figure = ChrF().sums(given, wanted)
    from modelwright.evaluation import intervals

    for _ in range(60):
        low, high = intervals.of_means(rows[dice.sample(range(4000), 60)], lambda means: figure(means * 60 / len(rows)))
        held += low <= truth <= high
    assert held >= 50
