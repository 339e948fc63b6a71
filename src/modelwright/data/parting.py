"""Rows are parted: each exactly once, as a function of the rule, the rows and the seed alone. The kinds are in splits.py.

Chance is the room's own, of row ids or of contents, so that a split outlives versions of libraries.
"""

from __future__ import annotations

from hashlib import blake2b

import numpy as np
import polars as pl

from modelwright.data.chance import chance
from modelwright.data.content import texts_of
from modelwright.data.draws import draws
from modelwright.data.splits import SPELLINGS, Given, Hashed, Split, Stratified
from modelwright.nouns import PARTS, Part, Refused, Rows
from modelwright.wording import say, together

FEW = 10
"""Rows that are too few to be parted, whatever their labels."""
SHOWN = 40
"""Characters of a label that a sentence repeats."""
Parts = dict[Part, np.ndarray]
"""Positions in the rows (not ids), int64, ascending."""
AMOUNTS = 20
"""A label of numbers with more distinct values than this, and fewer than that many rows for each, is an amount."""


def split(rule: Split, rows: Rows, label: str | None, seed: int, classes: bool = True) -> Parts:
    """Positions of each part; without a label all rows are of one class, and so where labels are no classes but texts.
    Refused: no such label or part column, or a part to learn or judge with would be empty."""
    if label is not None and label not in rows.columns.columns:
        raise Refused(*no_label(label, rows.columns.columns))
    parts = _parted(rule, rows, label, seed, classes)
    if not len(parts["train"]):
        raise Refused(say("Of {n} rows none is left to learn from.", n=f"{len(rows):,}"), _way())
    if not len(parts["test"]):
        raise Refused(*_none_to_judge(rows, label if classes else None))
    return parts


def _none_to_judge(rows: Rows, label: str | None) -> tuple[str, str]:
    """Few rows, or labels of which none comes often enough to be both learned and judged."""
    n = f"{len(rows):,}"
    if label is None or len(rows) < FEW or rows.columns[label].n_unique() * 2 <= len(rows):
        way = say("Give more rows: of each class three at least, better hundreds.") if len(rows) < FEW else _way()
        return say("Of {n} rows none is left to judge with.", n=n), way
    facts = {"n": n, "label": label, "value": str(rows.columns[label][0])[:SHOWN]}
    return (
        say('Of {n} rows most have a label of their own in column {label}, as "{value}": no class can be judged so.', **facts),
        say('Name another label; or, where these are amounts, write them as 1234.5 and say so:   [codec]  target = "number"'),
    )


def _way() -> str:
    return say('Give more rows, or other shares:   [data]  split = {kind = "stratified", validation = 0.1, test = 0.2}')


def _parted(rule: Split, rows: Rows, label: str | None, seed: int, classes: bool) -> Parts:
    told = label if classes else None
    if isinstance(rule, Given):
        return _given(rule, rows, told, seed)
    if rule.validation + rule.test >= 1:
        raise Refused(say("split: validation and test take all rows; together they must be less than 1."))
    if isinstance(rule, Hashed):
        return _hashed(rule, rows, label, seed)
    return _stratified(rule, rows, told, np.arange(len(rows)), seed)


def no_label(label: str, columns: list[str]) -> tuple[str, ...]:
    """The sentences for a label column that is not there."""
    from difflib import get_close_matches

    like = get_close_matches(label, columns, n=3, cutoff=0.6)
    hint = say("Did you mean {names}?", names=", ".join(like)) if like else ""
    listing = ", ".join(columns[:30]) + (" ..." if len(columns) > 30 else "")
    return (
        together(say('There is no column "{label}" to predict.', label=label), hint),
        say("Columns: {columns}", columns=listing),
    )


def _stratified(rule: Stratified, rows: Rows, label: str | None, positions: np.ndarray, seed: int) -> Parts:
    """The shares of rule, of the rows at these positions."""
    classes = np.zeros(len(positions), np.int64) if label is None else _classes(rows.columns[label].gather(positions))
    counts = np.bincount(classes)
    many = counts >= 3
    test_least, validation_least = many & (rule.test > 0), many & (rule.validation > 0)
    test = apportion(counts, rule.test, test_least, counts - 1 - validation_least)
    validation = apportion(counts, rule.validation, validation_least, counts - 1 - test)
    keys = draws(rows.ids[positions], seed, "split")
    in_test, in_both = (_smallest(keys, classes, counts, most) for most in (test, test + validation))
    chosen = {"train": ~in_both, "validation": in_both & ~in_test, "test": in_test}
    return {part: positions[chosen[part]] for part in PARTS}


def _smallest(keys: np.ndarray, classes: np.ndarray, counts: np.ndarray, most: np.ndarray) -> np.ndarray:
    """bool (N,): whether a row's key is among the most[c] smallest of its class c. No two keys are the same."""
    bits = np.uint64(max(len(counts) - 1, 1).bit_length())
    mixed = (classes.astype(np.uint64) << (np.uint64(64) - bits)) | (keys >> bits)  # by class, then by key
    ends = np.minimum(np.cumsum(counts) - counts + most, len(mixed) - 1)
    few = np.where(most < counts, np.sort(mixed)[ends], np.iinfo(np.uint64).max)
    found = mixed < few[classes]
    if found.sum() == most.sum():
        return found
    order = np.lexsort((keys, classes))  # two keys differ only in the bits that the class took the place of
    place = np.arange(len(order)) - np.repeat(np.cumsum(counts) - counts, counts)
    found[order] = place < most[classes[order]]
    return found


def apportion(counts: np.ndarray, share: float, least: np.ndarray, most: np.ndarray) -> np.ndarray:
    """How many of each class go: share of the sum by largest remainder, each class within [least, most] all the same.

    counts, least, most int (C,). Ties go to the earlier class."""
    most = np.maximum(most, 0)
    least = np.minimum(least, most)
    quota = counts * share
    given = np.clip(np.floor(quota).astype(np.int64), least, most)
    over = int(given.sum()) - int(np.floor(counts.sum() * share + 0.5))
    while over:
        step = -1 if over > 0 else 1
        free = np.flatnonzero((given > least) if over > 0 else (given < most))
        if not len(free):
            break
        first = free[np.argsort(step * (given - quota)[free], kind="stable")][: abs(over)]
        given[first] += step
        over += step * len(first)
    return given


def _classes(label: pl.Series) -> np.ndarray:
    """int64 (N,): the class of each row in the order of names; all 0 where the label is an amount. Missing is a class too."""
    if label.dtype.is_nested() or label.dtype == pl.Binary:
        return np.zeros(len(label), np.int64)
    text = label.cast(pl.String).fill_null("")
    distinct = text.unique().sort()
    if (
        len(distinct) > max(AMOUNTS, len(text) // AMOUNTS)
        and distinct.cast(pl.Float64, strict=False).null_count() <= len(distinct) // 10
    ):
        return np.zeros(len(text), np.int64)
    return text.cast(pl.Enum(distinct)).to_physical().cast(pl.Int64).to_numpy()


def _hashed(rule: Hashed, rows: Rows, label: str | None, seed: int) -> Parts:
    """A row goes where the hash of its inputs, as a share of all hashes, says."""
    key = chance(seed, "split").to_bytes(8, "little")
    said = texts_of(rows.columns.drop(*([label] if label else []), "part", strict=False))
    digests = b"".join([blake2b(text, digest_size=8, key=key).digest() for text in said])
    place = np.frombuffer(digests, "<u8") / 2.0**64
    test, validation = place < rule.test, (place >= rule.test) & (place < rule.test + rule.validation)
    return {
        "train": np.flatnonzero(~test & ~validation),
        "validation": np.flatnonzero(validation),
        "test": np.flatnonzero(test),
    }


def _given(rule: Given, rows: Rows, label: str | None, seed: int) -> Parts:
    if rule.column not in rows.columns.columns:
        told = say('split: there is no column "{column}" that says which part a row is in.', column=rule.column)
        raise Refused(told, say('Part them by chance instead: split = {kind = "stratified"}'))
    named = rows.columns[rule.column].cast(pl.String).fill_null("").str.strip_chars().str.to_lowercase()
    unknown = named.filter(~named.is_in(list(SPELLINGS)))
    if len(unknown):
        raise Refused(
            say(
                'split: column "{column}" says "{value}"; it may say train, validation or test.',
                column=rule.column,
                value=unknown[0],
            )
        )
    part = named.replace_strict(SPELLINGS, return_dtype=pl.String).to_numpy()
    parts: Parts = {name: np.flatnonzero(part == name) for name in PARTS}
    if len(parts["validation"]) or not rule.validation:
        return parts
    inner = _stratified(Stratified(rule.validation, 0.0), rows, label, parts["train"], seed)
    return {"train": inner["train"], "validation": inner["validation"], "test": parts["test"]}
