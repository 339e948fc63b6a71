"""Splits: every row once, shares exact, the same for ever, and no class left out."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelwright import data
from modelwright.data.chance import chance
from modelwright.data.parting import apportion
from modelwright.data.splits import Given, Hashed, Stratified
from modelwright.nouns import PARTS, Refused, Rows


def rows_of(**columns: object) -> Rows:
    frame = pl.DataFrame(columns)
    return Rows(np.arange(frame.height), frame)


def once(parts: dict[str, np.ndarray], height: int) -> bool:
    joined = np.concatenate([parts[name] for name in PARTS])
    return (
        joined.dtype == np.int64
        and sorted(joined.tolist()) == list(range(height))
        and all((np.diff(p) > 0).all() for p in parts.values())
    )


classes = st.lists(st.sampled_from("aaaaabbbccd"), min_size=8, max_size=300)
shares = st.sampled_from([(0.15, 0.15), (0.1, 0.3), (0.0, 0.2), (0.25, 0.01), (1 / 3, 1 / 3)])


@given(classes, shares, st.integers(0, 2**40))
@settings(max_examples=200, deadline=None)
def test_stratified_is_exact_and_leaves_no_class_out(label: list[str], share: tuple[float, float], seed: int) -> None:
    rows = rows_of(x=list(range(len(label))), y=label)
    rule = Stratified(*share)
    counts = {name: label.count(name) for name in set(label)}
    try:
        parts = data.split(rule, rows, "y", seed)
    except Refused:
        assert len(label) * share[1] < 1 and max(counts.values()) < 3, "refused only where no row is left to judge with"
        return
    assert once(parts, len(label))
    found = {part: rows.columns["y"].gather(parts[part]).value_counts() for part in PARTS}
    for part, wanted in (("validation", share[0]), ("test", share[1])):
        by_class = dict(found[part].rows())
        for name, count in counts.items():
            got = by_class.get(name, 0)
            if wanted and count >= 3:
                assert got >= 1
            if not wanted:
                assert got == 0
            if count > 20:
                assert abs(got - count * wanted) <= 1 + len(counts), "no class is far from its share"
    assert set(rows.columns["y"].gather(parts["train"])) == set(label), "what is answered has been seen"
    again = data.split(rule, rows, "y", seed)
    assert all((parts[name] == again[name]).all() for name in PARTS)


def test_stratified_totals_are_the_shares() -> None:
    label = ["a"] * 701 + ["b"] * 202 + ["c"] * 97
    parts = data.split(Stratified(0.15, 0.15), rows_of(y=label), "y", 3)
    assert [len(parts[name]) for name in PARTS] == [700, 150, 150]
    amounts = rows_of(y=np.random.default_rng(0).normal(size=1000))
    assert [len(part) for part in data.split(Stratified(0.1, 0.2), amounts, "y", 3).values()] == [700, 100, 200]


def test_seeds_differ_and_a_split_is_for_ever() -> None:
    rows = rows_of(y=["a", "b"] * 20)
    one, two = (data.split(Stratified(), rows, "y", seed) for seed in (0, 1))
    assert one["test"].tolist() != two["test"].tolist()
    assert one["test"].tolist() == [7, 10, 12, 24, 25, 39], "a change of this line breaks every split that anybody ever made"
    hashed = data.split(Hashed(0.2, 0.2), rows_of(x=[str(n) for n in range(40)], y=["a"] * 40), "y", 0)
    assert hashed["test"].tolist() == [2, 5, 13, 17, 18, 26]


@given(
    st.lists(st.tuples(st.sampled_from("abcdefgh"), st.sampled_from(["1", "2", None])), min_size=60, max_size=120), st.data()
)
@settings(max_examples=50, deadline=None)
def test_hashed_keeps_the_same_inputs_together_when_rows_are_added(
    cells: list[tuple[str, str | None]], drawn: st.DataObject
) -> None:
    rows = rows_of(
        x=[x for x, _ in cells], z=[z for _, z in cells], y=["u", "v"] * (len(cells) // 2) + ["u"] * (len(cells) % 2)
    )
    few = rows.take(np.array(sorted(drawn.draw(st.sets(st.integers(0, len(cells) - 1), min_size=50)))))
    try:
        whole, some = (data.split(Hashed(0.3, 0.3), each, "y", 0) for each in (rows, few))
    except Refused:
        return
    assert once(whole, len(cells))
    place: dict[object, str] = {}
    for each, parts in ((rows, whole), (few, some)):
        for part in PARTS:
            for row in each.columns.drop("y")[parts[part]].rows():
                assert place.setdefault(row, part) == part


def test_hashed_goes_by_the_picture_not_by_its_path(tmp_path) -> None:
    paths = []
    for copy in range(2):
        for number in range(30):
            path = tmp_path / f"{copy}-{number}.png"
            path.write_bytes(b"picture %d" % number)
            paths.append(str(path))
    parts = data.split(Hashed(0.2, 0.3), rows_of(picture=paths, y=["a"] * 60), "y", 0)
    for positions in parts.values():
        assert {p % 30 for p in positions if p < 30} == {p % 30 for p in positions if p >= 30}


def test_given_takes_the_column_at_its_word() -> None:
    part = ["Train", "test", " val ", "train", "dev", "testing"]
    parts = data.split(Given(), rows_of(part=part, y=list("ababab")), "y", 0)
    assert {name: positions.tolist() for name, positions in parts.items()} == {
        "train": [0, 3],
        "validation": [2, 4],
        "test": [1, 5],
    }
    rows = rows_of(part=["train"] * 100 + ["test"] * 10, y=["a", "b"] * 55)
    parts = data.split(Given(validation=0.2), rows, "y", 0)
    assert once(parts, 110) and len(parts["validation"]) == 20 and parts["test"].tolist() == list(range(100, 110))
    assert sorted(rows.columns["y"].gather(parts["validation"])) == ["a"] * 10 + ["b"] * 10
    assert not len(data.split(Given(validation=0.0), rows, "y", 0)["validation"])


@pytest.mark.parametrize(
    ("rule", "columns", "said"),
    [
        (Given(), {"y": ["a"]}, 'no column "part"'),
        (Given(), {"y": ["a", "b"], "part": ["train", "later"]}, '"later"'),
        (Given(), {"y": ["a", "b"], "part": ["train", "train"]}, "judge with"),
        (Stratified(0.5, 0.5), {"y": ["a"] * 9}, "less than 1"),
        (Stratified(), {"y": ["a"]}, "judge with"),
        (Stratified(), {"yy": ["a"]}, "Did you mean yy?"),
        (Hashed(0.1, 0.1), {"y": ["a"] * 9, "x": ["same"] * 9}, "none is left"),
    ],
)
def test_splits_that_cannot_be_are_refused(rule: data.Split, columns: dict[str, list[str]], said: str) -> None:
    with pytest.raises(Refused, match=said.replace("?", r"\?")):
        data.split(rule, rows_of(**columns), "y", 0)


@given(st.lists(st.integers(1, 500), min_size=1, max_size=30), st.floats(0, 0.9))
@settings(max_examples=200, deadline=None)
def test_apportion_gives_all_and_never_moves_a_class_by_one(counts: list[int], share: float) -> None:
    each = np.array(counts)
    given_ = apportion(each, share, np.zeros_like(each), each)
    assert given_.sum() == np.floor(each.sum() * share + 0.5)
    assert (np.abs(given_ - each * share) < 1 + 1e-9).all()


def test_chance_tells_addresses_apart() -> None:
    addresses = [(), (0,), ("0",), (0, 0), ("ab", "c"), ("a", "bc"), ("abc",), (-1,), (2**70,), ("",), ("", "")]
    assert len({chance(*address) for address in addresses}) == len(addresses)
    assert all(0 <= chance(*address) < 2**63 for address in addresses)
    assert chance(0, "order", 3) == 6405711718819630436, "a change of this line breaks every run that anybody ever made"
