"""Table columns: parity with scikit-learn, what counts as a number, what is done with what is missing."""

from itertools import pairwise

import numpy as np
import polars as pl
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from modelwright.data.codecs import Columns
from modelwright.data.codecs.cells import coded, numbered, spelled, tally, texts
from modelwright.models.networks.inputs import FlatCells
from modelwright.nouns import Cells, Refused, Rows

BLANKS = Columns(label="label").blanks


def rows_of(columns):
    frame = pl.DataFrame(columns, strict=False)
    return Rows(np.arange(len(frame)), frame)


def fitted(encoding, rows):
    return encoding.fit(lambda: iter([rows]))


def inputs(encoding, train, rows=None):
    """As a network unfolds them: each choice in a slot of its own."""
    codec = fitted(encoding, train)
    batch, _ = codec.encode(rows or train)
    return unfolded(codec, batch)


def unfolded(codec, batch):
    return FlatCells(codec.reads[0].kind)(batch["inputs"], batch).numpy()


def mixed(height=500, seed=0, missing=0.1):
    """Two number columns and two of categories, some cells missing."""
    dice = np.random.default_rng(seed)
    numbers = {"a": dice.normal(1000, 3, height), "b": np.round(dice.exponential(2, height), 1)}
    sorts = {"c": dice.choice(["x", "y", "z"], height), "d": dice.choice(["p", "q"], height, p=[0.9, 0.1])}
    cells = {**numbers, **sorts}
    return {name: [None if dice.random() < missing else cell.item() for cell in column] for name, column in cells.items()}


@pytest.mark.parametrize("strategy", ["median", "most_frequent"])
def test_the_same_as_scikit_learn(strategy):
    train, test = mixed(), mixed(200, seed=1)
    numbers = make_pipeline(SimpleImputer(strategy=strategy), StandardScaler())
    sorts = make_pipeline(SimpleImputer(strategy="most_frequent", missing_values=None), OneHotEncoder(sparse_output=False))

    def arranged(cells, names, kind):
        return np.array([cells[name] for name in names], dtype=kind).T

    numbers.fit(arranged(train, "ab", float))
    sorts.fit(arranged(train, "cd", object))
    encoding = Columns(label="label", missing=strategy)
    for cells in (train, test):
        ours = inputs(encoding, rows_of({**train, "label": ["0", "1"] * 250}), rows_of(cells))
        theirs = [numbers.transform(arranged(cells, "ab", float)), sorts.transform(arranged(cells, "cd", object))]
        np.testing.assert_allclose(ours, np.hstack(theirs), rtol=1e-5, atol=1e-6)


def test_drop_learns_from_whole_rows_only():
    train = mixed()
    encoding = Columns(label="label", missing="drop")
    codec = fitted(encoding, rows_of({**train, "label": ["0", "1"] * 250}))
    whole = pl.DataFrame(train).drop_nulls()
    assert codec.columns[0].mean == pytest.approx(whole["a"].mean(), rel=1e-12)
    assert codec.columns[1].spread == pytest.approx(whole["b"].std(ddof=0), rel=1e-12)
    _, faults = codec.encode(rows_of(train))
    assert faults["row"].n_unique() == 500 - len(whole)
    assert faults["sentence"].unique().to_list() == ["There is no value."]
    assert codec.repairs(rows_of(train)) == 0


def test_the_same_cells_in_any_type():
    """Numbers as text, integers, floats and decimals; truth and categories as text or their own type: the same bits."""
    label = ["0", "1", "0", "1"]
    plain = {"n": ["1", "2", "", "4"], "t": ["true", "false", "true", ""], "c": ["u", "v", "u", "v"], "label": label}
    typed = {
        "n": pl.Series([1, 2, None, 4], dtype=pl.Int16),
        "t": pl.Series([True, False, True, None]),
        "c": pl.Series(["u", "v", "u", "v"], dtype=pl.Categorical),
        "label": [0, 1, 0, 1],
    }
    floats = {**typed, "n": pl.Series([1.0, 2.0, float("nan"), 4.0], dtype=pl.Float32), "label": [0.0, 1.0, 0.0, 1.0]}
    encoding = Columns(label="label", missing="category")
    wanted = inputs(encoding, rows_of(plain))
    assert wanted.shape == (4, 2 + 3 + 2)
    for train in (plain, typed, floats):
        for rows in (plain, typed, floats):
            np.testing.assert_array_equal(inputs(encoding, rows_of(train), rows_of(rows)), wanted)


@pytest.mark.parametrize(
    ("cell", "value"),
    [("1e5", 1e5), ("-3", -3.0), (" 4 ", 4.0), ("+.5", 0.5), ("00123", 123.0), ("\t7\n", 7.0), ("1E-2", 0.01)],
)
def test_numbers(cell, value):
    cells = numbered(pl.Series([cell]), BLANKS)
    assert cells.values.tolist() == [value] and not cells.missing.any() and not cells.unparsable.any()


@pytest.mark.parametrize("cell", ["1,000", "inf", "-Infinity", "1e999", "1_000", "0x10", "12a", "1 2", "--1", "true", "½"])
def test_no_numbers(cell):
    cells = numbered(pl.Series(["1", cell]), BLANKS)
    assert cells.unparsable.tolist() == [False, True] and not cells.missing.any() and np.isnan(cells.values[1])


@pytest.mark.parametrize("cell", [*BLANKS, None, "  ", " NA "])
def test_nothing_is_there(cell):
    assert numbered(pl.Series(["1", cell]), BLANKS).missing.tolist() == [False, True]
    assert coded(pl.Series(["1", cell]), ["1"], BLANKS).missing.tolist() == [False, True]


def test_without_its_blank_nan_is_a_fault():
    cells = numbered(pl.Series(["1", "nan", ""]), ())
    assert cells.unparsable.tolist() == [False, True, False] and cells.missing.tolist() == [False, False, True]


@pytest.mark.parametrize("column", [["5", "-999", "7"], ["5", " -999.0", "7"], [5, -999, 7], [5.0, -999.0, 7.0]])
def test_a_number_may_stand_for_nothing(column):
    cells = numbered(pl.Series(column), ("-999",))
    assert cells.missing.tolist() == [False, True, False] and not cells.unparsable.any() and np.isnan(cells.values[1])


@settings(max_examples=200, deadline=None)
@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_float_is_read_as_python_writes_it(value):
    assert numbered(pl.Series([repr(value)]), BLANKS).values.tolist() == [value]


@settings(max_examples=100, deadline=None)
@given(st.lists(st.none() | st.text(max_size=4) | st.sampled_from(["a", "A ", "1", "1.0", "True", "true"]), min_size=1))
def test_lookup_agrees_with_the_tally(cells):
    column = pl.Series(cells, dtype=pl.String)
    seen = tally(spelled(column), BLANKS)
    codes = coded(column, seen["key"].to_list(), BLANKS).codes
    assert (codes[codes >= 0].size, seen["count"].sum()) == (seen["count"].sum(), (codes != -2).sum())
    np.testing.assert_array_equal(np.bincount(codes[codes >= 0], minlength=len(seen)), seen["count"].to_numpy())


def test_whole_floats_are_written_as_integers():
    assert texts(pl.Series([3.0, -0.5, None, float("nan"), 1e20])).to_list() == ["3", "-0.5", None, None, "1e+20"]


def test_nine_in_ten_make_a_number_column_and_the_tenth_is_a_fault():
    column = [str(place) for place in range(9)]
    rows = rows_of({"x": [*column, "many"], "label": ["0", "1"] * 5})
    codec = fitted(Columns(label="label"), rows)
    batch, faults = codec.encode(rows)
    assert batch["inputs"].shape == (10, 1) and batch["inputs"][9] == 0
    assert faults.rows() == [(9, "x", '"many" is not a number.')]
    rows = rows_of({"x": [*column[:8], "few", "many"], "label": ["0", "1"] * 5})
    batch, faults = fitted(Columns(label="label"), rows).encode(rows)
    assert unfolded(fitted(Columns(label="label"), rows), batch).shape == (10, 10) and not len(faults)
    batch, faults = fitted(Columns(label="label", numbers=("x",)), rows).encode(rows)
    assert batch["inputs"].shape == (10, 1) and len(faults) == 2


def test_categories_overrule_and_ignored_columns_are_gone():
    rows = rows_of({"x": [1, 2, 1], "y": [4, 5, 6], "label": [0, 1, 0]})
    assert fitted(Columns(label="label", categories=("x",), ignore=("y",)), rows).reads[0].kind == Cells((2,))
    for key in ("ignore", "numbers", "categories"):
        with pytest.raises(Refused, match='"xx"'):
            fitted(Columns(label="label", **{key: ("xx",)}), rows)


def test_a_column_that_turns_out_otherwise_than_it_begins_is_read_again_whatever_the_chunks():
    words = [*["many"] * 300, *map(str, range(5000))]  # begins with words, and is numbers
    digits = [*map(str, range(300)), *["many", "few"] * 2500]  # begins with numbers, and is categories
    height = len(words)
    rows = rows_of({"words": words, "digits": digits, "part": ["train"] * height, "label": ["0", "1"] * (height // 2)})
    encoding = Columns(label="label")
    whole = fitted(encoding, rows)
    assert [column.kind for column in whole.columns] == ["number", "category"]
    assert whole.columns[1].values == ("few", "many") and whole.columns[0].mean == pytest.approx(2499.5)
    pieces = [rows.take(np.arange(start, min(start + 700, height))) for start in range(0, height, 700)]
    assert encoding.fit(lambda: iter(pieces)).state() == whole.state()
    odd = rows_of({**rows.columns.to_dict(as_series=False), "part": ["train"] * (height - 1) + ["wheel"]})
    pieces = [odd.take(np.arange(start, min(start + 700, height))) for start in range(0, height, 700)]
    assert encoding.fit(lambda: iter(pieces)).reads[0].kind == Cells((0, 2, 2))


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_rows_are_picked_as_they_are_named(data):
    """In order, out of order, twice, a few and many; of a frame in pieces."""
    heights = data.draw(st.lists(st.integers(1, 30), min_size=1, max_size=4))
    cells = [f"cell {place}" for place in range(sum(heights))]
    ends = np.cumsum([0, *heights])
    frame = pl.concat([pl.DataFrame({"x": cells[a:b]}) for a, b in pairwise(ends)], rechunk=False)
    rows = Rows(np.arange(len(cells)) * 10, frame)
    whole = st.lists(st.integers(0, len(cells) - 1))
    positions = np.array(data.draw(whole | whole.map(set).map(sorted)), np.int64)
    picked = rows.take(positions)
    assert picked.columns["x"].to_list() == [cells[place] for place in positions]
    assert picked.ids.tolist() == (positions * 10).tolist()


def test_a_category_never_seen_is_zero_everywhere_and_no_fault():
    codec = fitted(Columns(label="label"), rows_of({"x": ["u", "v"], "label": [0, 1]}))
    batch, faults = codec.encode(rows_of({"x": ["v", "w"]}))
    assert unfolded(codec, batch).tolist() == [[0, 1], [0, 0]] and not len(faults)


@pytest.mark.parametrize("column", ["x", "label"])
def test_a_number_beyond_float32_is_a_fault(column):
    cells = {"x": ["1", "2", "3"], "label": ["1", "2", "3"]}
    codec = fitted(Columns(label="label", target="number"), rows_of(cells))
    batch, faults = codec.encode(rows_of({**cells, column: ["1", "-1e300", "1e15"]}))
    assert faults.rows() == [(1, column, '"-1e300" is too far from the numbers of the training rows.')]
    assert torch.isfinite(batch["inputs"]).all()
    with pytest.raises(Refused, match="too large"):
        fitted(Columns(label="label", target="number"), rows_of({**cells, column: ["1e308", "-1e308", "3"]}))


def test_a_constant_column_is_zero():
    assert not inputs(Columns(label="label"), rows_of({"x": [0.1] * 7, "label": [0, 1, 0, 1, 0, 1, 0]})).any()


def test_missing_gets_its_own_slot_and_a_flag():
    train = rows_of({"n": ["1", "", "3", "4"], "c": ["u", "u", "", "v"], "full": ["1", "2", "3", "4"], "label": [0, 1, 0, 1]})
    codec = fitted(Columns(label="label", missing="category"), train)
    batch, faults = codec.encode(train)
    assert unfolded(codec, batch)[:, 1:5].tolist() == [[0, 1, 0, 0], [1, 1, 0, 0], [0, 0, 0, 1], [0, 0, 1, 0]]
    assert not len(faults) and codec.repairs(train) == 2
    later = rows_of({"n": ["1"], "c": ["v"], "full": [""]})
    batch, faults = codec.encode(later)
    assert torch.isfinite(batch["inputs"]).all() and not len(faults) and codec.repairs(later) == 1


def test_refusing_makes_a_fault_of_each_missing_cell():
    codec = fitted(Columns(label="label"), rows_of({"n": ["1", "2"], "c": ["u", "v"], "label": [0, 1]}))
    _, faults = codec.encode(Rows(np.array([70, 71]), pl.DataFrame({"n": ["", "1"], "c": ["u", "NA"]})))
    assert faults.rows() == [(70, "n", "There is no value."), (71, "c", "There is no value.")]


def test_the_part_that_a_source_gives_is_no_column():
    rows = rows_of({"x": [1, 2], "part": ["train", "train"], "label": [0, 1]})
    codec = fitted(Columns(label="label"), rows)
    assert codec.reads[0].kind == Cells((0,))
    assert not len(codec.encode(rows_of({"x": [1]}))[1])
    own = rows_of({"x": [1, 2], "part": ["wheel", "train"], "label": [0, 1]})
    assert fitted(Columns(label="label"), own).reads[0].kind == Cells((0, 2))


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"x": [f"id{place}" for place in range(1001)]}, "identifier"),
        ({"x": [[1], [2]] * 500 + [[1]]}, "neither text nor numbers"),
        ({"x": [""] * 1001}, "no value"),
        ({"x": ["", "a"] * 500 + [""], "y": ["a", ""] * 500 + [""]}, "fault"),
        ({}, "beside the label"),
    ],
)
def test_columns_that_cannot_be_learned_are_refused(columns, words):
    with pytest.raises(Refused, match=words):
        fitted(Columns(label="label"), rows_of({**columns, "label": ["0", "1"] * 500 + ["0"]}))


def test_every_column_gone_is_named():
    codec = fitted(Columns(label="label"), rows_of({"size": [1, 2], "weight": [3, 4], "label": [0, 1]}))
    with pytest.raises(Refused) as refusal:
        codec.encode(rows_of({"Size": [1], "colour": [3]}))
    assert len(refusal.value.sentences) == 2 and '"size"' in refusal.value.sentences[0] and "Size" in refusal.value.sentences[0]


# --- decimal commas ---------------------------------------------------------------------------------------------------------


@given(
    st.lists(st.floats(-1e9, 1e9).map(lambda x: round(x, 4)), min_size=3, max_size=30, unique=True),
    st.sampled_from(["", ".", " ", "'", "\u202f"]),
)
@settings(max_examples=60, deadline=None)
def test_a_decimal_comma_says_what_a_point_does(numbers, mark):
    with_points = [f"{x:.4f}" for x in numbers]
    with_commas = [f"{x:,.4f}".replace(",", "|").replace(".", ",").replace("|", mark) for x in numbers]
    labels = ["yes", "no", "no"] * len(numbers)
    there = {"place": ["1.000"] * len(numbers), "label": labels[: len(numbers)]}
    plain = fitted(Columns("label", categories=("place",)), rows_of({"x": with_points, **there}))
    comma = fitted(Columns("label", categories=("place",), decimal=","), rows_of({"x": with_commas, **there}))
    assert plain.columns == comma.columns, "1.000 in a column of categories stays as it is spelled"
    one, other = plain.encode(rows_of({"x": with_points, **there})), comma.encode(rows_of({"x": with_commas, **there}))
    assert torch.equal(one[0]["inputs"], other[0]["inputs"]) and not len(other[1])


def test_with_a_decimal_comma_numbers_that_come_as_such_stay_and_other_texts_are_faults():
    encoding = Columns("label", decimal=",")
    codec = fitted(encoding, rows_of({"x": ["1,5", "2,5", "1.000"], "label": ["a", "b", "a"]}))
    numbers, none = codec.encode(rows_of({"x": [1.5, 2.5, 1000.0]}))
    spelled_so, _ = codec.encode(rows_of({"x": ["1,5", "2,5", "1000"]}))
    assert torch.equal(numbers["inputs"], spelled_so["inputs"]) and not len(none)
    _, faults = codec.encode(rows_of({"x": ["1,2,3", "1.00,5", "12.34.567"]}))
    assert faults["row"].to_list() == [0, 1, 2] and '"1,2,3" is not a number' in faults["sentence"][0]


def test_an_amount_with_a_decimal_comma_is_learned_in_its_own_unit():
    codec = fitted(Columns("price", target="number", decimal=","), rows_of({"x": ["1", "2"], "price": ["1.000,5", "3.000,5"]}))
    batch, faults = codec.encode(rows_of({"x": ["1", "2"], "price": ["1.000,5", "3.000,5"]}))
    assert codec.decode({"label": batch["label"]})["answer"].to_list() == [1000.5, 3000.5] and not len(faults)


def test_of_many_columns_that_are_gone_a_few_are_named_and_all_are_counted():
    """As where another file altogether is given; names like it were looked for in the square of 10,000."""
    wide = rows_of({**{f"x{n}": [1.0, 2.0] for n in range(300)}, "label": ["a", "b"]})
    codec = fitted(Columns("label"), wide)
    with pytest.raises(Refused) as refused:
        codec.encode(rows_of({"x7": [1.0], "other": [2.0]}))
    assert len(refused.value.sentences) == 6 and refused.value.sentences[-1].startswith("294 more")
    with pytest.raises(Refused) as refused:
        codec.encode(Rows(wide.ids, wide.columns.drop("x7")))
    assert len(refused.value.sentences) == 1 and '"x7"' in refused.value.sentences[0]
