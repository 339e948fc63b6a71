"""Texts that say nearly the same: in a part, in two parts, or dropped before the rows are parted. likeness.py finds them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import polars as pl

from modelwright.data.codecs import Characters, Documents, Encoding, Pairs, Words
from modelwright.data.codecs.cells import blank_texts
from modelwright.data.findings import Check, Finding
from modelwright.data.likeness import alike
from modelwright.data.twins import first_of, is_grave
from modelwright.nouns import Rows
from modelwright.wording import say, say_many, together

SHOWN = 3
"""Pairs that are told as examples."""
BEGINNING = 40
"""Characters of each."""


def distinct(rows: Rows, encoding: Encoding, order: Check) -> tuple[Rows, Finding | None]:
    """The rows without those that say the same, or nearly, as one before them that stays; and how many went. A row without a
    text stays: it is found as missing."""
    if order.twins == "keep" or not isinstance(encoding, (Documents, Words, Characters, Pairs)):
        return rows, None
    text = _text(rows, encoding.column)
    pairs = _pairs(text, order.near)
    stays = blank_texts(text).to_numpy() | text.is_first_distinct().to_numpy()
    same = int((~stays).sum())
    for first, second in pairs.sort("second", "first").select("first", "second").iter_rows():
        stays[second] &= not stays[first]  # what the first is was settled before: it stands before the second
    if stays.all():
        return rows, None
    gone = np.flatnonzero(~stays)
    told = say_many(
        "{n} text says the same as one before it, or nearly ({share} of its shingles or more), and was left out.",
        "{n} texts say the same as one before them, or nearly ({share} of their shingles or more), and were left out.",
        len(gone),
        share=f"{order.near:.0%}",
    )
    told = together(told, _account(text, stays, same))
    dropped = pairs.filter(pl.Series(~stays[pairs["second"].to_numpy()]))
    ids = tuple(rows.ids[gone[:SHOWN]].tolist())
    finding = Finding("near_duplicate", False, len(gone), ids, told, _examples(rows, text, dropped))
    return rows.take(np.flatnonzero(stays)), finding


def _account(text: pl.Series, stays: np.ndarray, same: int) -> str:
    """What went, to the text and to the byte."""
    sizes = text.str.len_bytes().fill_null(0).to_numpy()
    facts = {"same": f"{same:,}", "near": f"{int((~stays).sum()) - same:,}", "gone": f"{int(sizes[~stays].sum()):,}"}
    return say(
        "{same} to the letter and {near} nearly: {gone} of {bytes} bytes of text went, and {rows} rows stay.",
        **facts, bytes=f"{int(sizes.sum()):,}", rows=f"{int(stays.sum()):,}",
    )  # fmt: skip


def near_findings(rows: Rows, part: pl.Series, encoding: Encoding, order: Check) -> Iterator[Finding]:
    """near_leak and near_duplicate: of documents, with texts that are not the same to the letter."""
    if not isinstance(encoding, Documents) or order.twins == "drop":
        return
    text = _text(rows, encoding.column)
    pairs = _pairs(text, order.near)
    if pairs.is_empty():
        return
    places = np.arange(len(text))
    key = pl.DataFrame({"text": text.hash(), "place": places}).select(pl.col("place").min().over("text")).to_series()
    here = pl.DataFrame({"key": key, "part": part, "place": places})
    kin = pl.concat([pairs.select(key="first", other="second"), pairs.select(key="second", other="first")])
    said = here.group_by("key").agg(*((pl.col("part") == name).any().alias(name) for name in ("train", "validation")))
    known = kin.join(said, left_on="other", right_on="key").group_by("key").agg(pl.col("train", "validation").any())
    told = here.join(known, on="key").join(said, on="key", suffix="_same")
    by_training = pl.col("train") & ~pl.col("train_same")  # what says the very same is a leak of its own
    by_both = (pl.col("train") | pl.col("validation")) & ~(pl.col("train_same") | pl.col("validation_same"))
    is_test, is_validation = (pl.col("part") == name for name in ("test", "validation"))
    leaking = told.filter((is_test & by_both) | (is_validation & by_training))
    share = f"{order.near:.0%}"
    if leaking.height:
        yield _leak(rows, text, pairs, leaking, int((part == "test").sum()), share)
    if within := _within(here, pairs):
        sentence = say_many(
            "{n} text is nearly another of its part ({share} of its shingles or more).",
            "{n} texts are nearly others of their part ({share} of their shingles or more).",
            len(within),
            share=share,
        )
        ids = tuple(sorted(rows.ids[within].tolist())[:SHOWN])
        yield Finding("near_duplicate", False, len(within), ids, sentence, _examples(rows, text, pairs))


def _leak(rows: Rows, text: pl.Series, pairs: pl.DataFrame, leaking: pl.DataFrame, tested: int, share: str) -> Finding:
    """Rows of test nearly known from training or validation, and rows of validation from training."""
    test = leaking.filter(pl.col("part") == "test").height
    facts = {"test": f"{test:,}", "part": f"{test / max(tested, 1):.1%}", "validation": f"{leaking.height - test:,}"}
    told = say(
        "Nearly said already by rows that are learned from: {test} test rows ({part}), {validation} of validation: "
        "{share} of their shingles or more are the same.",
        **facts, share=share,
    )  # fmt: skip
    places = leaking["place"].to_numpy()
    shown = _examples(rows, text, pairs.filter(pl.col("first").is_in(places) | pl.col("second").is_in(places)))
    grave = is_grave(test, tested)
    if grave:
        way = say('Settle it with one line:   [check]  twins = "drop"   or accept it:   [check]  accept = ["near_leak"]')
        told += "\n" + way
    return Finding("near_leak", grave, leaking.height, first_of(pl.Series(rows.ids[places])), told, shown)


def _within(here: pl.DataFrame, pairs: pl.DataFrame) -> list[int]:
    """Places of texts that are nearly an earlier one of the same part."""
    parts = here["part"]
    same = pairs.filter(parts.gather(pairs["first"]) == parts.gather(pairs["second"]))
    return same["second"].unique().to_list()


def _text(rows: Rows, column: str) -> pl.Series:
    from modelwright.data.codecs.cells import texts

    return texts(rows.columns[column]) if column in rows.columns.columns else pl.Series([None] * len(rows), dtype=pl.String)


def _pairs(text: pl.Series, least: float) -> pl.DataFrame:
    """first < second, places of texts each of which stands there for the first time, and their likeness."""
    places = np.flatnonzero((~blank_texts(text) & text.is_first_distinct()).to_numpy())
    found = alike(text.gather(places), least)
    return found.with_columns(pl.Series(name, places[found[name].to_numpy()]) for name in ("first", "second"))


def _examples(rows: Rows, text: pl.Series, pairs: pl.DataFrame) -> tuple[str, ...]:
    """A line for each of a few pairs, evenly from the least alike to the most."""
    chosen = np.unique(np.linspace(0, pairs.height - 1, min(SHOWN, pairs.height)).astype(int))
    lines: list[str] = []
    for first, second, share in pairs.sort("likeness", "first")[chosen].iter_rows():
        one, other = (" ".join(text[place].split())[:BEGINNING] for place in (first, second))
        facts = {"first": f"{rows.ids[first]:,}", "second": f"{rows.ids[second]:,}", "share": f"{share:.0%}"}
        lines.append(say('rows {first} and {second}, {share}: "{one}", "{other}"', **facts, one=one, other=other))
    return tuple(lines)
