"""Checks: planted faults are found, counted exactly and told with a way out; clean rows are left in peace."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelwright import data
from modelwright.data.codecs import Characters, Columns, Pictures, Words
from modelwright.data.sources import Bundled, Frame
from modelwright.nouns import PARTS, Refused, Rows

SIZE = 1000


def clean() -> dict[str, list[str | None]]:
    chance = np.random.default_rng(0)
    return {
        "age": [str(n) for n in chance.integers(18, 90, SIZE)],
        "height": [f"{n:.4f}" for n in chance.normal(170, 9, SIZE)],
        "city": [str(c) for c in chance.choice(["Rome", "Oslo", "Lima"], SIZE)],
        "label": [str(c) for c in chance.choice(["yes", "no"], SIZE)],
    }


def parts_of(height: int) -> dict[str, np.ndarray]:
    """train 70 %, validation 15 %, test 15 %, in order."""
    cuts = [0, int(height * 0.7), int(height * 0.85), height]
    return {name: np.arange(cuts[place], cuts[place + 1]) for place, name in enumerate(PARTS)}


def found(columns: dict[str, list[str | None]], encoding: data.Encoding | None = None) -> dict[str, data.Finding]:
    rows = data.read(Frame(pl.DataFrame(columns)))
    rows = Rows(rows.ids + 5000, rows.columns)
    findings = data.check(rows, parts_of(len(rows)), encoding or Columns("label"))
    assert len({finding.name for finding in findings}) == len(findings)
    assert [finding.grave for finding in findings] == sorted((finding.grave for finding in findings), reverse=True)
    return {finding.name: finding for finding in findings}


def test_clean_rows_have_no_findings() -> None:
    assert found(clean()) == {}


def test_missing_cells_are_counted_and_settled_by_the_codec() -> None:
    columns = clean()
    for place, blank in ((3, None), (5, "NA"), (800, " n/a "), (801, "")):
        columns["age"][place] = blank
    columns["city"][9] = "?"
    finding = found(columns)["missing"]
    assert (finding.grave, finding.count, finding.rows) == (True, 5, (5003, 5005, 5800, 5801))
    assert finding.sentence.startswith("Row 5,003, column age: there is no value (3 more like it; also in city 1).")
    assert 'missing = "median"' in finding.sentence
    assert not found(columns, Columns("label", missing="median"))["missing"].grave
    assert not found(columns, Columns("label", missing="drop"))["missing"].grave
    assert found(columns, Columns("label", ignore=("age",)))["missing"].count == 1
    columns["label"][0] = None
    assert found(columns, Columns("label", missing="median"))["missing"].grave, "no label can be filled in"


def test_blanks_may_be_numbers() -> None:
    columns = clean()
    columns["age"][3] = "-999"
    assert found(columns, Columns("label", blanks=("-999",)))["missing"].count == 1
    assert found({**columns, "age": [float(n) for n in columns["age"]]}, Columns("label", blanks=("-999",)))[
        "missing"
    ].rows == (5003,)


def test_unparsable_cells_are_told_with_their_value() -> None:
    columns = clean()
    for place in (17, 400, 990):
        columns["height"][place] = "about 170"
    columns["age"][20] = "inf"
    findings = found(columns)
    assert (findings["unparsable"].count, findings["unparsable"].rows, findings["unparsable"].grave) == (4, (5020,), True)
    assert 'Row 5,020, column age: "inf" is not a number (also in height 3).' in findings["unparsable"].sentence
    assert "unparsable" not in found(columns, Columns("label", categories=("height", "age")))
    assert not found(columns, Columns("label", missing="drop"))["unparsable"].grave


def test_spaces_are_no_fault_and_categories_no_numbers() -> None:
    columns = clean()
    columns["age"] = [f" {cell} " for cell in columns["age"]]
    columns["city"][:30] = ["1"] * 30
    assert found(columns) == {}
    assert found(columns, Columns("label", numbers=("city",)))["unparsable"].count == 970


@given(
    st.lists(st.sampled_from(["1", "2.5", "x", "NA", None, "y "]), min_size=20, max_size=60),
    st.sampled_from(["refuse", "median"]),
)
@settings(max_examples=60, deadline=None)
def test_cells_are_judged_as_the_codec_judges_them(cells: list[str | None], missing: str) -> None:
    """Faults of a codec fitted on training rows are what the check counted before."""
    columns = {
        "x": cells,
        "z": [str(n) for n in range(len(cells))],
        "label": ["a", "b"] * (len(cells) // 2) + ["a"] * (len(cells) % 2),
    }
    encoding = Columns("label", missing=missing)  # type: ignore[arg-type]
    rows = data.read(Frame(pl.DataFrame(columns)))
    parts = parts_of(len(rows))
    try:
        codec = encoding.fit(lambda: iter((rows.take(parts["train"]),)))
    except Refused:
        return
    _, faults = codec.encode(rows)
    findings = {finding.name: finding for finding in data.check(rows, parts, encoding) if finding.grave}
    counted = sum(findings[name].count for name in ("missing", "unparsable") if name in findings)
    assert counted == faults.filter(pl.col("column") == "x").height


def test_twins_are_found_in_parts_and_between_them() -> None:
    columns = clean()
    for source, copy in (
        (0, 1),
        (0, 2),
        (3, 999),
        (3, 998),
        (4, 750),
        (760, 997),
    ):  # train, test, validation, validation in test
        for name in columns:
            columns[name][copy] = columns[name][source]
    columns["label"][998] = "no" if columns["label"][3] == "yes" else "yes"
    findings = found(columns)
    assert (findings["duplicate"].count, findings["duplicate"].rows) == (2, (5001, 5002))
    assert (findings["leak"].count, findings["leak"].rows, findings["leak"].grave) == (4, (5750, 5997, 5998, 5999), False)
    assert "3 test rows (2.0%)" in findings["leak"].sentence and "1 of validation" in findings["leak"].sentence
    assert (findings["contradiction"].count, findings["contradiction"].grave) == (3, False)


def test_a_leak_is_grave_where_it_could_move_the_score_beyond_chance() -> None:
    columns = clean()
    for place in range(20):
        for name in columns:
            columns[name][980 + place] = columns[name][place]
    finding = found(columns)["leak"]
    assert (
        finding.grave
        and finding.count == 20
        and 'split = {kind = "hashed"}' in finding.sentence
        and 'accept = ["leak"]' in finding.sentence
    )
    iris = data.read(Bundled("iris"))
    for seed in range(5):
        parts = data.split(Bundled("iris").split, iris, "target", seed)
        assert not any(finding.grave for finding in data.check(iris, parts, Columns("target"))), (
            "one iris that comes twice stops nobody"
        )


def test_hashed_rows_never_leak() -> None:
    columns = {name: cells[:300] * 2 for name, cells in clean().items()}
    rows = data.read(Frame(pl.DataFrame(columns)))
    parts = data.split(data.splits.Hashed(0.2, 0.2), rows, "label", 0)
    names = {finding.name: finding.count for finding in data.check(rows, parts, Columns("label"))}
    assert names == {"duplicate": 300}


@given(
    st.lists(st.tuples(st.sampled_from(["a", "b", None]), st.integers(0, 3), st.sampled_from("xy")), min_size=12, max_size=80)
)
@settings(max_examples=80, deadline=None)
def test_twins_are_counted_as_by_hand(cells: list[tuple[str | None, int, str]]) -> None:
    rows = data.read(Frame(pl.DataFrame(cells, schema=["p", "q", "label"], orient="row")))
    parts = parts_of(len(cells))
    part = {int(p): name for name, positions in parts.items() for p in positions}
    names = {finding.name: finding.count for finding in data.check(rows, parts, Columns("label", missing="category"))}
    inputs = {name: {cells[p][:2] for p in parts[name]} for name in PARTS}
    leak = sum(cells[p][:2] in inputs["train"] | inputs["validation"] for p in parts["test"])
    leak += sum(cells[p][:2] in inputs["train"] for p in parts["validation"])
    labels: dict[object, set[str]] = {}
    for cell in cells:
        labels.setdefault(cell[:2], set()).add(cell[2])
    assert names.get("leak", 0) == leak
    assert names.get("duplicate", 0) == len(cells) - len({(*cell, part[place]) for place, cell in enumerate(cells)})
    assert names.get("contradiction", 0) == sum(len(labels[cell[:2]]) > 1 for cell in cells)


def test_labels_that_cannot_be_learned_or_judged() -> None:
    columns = clean()
    columns["label"][3] = "perhaps"
    finding = found(columns)["rare"]
    assert finding.grave and finding.rows == (5003,) and '"perhaps"' in finding.sentence
    columns["label"][998:] = ["never", "never"]
    assert (found(columns)["unseen"].count, found(columns)["unseen"].grave) == (2, True)
    columns["label"] = ["yes"] * SIZE
    assert found(columns)["one_class"].grave
    numbers = {**clean(), "label": [f"{n}.5" for n in range(SIZE)]}
    assert found(numbers, Columns("label", target="number")) == {}


def test_constant_columns_are_a_note() -> None:
    columns = {**clean(), "same": ["x"] * SIZE, "nothing": ["1"] * SIZE}
    assert (found(columns)["constant"].count, found(columns)["constant"].grave) == (2, False)


def test_columns_that_are_not_there_are_refused() -> None:
    rows = data.read(Frame(clean()))
    for encoding, said in ((Columns("lable"), "Did you mean label?"), (Words("label", column="review"), "review")):
        with pytest.raises(Refused, match=said.replace("?", r"\?")):
            data.check(rows, parts_of(SIZE), encoding)


def test_pictures_are_the_same_by_content(tmp_path: Path) -> None:
    for place in range(40):
        (tmp_path / f"{place}.png").write_bytes(b"same" if place in (3, 39) else b"picture %d" % place)
    paths = [str(tmp_path / f"{place}.png") for place in range(40)]
    labels = ["a", "b"] * 20
    assert found({"picture": paths, "label": labels}, Pictures())["leak"].rows == (5039,)
    arrays = np.random.default_rng(0).integers(0, 256, (40, 3, 4, 4), dtype=np.uint8)
    arrays[39] = arrays[3]
    rows = Rows(np.arange(40), pl.DataFrame({"picture": arrays, "label": labels}))
    assert [(f.name, f.rows) for f in data.check(rows, parts_of(40), Pictures())] == [("leak", (39,))]


# --- cut ----------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("encoding", "told"), [(Words("label", longest=4), "longer than 4 words"), (Characters("label", longest=9), "9 characters")]
)
def test_texts_that_are_cut_are_counted(encoding: data.Encoding, told: str) -> None:
    """Four words or nine characters are whole, one more is cut; full-width forms count as what they are read as."""
    texts: list[str | None] = ["a b c d", "a b c d e", "字字字字字", "字字字字字字字字字字", None, "", "㎏"]
    columns: dict[str, list[str | None]] = {"text": texts, "label": ["yes", "no"] * 3 + ["yes"]}
    codec = encoding.fit(lambda: iter([Rows(np.arange(7), pl.DataFrame(columns))]))
    read = codec.encode(Rows(np.arange(7), pl.DataFrame(columns)))[0]["mask"].sum(1)
    whole = replace(encoding, longest=99).fit(lambda: iter([Rows(np.arange(7), pl.DataFrame(columns))]))
    all_of_it = whole.encode(Rows(np.arange(7), pl.DataFrame(columns)))[0]["mask"].sum(1)
    wanted = np.flatnonzero((all_of_it > read).numpy())
    finding = found(columns, encoding)["overlong"]
    assert not finding.grave
    assert (finding.count, finding.rows) == (len(wanted), tuple(wanted + 5000)) and finding.count in (1, 3)
    assert told in finding.sentence
    assert "overlong" not in found(columns, replace(encoding, longest=99))


# --- columns that are not what they are read as -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cells", "looks"),
    [
        (lambda n: f"1.{n:03d},50", "amount"), (lambda n: f"{n},5", "amount"), (lambda n: f"${n},999", "amount"),
        (lambda n: f"{n / 10} %", "amount"), (lambda n: f"EUR {n}", "amount"), (lambda n: f"¥{n}", "amount"),
        (lambda n: f"{n % 28 + 1:02d}.{n % 12 + 1:02d}.20{n % 90 + 10}", "date"), (lambda n: f"20{n % 90 + 10}-01-31", "date"),
        (lambda n: f"20{n % 90 + 10}年{n % 12 + 1}月3日", "date"), (lambda n: f"{n % 28 + 1}-Jan-20{n % 90 + 10}", "date"),
        (lambda n: f"C{n:05d}", "name"), (lambda n: f"Anna {n}", "name"), (lambda n: f"10.0.{n}.1", "name"),
        (lambda n: f"{n % 19} %", None), (lambda n: str(n), None), (lambda n: f"20{n % 12 + 10}-01", None),
        (lambda n: f"street {n % 150}", None), (lambda n: ["yes", "no"][n % 2], None),
        (lambda n: f"{n}.5" if n % 20 else "x", None),
    ],
)  # fmt: skip
def test_columns_that_look_like_something_else_are_told(cells: Callable[[int], str], looks: str | None) -> None:
    columns = clean()
    columns["x"] = [cells(n % 400) for n in range(SIZE)]
    if looks == "name":
        columns["x"] = [cells(n) for n in range(SIZE)]
    told = {name: finding for name, finding in found(columns).items() if name in ("amount", "date", "name")}
    assert [*told] == ([looks] if looks else [])
    if looks:
        finding = told[looks]
        assert (finding.grave, finding.count) == (False, 1) and f'x ("{columns["x"][0]}")' in finding.sentence
        comma = looks == "amount" and columns["x"][0].endswith((",50", ",5"))
        assert ('decimal = ","' if comma else 'ignore = ["x"]') in finding.sentence
        assert looks not in found(columns, Columns("label", ignore=("x",)))
        assert looks not in found(columns, Columns("label", categories=("x",)))


def test_more_words_than_a_codec_has_places_for_are_told_before_it_refuses_them() -> None:
    height = 1600
    columns = {"id": [f"C{n}" for n in range(height)], "label": ["yes", "no"] * (height // 2)}
    rows = data.read(Frame(pl.DataFrame(columns)))
    parts = parts_of(height)
    assert [(one.name, one.grave) for one in data.check(rows, parts, Columns("label"))] == [("name", True)]
    with pytest.raises(Refused, match="identifier"):
        Columns("label").fit(data.chunks(rows, parts["train"]))


def test_a_table_with_nothing_to_read_is_refused() -> None:
    with pytest.raises(Refused, match="no column to learn from"):
        found({"label": ["yes", "no"] * 50})
    rows = data.read(Frame(pl.DataFrame({"a": [[1]] * 50, "b": [1] * 50, "c": [{"d": 1}] * 50, "label": ["yes", "no"] * 25})))
    with pytest.raises(Refused) as refused:
        data.check(rows, parts_of(50), Columns("label", ignore=("b",)))
    assert "a (List(Int64)), c (Struct" in str(refused.value) and 'ignore = ["b", "a", "c"]' in str(refused.value)


def test_a_wide_table_is_described_once_and_not_for_each_column(monkeypatch: pytest.MonkeyPatch) -> None:
    """polars makes the whole schema at each look at it: 10,000 columns took minutes."""
    asked: list[int] = []
    whole = pl.DataFrame.schema

    def schema(frame: pl.DataFrame) -> pl.Schema:
        asked.append(frame.width)
        assert isinstance(whole, property) and whole.fget is not None
        return whole.fget(frame)

    monkeypatch.setattr(pl.DataFrame, "schema", property(schema))
    assert found({**clean(), **{f"x{n}": clean()["height"] for n in range(100)}}) == {}
    assert sum(width > 50 for width in asked) < 20


def test_a_decimal_comma_is_read_where_the_recipe_says_so_and_named_where_it_does_not() -> None:
    columns = clean()
    columns["height"] = [str(cell).replace(".", ",") for cell in columns["height"]]
    finding = found(columns)["amount"]
    assert "height" in finding.sentence and 'decimal = ","' in finding.sentence
    assert found(columns, Columns("label", decimal=",")) == {}
    columns["height"][5] = "1,2,3"
    assert found(columns, Columns("label", decimal=","))["unparsable"].rows == (5005,)


def test_columns_in_which_nothing_stands_are_refused_before_the_codec_does() -> None:
    columns = {**clean(), "unnamed_5": [None] * SIZE, "notes": ["", " n/a ", None, "NA"] * (SIZE // 4)}
    with pytest.raises(Refused) as refused:
        found(columns, Columns("label", missing="median"))
    assert "unnamed_5, notes" in str(refused.value) and 'ignore = ["unnamed_5", "notes"]' in str(refused.value)
    assert found(columns, Columns("label", ignore=("unnamed_5", "notes"))) == {}


def test_labels_that_differ_in_capitals_or_spaces_are_named() -> None:
    columns = clean()
    columns["label"][3], columns["label"][4], columns["label"][5] = "Yes", "YES", " yes "
    finding = found(columns, Columns("label"))["spelling"]
    assert not finding.grave and '"Yes"' in finding.sentence and '"YES"' in finding.sentence
    assert '"no"' not in finding.sentence and '" yes "' not in finding.sentence, "spaces around a label are no difference"
