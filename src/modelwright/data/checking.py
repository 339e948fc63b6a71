"""Rows are judged before training: which findings there are, and which of them are grave.

Cells are in cells_checked.py, columns that are not what they are read as in disguised.py, rows that say the same in twins.py,
cut ones in overlong.py, labels here; texts that say nearly the same in near_twins.py. Counts are exact.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import polars as pl

from modelwright.data.cells_checked import cell_findings
from modelwright.data.codecs import Columns, Conversations, Encoding
from modelwright.data.codecs.cells import is_empty, keys, texts, unreadable
from modelwright.data.codecs.columns import BLANKS, is_part, nothing_to_read
from modelwright.data.codecs.columns.decimals import plainly
from modelwright.data.disguised import misread_findings
from modelwright.data.findings import Check, Finding, Findings
from modelwright.data.near_twins import near_findings
from modelwright.data.overlong import overlong_finding
from modelwright.data.parting import no_label
from modelwright.data.twins import twin_findings
from modelwright.nouns import PARTS, Classes, Part, Refused, Rows
from modelwright.wording import say

SHOWN = 5
"""Rows that a finding names."""


def check(rows: Rows, parts: Mapping[Part, np.ndarray], encoding: Encoding, order: Check) -> Findings:
    """Grave ones first. Refused: no label column, or no such column as the codec is to read."""
    names = rows.columns.columns
    if encoding.label is not None and encoding.label not in names:
        raise Refused(*no_label(encoding.label, names))
    inputs = features(rows, encoding)
    rows = plainly(rows, encoding) if isinstance(encoding, Columns) else rows
    part = np.zeros(len(rows), np.uint8)
    for place, name in enumerate(PARTS, 1):
        part[parts[name]] = place
    told = pl.Series("part", ["", *PARTS], dtype=pl.Enum(["", *PARTS])).gather(part)
    found = [*cell_findings(rows, told, encoding, inputs), *twin_findings(rows, told, encoding, inputs)]
    found += near_findings(rows, told, encoding, order)
    if isinstance(encoding, Columns):
        found += misread_findings(rows, encoding, inputs)
    if long := overlong_finding(rows, encoding):
        found.append(long)
    if encoding.wants is Classes:
        found += _class_findings(rows, told, encoding)
    return tuple(sorted(found, key=lambda finding: not finding.grave))


def features(rows: Rows, encoding: Encoding) -> list[str]:
    """The columns that the codec reads, in their order. Refused: none, or some that hold neither text nor numbers."""
    names = rows.columns.columns
    if isinstance(encoding, Columns):
        read = [name for name in names if name not in (encoding.label, *encoding.ignore) and not is_part(rows.columns[name])]
        if not read:
            raise Refused(nothing_to_read(encoding.label))
        _refuse_unreadable(rows.columns.select(read), encoding)
        _refuse_empty(rows.columns.select(read), encoding)
        return read
    wanted = [*encoding.columns] if isinstance(encoding, Conversations) else [encoding.column]
    if missing := [name for name in wanted if name not in names]:
        told = say('There is no column "{column}", which the codec is to read.', column=missing[0])
        raise Refused(told, say("Columns: {columns}", columns=", ".join(names[:30])))
    return wanted


def _refuse_unreadable(frame: pl.DataFrame, encoding: Columns) -> None:
    """Lists, structs and bytes have no cell that a table could learn from: all such columns at once."""
    odd = [cells.name for cells in frame if unreadable(cells.dtype)]
    if odd:
        listed = ", ".join(f"{name} ({frame[name].dtype})" for name in odd[:SHOWN]) + (" ..." if len(odd) > SHOWN else "")
        raise Refused(say("Neither text nor numbers stand in: {columns}.", columns=listed), _leave_out(odd, encoding))


def _refuse_empty(frame: pl.DataFrame, encoding: Columns) -> None:
    """What a spreadsheet writes for cells that were once touched: columns in which no row says anything."""
    empty = [cells.name for cells in frame if is_empty(cells, encoding.blanks)]
    if empty:
        listed = ", ".join(empty[:SHOWN]) + (" ..." if len(empty) > SHOWN else "")
        raise Refused(say("Nothing stands in any row of: {columns}.", columns=listed), _leave_out(empty, encoding))


def _leave_out(names: list[str], encoding: Columns) -> str:
    listed = ", ".join(f'"{name}"' for name in (*encoding.ignore, *names))
    return say("Leave them out:   [codec]  ignore = [{names}]", names=listed)


def _class_findings(rows: Rows, part: pl.Series, encoding: Encoding) -> Iterator[Finding]:
    """Labels that cannot be learned, or not judged."""
    blanks = encoding.blanks if isinstance(encoding, Columns) else BLANKS
    assert encoding.label is not None
    label = texts(rows.columns[encoding.label])
    seen = pl.DataFrame({"cell": label, "part": part, "row": rows.ids}).group_by("cell").agg(
        pl.len().alias("n"), (pl.col("part") == "train").sum().alias("train"), pl.col("row").min(),
    )  # fmt: skip
    seen = seen.with_columns(keys(seen["cell"], blanks).alias("key")).drop_nulls("key")
    classes = seen.group_by("key").agg(pl.col("n", "train").sum(), pl.col("row").min(), pl.col("cell").first()).sort("row")
    if classes.height == 1:
        told = say(
            'Column {label} says "{value}" in every row: there is nothing to tell apart.',
            label=encoding.label,
            value=classes["cell"][0],
        )
        yield Finding("one_class", True, 1, (), told)
        return
    yield from _spelled_otherwise(classes, encoding.label)
    rare = classes.filter(pl.col("n") < 2)
    if rare.height:
        told = say("Labels with one row only, which cannot be both learned and judged: {names}.", names=_names(rare))
        way = say('Add rows, rename the label or take the rows out; or train all the same:   [check]  accept = ["rare"]')
        yield Finding("rare", True, rare.height, tuple(rare["row"].head(SHOWN)), f"{told}\n{way}")
    unseen = classes.filter((pl.col("train") == 0) & (pl.col("n") >= 2))
    if unseen.height:
        told = say("Labels that no training row has, so that none can be answered right: {names}.", names=_names(unseen))
        way = say('Part the rows by label:   split = {kind = "stratified"}   or accept it:   [check]  accept = ["unseen"]')
        yield Finding("unseen", True, int(unseen["n"].sum()), tuple(unseen["row"].head(SHOWN)), f"{told}\n{way}")


def _spelled_otherwise(classes: pl.DataFrame, label: str) -> Iterator[Finding]:
    """Classes that a person would take for one: they differ in capitals or spaces alone."""
    same = classes.with_columns(pl.col("key").str.to_lowercase().str.replace_all(r"\s+", " ").alias("same"))
    twice = same.filter(pl.col("same").is_duplicated()).sort("same", "row")
    if twice.height:
        told = say("Labels of {label} that differ in capitals or spaces alone, each a class: {names}.",
                   label=label, names=_names(twice))  # fmt: skip
        yield Finding("spelling", False, int(twice["n"].sum()), tuple(twice["row"].head(SHOWN)), told)


def _names(classes: pl.DataFrame) -> str:
    names = [f'"{name}"' for name in classes["cell"].head(SHOWN)]
    return ", ".join(names) + (" ..." if classes.height > SHOWN else "")
