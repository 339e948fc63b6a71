"""Texts that are nearly the same: how alike they are counted, that none is missed, what the check says of them, what goes."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelwright import data
from modelwright.data.codecs import Columns, Documents, Words
from modelwright.data.findings import Check
from modelwright.data.likeness import CROWD, KEPT, WIDE, alike, folded, likeness, sketch
from modelwright.data.near_twins import distinct
from modelwright.nouns import Rows

DROP = Check(twins="drop")
DOCUMENTS = Documents()


def rows(*texts: str | None) -> Rows:
    return Rows(np.arange(len(texts), dtype=np.int64), pl.DataFrame({"text": pl.Series(texts, dtype=pl.String)}))


def shingles(text: str) -> set[bytes]:
    """As they are defined."""
    spelled = text.encode()
    return {spelled[at : at + WIDE] for at in range(len(spelled) - WIDE + 1)} or {spelled}


def exact(one: str, other: str) -> float:
    mine, theirs = shingles(one), shingles(other)
    return len(mine & theirs) / len(mine | theirs)


def page(dice: random.Random, words: int) -> list[str]:
    return ["".join(dice.choices("abcdefghijklmnop", k=dice.randrange(2, 9))) for _ in range(words)]


def edited(dice: random.Random, words: list[str], share: float) -> str:
    """So many of the words are others."""
    return " ".join(page(dice, 1)[0] if dice.random() < share else word for word in words)


def corpus(n: int, seed: int = 0) -> list[str]:
    """Texts, and of every third an edition in which 0 to 30 % of the words are others."""
    dice = random.Random(seed)
    found: list[str] = []
    for place in range(n):
        words = page(dice, dice.randrange(20, 200))
        found.append(" ".join(words))
        if place % 3 == 0:
            found.append(edited(dice, words, dice.choice([0.02, 0.05, 0.1, 0.2, 0.3])))
    return found


# --- how alike ----------------------------------------------------------------------------------------------------------


@given(st.text("ab 好", max_size=60), st.text("ab 好", max_size=60))
@settings(max_examples=200, deadline=None)
def test_likeness_is_the_share_of_shingles(one, other):
    assert likeness(one, other) == pytest.approx(exact(one, other))


@pytest.mark.parametrize(
    ("one", "other"),
    [("The King's crown!", "the kings crown"), ("  A\nB ", "a b"), ("春眠，處處聞啼鳥。", "春眠 處處聞啼鳥"), ("ÉTÉ", "été")],
)
def test_signs_and_capitals_make_no_other_text(one, other):
    mine, theirs = folded(pl.Series([one, other]))
    assert mine.replace(" s ", "s ") == theirs


@pytest.mark.parametrize("least", [0.25, 0.5, 0.8])
def test_no_pair_is_missed_and_none_is_made_up(least):
    texts = corpus(150)
    found = {(first, second): share for first, second, share in alike(pl.Series(texts), least).iter_rows()}
    every = {
        (first, second): exact(texts[first], texts[second])
        for first in range(len(texts))
        for second in range(first + 1, min(first + 3, len(texts)))
    }
    wanted = {pair: share for pair, share in every.items() if share >= least}
    assert len(wanted) >= 10
    assert found == pytest.approx(wanted)


def test_a_sketch_holds_the_smallest_hashes_that_differ():
    long = " ".join(page(random.Random(0), 4000))
    assert (np.diff(sketch(long.encode()).astype(np.float64)) > 0).all()
    repeated = ("one two three four " * 5000).encode()
    told = sketch(repeated)
    few = len(shingles(repeated.decode()))
    assert few < KEPT
    assert (told < np.iinfo(np.uint64).max).sum() == few, "a text that repeats itself is told by all it has"


def test_a_crowd_is_found_one_by_one():
    dice = random.Random(0)
    words = page(dice, 60)
    texts = [edited(dice, words, 0.03) for _ in range(3 * CROWD)]
    found = alike(pl.Series(texts), 0.3)
    assert set(range(1, len(texts))) <= set(found["second"])


def test_no_text_and_one_text_have_no_twin():
    assert alike(pl.Series([], dtype=pl.String), 0.25).is_empty()
    assert alike(pl.Series(["a"]), 0.25).is_empty()


# --- what goes ----------------------------------------------------------------------------------------------------------


def test_of_twins_the_first_stays_and_the_rest_as_it_was():
    texts = corpus(60)
    given_rows = rows(*texts, None, texts[0], "  ", texts[0].upper() + "!")
    left, finding = distinct(given_rows, DOCUMENTS, DROP)
    assert {60 + 20, 60 + 20 + 2} <= set(left.ids.tolist()), "what is not there is found as missing, and not as a twin"
    assert not {81, 83} & set(left.ids.tolist())
    assert finding is not None
    assert finding.count == len(given_rows) - len(left)
    assert left.columns["text"].to_list() == [given_rows.columns["text"][place] for place in left.ids.tolist()]
    kept = left.columns["text"].drop_nulls()
    assert alike(kept.filter(kept != "  "), 0.25).is_empty()
    again, nothing = distinct(left, DOCUMENTS, DROP)
    assert nothing is None
    assert again is left


def test_a_row_goes_only_for_one_that_stays():
    dice = random.Random(3)
    chain = [page(dice, 100)]
    while len(chain) < 6:
        chain.append([page(dice, 1)[0] if dice.random() < 0.25 else word for word in chain[-1]])
    texts = [" ".join(words) for words in chain]
    left, _ = distinct(rows(*texts), DOCUMENTS, replace(DROP, near=0.3))
    stays = left.ids.tolist()
    for gone in set(range(6)) - set(stays):
        assert any(exact(texts[gone], texts[kept]) >= 0.3 for kept in stays if kept < gone)


def test_nothing_goes_that_was_not_ordered():
    given_rows = rows("a b c", "a b c")
    assert distinct(given_rows, DOCUMENTS, Check())[0] is given_rows
    assert distinct(given_rows, Columns("y"), DROP)[0] is given_rows
    assert len(distinct(given_rows, Words("y"), DROP)[0]) == 1


# --- what the check says ------------------------------------------------------------------------------------------------


def checked(texts: list[str], parts: dict[str, list[int]], order: Check | None = None):
    found = data.check(rows(*texts), {name: np.array(at, np.int64) for name, at in parts.items()}, DOCUMENTS, order or Check())
    return {finding.name: finding for finding in found}


def test_near_twins_in_two_parts_are_a_leak_and_in_one_are_counted():
    dice = random.Random(0)
    pages = [page(dice, 50) for _ in range(4)]
    texts = [" ".join(words) for words in pages]
    texts += [edited(dice, pages[place], 0.1) for place in (0, 1, 2, 3)]  # 4 to 7 are like 0 to 3
    texts += [texts[0]]
    found = checked(texts, {"train": [0, 1, 4, 2], "validation": [5, 3], "test": [6, 7, 8]})
    leak = found["near_leak"]
    assert leak.count == 3, "5 is like 1, 6 like 2 and 7 like 3; 8 says the very same as 0, which is another finding"
    assert leak.rows == (5, 6, 7)
    assert leak.grave
    assert "2 test rows (66.7%)" in leak.sentence
    assert "1 validation rows" in leak.sentence
    assert 'twins = "drop"' in leak.sentence
    assert found["leak"].count == 1
    assert found["near_duplicate"].count == 1
    assert found["near_duplicate"].rows == (4,)
    assert f'"{texts[1][:40]}"' in " ".join(leak.examples)
    assert texts[1][:10] not in leak.sentence, "a report tells findings, and no rows"
    assert "near_leak" not in checked(texts, {"train": [0, 1, 4, 2], "validation": [5, 3], "test": [6, 7, 8]}, DROP)


def test_texts_that_are_other_texts_are_no_finding():
    dice = random.Random(1)
    texts = [" ".join(page(dice, 40)) for _ in range(20)]
    found = checked(texts, {"train": list(range(15)), "validation": [], "test": [16, 17]})
    assert not {"near_leak", "near_duplicate"} & set(found)
