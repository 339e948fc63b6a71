"""Columns of a table that would be learned as words though their cells look like something else: amounts, dates, names of rows.

What is read as numbers or in few words is left in peace. A column is told by its first cells, its spellings are all counted.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import polars as pl

from modelwright.data.codecs import Columns
from modelwright.data.codecs.cells import blank, is_empty, texts, unreadable
from modelwright.data.codecs.columns import BLANKS, DOUBTFUL, MOST
from modelwright.data.codecs.columns.decimals import has_commas
from modelwright.data.findings import Finding
from modelwright.nouns import Rows
from modelwright.wording import say

Looks: TypeAlias = Literal["amount", "date", "name"]

FIRST = 1000
"""Cells that tell what a column looks like."""
FEW = 20
"""Spellings that a column of words may well have, whatever they look like; and rows that tell a name of rows from a word."""
MOSTLY = 0.9
"""Spellings for each cell from which a column is a name of rows, whatever else it says."""
SHOWN = 5
"""Columns that a finding names."""
GROUPS = r"(\d{1,3}([.,'’ \u00a0\u202f]\d{3})+|\d+)([.,]\d+)?"
SIGN = r"([€$£¥₹%‰元]|[A-Z]{3})"
AMOUNT = rf"^[+-]?\s*{SIGN}?\s*[+-]?\s*{GROUPS}\s*{SIGN}?$"
"""1.234,50   1,234.5   $1,234   12 %   EUR 3,50"""
WORDED = r"\d{1,2}[ -]\p{L}{3,9}\.?[ -]\d{2,4}|\p{L}{3,9} \d{1,2}, \d{4}"
DATE = rf"^(\d{{1,4}}\s*[-/.年]\s*\d{{1,2}}\s*[-/.月]\s*\d{{1,4}}\s*日?|{WORDED})([ T].*)?$"
"""2024-01-31   31.01.2024 12:30   2024年1月31日   31-Jan-2024   Jan 31, 2024"""


@dataclass(frozen=True)
class Misread:
    """One such column."""

    column: str
    looks: Looks
    different: int
    """Spellings in it."""
    share: float
    """Spellings for each cell that says something."""
    value: str
    """What its first cell says."""


def misread(column: pl.Series, blanks: Sequence[str] = BLANKS) -> Misread | None:
    """What a column looks like that the codec would read as words; None where words are what it holds."""
    if unreadable(column.dtype) or column.dtype.is_numeric() or column.dtype == pl.Boolean:
        return None
    stripped = texts(column.head(FIRST)).str.strip_chars()
    first = stripped.filter(~pl.Series(blank(stripped, blanks), dtype=pl.Boolean))
    numbers = len(first) - first.cast(pl.Float64, strict=False).null_count()
    if first.n_unique() <= FEW or (len(first) - numbers) * DOUBTFUL <= len(first):
        return None
    there = len(column) - column.null_count()
    different = column.n_unique()
    looks: Looks = "name"
    if column.dtype.is_temporal() or _most(first, DATE):
        looks = "date"
    elif _most(first, AMOUNT):
        looks = "amount"
    elif different * 2 <= there:
        return None
    return Misread(column.name, looks, different, different / there, first[0])


def left_out(rows: Rows, label: str) -> tuple[str, ...]:
    """The columns of a table that a first recipe does without; none where no other would be left."""
    others = [name for name in rows.columns.columns if name != label]
    gone = tuple(name for name in others if _is_useless(rows.columns[name]))
    return gone if len(gone) < len(others) else ()


def _is_useless(column: pl.Series) -> bool:
    return unreadable(column.dtype) or is_empty(column, BLANKS) or _names(misread(column))


def _names(seen: Misread | None) -> bool:
    """Whether there is nothing in it to learn from: names and dates, each in a row or two."""
    return seen is not None and seen.looks != "amount" and (seen.share > MOSTLY or seen.different > MOST)


def has_gaps(rows: Rows, label: str) -> bool:
    """Whether some cell beside the label says nothing, in any of the spellings of that."""
    return any(_gap(rows.columns[name]) for name in rows.columns.columns if name != label)


def _gap(column: pl.Series) -> bool:
    if column.null_count() or unreadable(column.dtype):
        return column.null_count() > 0
    if column.dtype.is_float():
        return bool(column.is_nan().any())
    return column.dtype == pl.String and bool(column.str.strip_chars().is_in(["", *BLANKS]).any())


def _most(first: pl.Series, pattern: str) -> bool:
    return int((~first.str.contains(pattern)).sum()) * DOUBTFUL <= len(first)


def misread_findings(rows: Rows, encoding: Columns, inputs: list[str]) -> Iterator[Finding]:
    """amount, date and name, each of all its columns; grave where the codec has no place for so many words."""
    settled = {*encoding.numbers, *encoding.categories}
    found = [misread(rows.columns[name], encoding.blanks) for name in inputs if name not in settled]
    told = {
        "amount": say("Amounts, but not written as plain numbers, so that they are read as words"),
        "date": say("Dates, which are read as words, so that nothing is learned of days to come"),
        "name": say("Most rows say something there that no other does, so that nothing is learned of rows to come"),
    }
    ways = {
        "amount": say("Write them plainly, as 1234.5, or leave them out"),
        "date": say("Give year, month or weekday in columns of their own, or leave them out"),
        "name": say("Leave them out"),
    }
    read = say("Say that a comma stands before the decimals")
    for looks in ("amount", "date", "name"):
        some = [one for one in found if one is not None and one.looks == looks]
        if some:
            listed = ", ".join([f'{one.column} ("{one.value[:40]}")' for one in some[:SHOWN]] + ["..."] * (len(some) > SHOWN))
            names = ", ".join(f'"{name}"' for name in (*encoding.ignore, *(one.column for one in some)))
            grave = any(one.different > MOST for one in some)
            commas = looks == "amount" and has_commas(rows.columns.select(one.column for one in some))
            way = f'{read}:   [codec]  decimal = ","' if commas else f"{ways[looks]}:   [codec]  ignore = [{names}]"
            sentence = f"{told[looks]}: {listed}.\n{way}"
            yield Finding(looks, grave, len(some), (), sentence)
