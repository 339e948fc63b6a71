"""Rows that say the same: twice in a part, in two parts, or with two labels. Found by hash, counted by what they say."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import polars as pl

from modelwright.data.codecs import Encoding
from modelwright.data.content import plain
from modelwright.data.findings import Finding
from modelwright.nouns import Classes, Rows
from modelwright.wording import say, say_many

SHOWN = 5
SLIGHT = 0.01
"""The share of test rows that may be known from training; in small tests as many as could move the score by no more than chance
does, 1 / sqrt(n), about half its 95 % interval: one iris that comes twice stops nobody."""


def twin_findings(rows: Rows, part: pl.Series, encoding: Encoding, inputs: list[str]) -> Iterator[Finding]:
    """leak, contradiction and duplicate, of the columns that the codec reads."""
    twins = _twins(rows, part, encoding, inputs)
    if twins is None:
        return
    groups = twins.group_by([str(place) for place in range(len(inputs))]).agg(
        pl.len().alias("n"),
        *(pl.col("row").filter(pl.col("part") == name).alias(name) for name in ("train", "validation", "test")),
        pl.col("label").n_unique().alias("labels"),
        pl.col("row").min(),
    )
    yield from _leak(groups, int((part == "test").sum()))
    if encoding.wants is Classes and encoding.label is not None:
        yield from _contradiction(groups.filter(pl.col("labels") > 1), encoding.label)
    repeated = twins.filter(~pl.struct(pl.exclude("row")).is_first_distinct())
    if repeated.height:
        told = say_many(
            "{n} row repeats another of its part, label and all",
            "{n} rows repeat another of their part, label and all",
            repeated.height,
        )
        yield Finding(
            "duplicate",
            False,
            repeated.height,
            first_of(repeated["row"]),
            told + say(" (row {row} is the first).", row=f"{repeated['row'].min():,}"),
        )


def _twins(rows: Rows, part: pl.Series, encoding: Encoding, inputs: list[str]) -> pl.DataFrame | None:
    """The rows whose inputs come more than once: inputs as columns "0", "1" ..., then label, part, row; else None."""
    said = pl.DataFrame([plain(rows.columns[name]).alias(str(place)) for place, name in enumerate(inputs)])
    hashes = said.hash_rows()
    if hashes.n_unique() == len(hashes):
        return None
    twice = np.flatnonzero(hashes.is_duplicated().to_numpy())
    told = pl.Series([None] * len(rows), dtype=pl.String) if encoding.label is None else plain(rows.columns[encoding.label])
    return said[twice].with_columns(told.gather(twice).alias("label"), part.gather(twice), pl.Series("row", rows.ids[twice]))


def _leak(groups: pl.DataFrame, tested: int) -> Iterator[Finding]:
    """Rows of test known from training or validation, and rows of validation known from training."""
    known = pl.col("train").list.len() > 0
    test = groups.filter(known | (pl.col("validation").list.len() > 0))["test"].explode(empty_as_null=False)
    validation = groups.filter(known)["validation"].explode(empty_as_null=False)
    count = len(test) + len(validation)
    if not count:
        return
    grave = is_grave(len(test), tested)
    facts = {"test": f"{len(test):,}", "share": f"{len(test) / max(tested, 1):.1%}", "validation": f"{len(validation):,}"}
    told = say("Said already by rows that are learned from: {test} test rows ({share}), {validation} of validation.", **facts)
    way = say('Settle it with one line:   split = {kind = "hashed"}   or accept it:   [check]  accept = ["leak"]')
    yield Finding("leak", grave, count, first_of(pl.concat([test, validation])), f"{told}\n{way}" if grave else told)


def _contradiction(groups: pl.DataFrame, label: str) -> Iterator[Finding]:
    if groups.height:
        count = int(groups["n"].sum())
        told = say(
            "{count} rows say the same as another with a different {label}, so that not all can be answered right.",
            count=f"{count:,}",
            label=label,
        )
        yield Finding("contradiction", False, count, first_of(groups["row"]), told)


def is_grave(known: int, tested: int) -> bool:
    """Whether so many of the test rows, known from training, make a score untrue."""
    return known > max(SLIGHT * tested, tested**0.5)


def first_of(rows: pl.Series) -> tuple[int, ...]:
    """The ids of the first few."""
    return tuple(rows.sort().head(SHOWN).to_list())
