"""TOML text and lines: tomllib is the judge of both."""

from __future__ import annotations

from datetime import date, datetime, time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelwright.nouns import Refused
from modelwright.reader import parse, to_toml
from modelwright.reader.lines import scan
from modelwright.reader.toml import loads

letters = st.characters(exclude_categories=["Cs"])
texts = st.text(letters, max_size=6)
bare = st.from_regex(r"[A-Za-z0-9_-]{1,5}", fullmatch=True)
scalars = st.booleans() | st.integers() | st.floats(allow_nan=False) | texts | st.dates() | st.datetimes() | st.times()
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts | bare, inner, max_size=5), max_leaves=12
)
trees = st.dictionaries(texts | bare, values, max_size=5)


@given(trees)
def test_a_written_text_reads_back_equal(tree):
    assert loads(to_toml(tree)) == tree


@given(trees)
def test_every_path_has_a_line_and_the_line_holds_its_key(tree):
    text = to_toml(tree)
    assert_lines(text, tree)


def assert_lines(text: str, tree: dict) -> None:
    lines = scan(text)
    rows = text.split("\n")
    known = set(paths(tree))
    assert known == set(lines) - {where for where in lines if where not in known and isinstance(where[-1], int)}
    for where in known:
        if isinstance(where[-1], str):
            row = rows[lines[where] - 1]
            written = to_toml({where[-1]: 0}).partition(" = ")[0]
            assert written in row or where[-1] in row, (where, row)


def paths(tree: object, where: tuple = ()):
    if where:
        yield where
    for key, inner in tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ():
        yield from paths(inner, (*where, key))


# --- the many ways of writing the same: texts that to_toml never writes ---------------------------------------------------

comment = st.sampled_from(["", " # a = 1", "  #[x]", "\t# ]}\"'"])
gap = st.sampled_from(["", "\n", "# just a line with [brackets]\n", "\n\n", '#"""\n'])
written = st.sampled_from(
    [
        "1",
        '"a # b"',
        "'[c]'",
        '"""\nx = 1\n[y]\n"""',
        "'''\n\"\"\"\n'''",
        '"""a\\"""" ""\\\n b"""',
        '""""quoted" ends"""""',
        "[1,\n 2, # ]\n [3]\n]",
        "{a = 1, b.c = 2}",
        "[{d = 1},\n{d = [{e = 2}]}]",
        "1979-05-27 07:32:00",
        "[]",
        "{ }",
        "[\n]",
        "'''x'''''",
        '"\\u00e9\\\\"',
        "0x1F",
        "-inf",
    ]
)
keys = st.sampled_from(["k{}", "k . m{}", '"q [] {}"', "r.s.t{}", "'= {}'.u"])
headings = st.sampled_from(["[A{}]", "[ A{}.b ]", "[[L]]", "[[L.m]]", "[L.n{}]", "['x.y{}']", "[A{}.'c d']", "[[ 'w]' ]]"])


@st.composite
def documents(draw) -> str:
    """TOML in many spellings: dotted and quoted keys, tables out of order, arrays of tables, comments with traps."""
    text = draw(gap)
    for number in range(draw(st.integers(0, 3))):
        text += draw(keys).format(number) + " = " + draw(written) + draw(comment) + "\n" + draw(gap)
    for number in range(draw(st.integers(0, 4))):
        text += draw(headings).format(number) + draw(comment) + "\n" + draw(gap)
        for inner in range(draw(st.integers(0, 3))):
            text += "  " + draw(keys).format(inner) + "=" + draw(written) + draw(comment) + "\n" + draw(gap)
    return text.rstrip("\n") if draw(st.booleans()) else text


@settings(max_examples=400)
@given(documents(), st.booleans())
def test_lines_of_texts_in_every_spelling(text, windows):
    try:
        tree = loads(text)
    except ValueError:
        return  # an order of headings that TOML forbids
    assert_lines(text, tree)
    if windows:
        assert scan(text.replace("\n", "\r\n")) == scan(text)


def test_documents_are_mostly_toml():
    """The test above means something only if few of its texts are thrown away."""
    kept = thrown = 0

    @settings(max_examples=200, database=None, derandomize=True)
    @given(documents())
    def count(text):
        nonlocal kept, thrown
        try:
            loads(text)
            kept += 1
        except ValueError:
            thrown += 1

    count()
    assert kept > thrown


def test_lines_of_a_recipe():
    text = '[a.b]\nx = 1\n[[c]]\ny = {p = 1, q = [\n  {r = 2},\n]}\n[[c]]\n[c.d]\nz = 1\n[a]\nw = """\n\n"""\nv = 1\n'
    assert scan(text) == {
        ("a",): 10, ("a", "b"): 1, ("a", "b", "x"): 2, ("c",): 3, ("c", 0): 3, ("c", 0, "y"): 4, ("c", 0, "y", "p"): 4,
        ("c", 0, "y", "q"): 4, ("c", 0, "y", "q", 0): 5, ("c", 0, "y", "q", 0, "r"): 5, ("c", 1): 7, ("c", 1, "d"): 8,
        ("c", 1, "d", "z"): 9, ("a", "w"): 11, ("a", "v"): 14,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a = 1\nb = mlp\n", 'mine.toml:2  this is not TOML: text stands in quotes: "mlp"'),
        ("a = 1\nb = ../data # here\n", 'mine.toml:2  this is not TOML: text stands in quotes: "../data"'),
        ("b = True\n", "mine.toml:1  this is not TOML: write true in small letters"),
        ('b = "C:\\data"\n', "mine.toml:1  this is not TOML: a backslash stands for itself in single quotes only: 'C:\\data'"),
        ("a = 1\na = 2\n", "mine.toml:2  this is not TOML: Cannot overwrite a value"),
        ("\n\na = [1,\n", "mine.toml:3  this is not TOML: "),
        ("[a\n", "mine.toml:1  this is not TOML: "),
        ("a\n", "mine.toml:1  this is not TOML: "),
        ("", None),
    ],
)
def test_what_is_no_toml_is_refused_with_its_line(text, told):
    if told is None:
        assert parse(text)[0] == {}
        return
    with pytest.raises(Refused) as refused:
        parse(text, "mine.toml")
    assert refused.value.sentences[0].startswith(told)
    assert refused.value.sentences[1] == "1 fault, nothing was run."


def test_depth_without_end_is_refused():
    with pytest.raises(Refused):
        parse("a = " + "[" * 100_000, "mine.toml")


def test_the_shape_of_a_written_recipe():
    tree = {
        "seed": 0,
        "penalty": [],
        "model": {"kind": "mlp", "widths": [1, 2], "off": None},
        "training": {
            "optimizer": {"kind": "sgd", "a": 1, "b": 2, "c": 3},
            "schedule": {"kind": "steps", "at": [1]},
            "epochs": 2,
        },
        "augmentation": [{"kind": "flip"}, {"kind": "crop", "pad": 1}],
    }
    assert (
        to_toml(tree)
        == """\
seed = 0
penalty = []

[model]
kind = "mlp"
widths = [1, 2]

[training]
schedule = {kind = "steps", at = [1]}
epochs = 2

[training.optimizer]
kind = "sgd"
a = 1
b = 2
c = 3

[[augmentation]]
kind = "flip"

[[augmentation]]
kind = "crop"
pad = 1
"""
    )


def test_only_what_toml_knows_is_written():
    assert loads(to_toml({"d": date(2026, 1, 2), "t": time(3, 4), "s": datetime(2026, 1, 2, 3, 4, 5)}))["d"] == date(2026, 1, 2)
    with pytest.raises(TypeError, match="set is no TOML value"):
        to_toml({"a": {1}})
