"""Texts that are nearly the same: how alike they are counted, that none is missed, what the check says of them, what goes."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelwright import data, vault
from modelwright.data import meeting
from modelwright.data.codecs import Columns, Documents, Words
from modelwright.data.findings import Check
from modelwright.data.likeness import KEPT, WIDE, alike, folded, likeness, sketch
from modelwright.data.meeting import CROWD, MISSING, meetings
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


WORD = st.sampled_from(["night", "day", "the king", "comes", "吾王", "a"])


def by_force(texts: list[str], least: float) -> dict[tuple[int, int], float]:
    """Every pair, compared as likeness is defined."""
    shares = {(one, other): exact(texts[one], texts[other]) for other in range(len(texts)) for one in range(other)}
    return {pair: share for pair, share in shares.items() if share >= least}


def pairs_of(found: pl.DataFrame) -> dict[tuple[int, int], float]:
    return {(first, second): share for first, second, share in found.iter_rows()}


@given(st.lists(st.lists(WORD, max_size=9).map(" ".join), max_size=CROWD, unique=True), st.sampled_from([0.1, 0.25, 0.7]))
@settings(max_examples=60, deadline=None)
def test_the_pairs_are_those_that_force_finds(texts, least):
    """Short texts, whose sketches hold all they have; so many that a block, a part of the list and a look end among them."""
    with pytest.MonkeyPatch.context() as patched:
        for name, few in (("BLOCK", 3), ("AT_ONCE", 20), ("ROWS", 4)):
            patched.setattr(meeting, name, few)
        assert pairs_of(alike(pl.Series(texts, dtype=pl.String), least)) == pytest.approx(by_force(texts, least))


def sketches_of(dice: random.Random, height: int) -> np.ndarray:
    """Of few hashes, so that many are shared; of some more than CROWD share."""
    made = np.full((height, 6), MISSING)
    for row in made:
        some = sorted(dice.sample([*range(5), *(int(MISSING) - 1 - 7 * place for place in range(40))], dice.randrange(7)))
        row[: len(some)] = some
    return made


def met_by_force(sketches: np.ndarray) -> dict[tuple[int, int], int]:
    met: dict[tuple[int, int], int] = {}
    for value in np.unique(sketches[sketches != MISSING]):
        whose = np.flatnonzero((sketches == value).any(1)).tolist()
        crowd = len(whose) > CROWD
        for place, second in enumerate(whose):
            for first in {whose[0], whose[place - 1]} if crowd and place else () if crowd else whose[:place]:
                met[first, second] = met.get((first, second), 0) + 1
    return met


def found_meetings(sketches: np.ndarray) -> dict[tuple[int, int], int]:
    blocks = [dict(zip(zip(one.tolist(), other.tolist()), times.tolist())) for one, other, times in meetings(sketches)]
    assert sum(map(len, blocks)) == len({pair for block in blocks for pair in block}), "each pair comes once"
    return {pair: times for block in blocks for pair, times in block.items()}


@pytest.mark.parametrize("sizes", [(5, 7, 6), (64, 1000, 64), (1, 1, 1)])
def test_meetings_are_counted_whatever_is_in_memory_at_a_time(monkeypatch, sizes):
    for name, few in zip(("BLOCK", "AT_ONCE", "ROWS"), sizes, strict=True):
        monkeypatch.setattr(meeting, name, few)
    sketches = sketches_of(random.Random(sum(sizes)), 70)
    assert found_meetings(sketches) == met_by_force(sketches)
    assert any(times > 1 for times in met_by_force(sketches).values())


def _forgets_the_crowd(lies, mine, *asked, met=meeting._met):
    return met(lies, mine[:, 5:], *asked)


def _meets_itself(lies, mine, start, height, met=meeting._met):
    return np.concatenate([met(lies, mine, start, height), (np.arange(len(mine)) + start) * (height + 1)])


def _within_its_block(lies, mine, start, height, met=meeting._met):
    found = met(lies, mine, start, height)
    return found[found // height >= start]


@pytest.mark.parametrize("bug", [_forgets_the_crowd, _meets_itself, _within_its_block])
def test_planted_bugs_of_meeting_are_seen(monkeypatch, bug):
    monkeypatch.setattr(meeting, "BLOCK", 16)
    sketches = sketches_of(random.Random(1), 70)
    monkeypatch.setattr(meeting, "_met", bug)
    assert found_meetings(sketches) != met_by_force(sketches)


def test_what_is_laid_aside_leaves_nothing(monkeypatch, tmp_path):
    monkeypatch.setenv("MODELWRIGHT_CACHE", str(tmp_path / "cache"))
    alike(pl.Series(corpus(20)), 0.25)
    assert list(vault.cache_folder().rglob("*")) == []


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
    assert f"1 to the letter and {finding.count - 1} nearly:" in finding.sentence
    sizes = {place: len((given_rows.columns["text"][place] or "").encode()) for place in range(len(given_rows))}
    went = sum(sizes[place] for place in set(sizes) - set(left.ids.tolist()))
    assert f": {went:,} of {sum(sizes.values()):,} bytes of text went, and {len(left)} rows stay." in finding.sentence
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
    assert "1 of validation" in leak.sentence
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
