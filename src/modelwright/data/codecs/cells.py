"""Cells of a table: the text and the number that a cell stands for, whatever type it came in. Knows no codec.

A cell is missing where it is null, NaN, or one of the blanks once spaces are stripped.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import polars as pl

from modelwright.nouns import Faults, Refused, Rows
from modelwright.wording import say, say_many

HOLE = "\ufdd0"
"""Stands in a sentence for what is different in every row; a character that no text may hold."""
NAMED = 5
"""Columns that a refusal names, each with those like it."""
FIRST = 256
"""Cells that tell most columns apart from empty ones."""
SHOWN = 40
"""Characters of a faulty cell that its sentence repeats."""


@dataclass(frozen=True)
class Numbered:
    """A column read as numbers."""

    values: np.ndarray
    """float64 (N,), NaN where there is no number."""
    missing: np.ndarray
    """bool (N,)."""
    unparsable: np.ndarray
    """bool (N,): something is there, and it is no finite number."""

    def where(self, good: np.ndarray) -> Numbered:
        return Numbered(self.values[good], self.missing[good], self.unparsable[good])


def all_numbered(pieces: Sequence[Numbered]) -> Numbered:
    """One column read in pieces."""
    values, missing, unparsable = zip(*((cells.values, cells.missing, cells.unparsable) for cells in pieces), strict=True)
    return Numbered(np.concatenate(values), np.concatenate(missing), np.concatenate(unparsable))


def numbered(column: pl.Series, blanks: Sequence[str]) -> Numbered:
    """Strictly: "1e5", "-3" and " 4 " are numbers, "1,000", "inf" and true are not. A blank may be a number, as "-999"."""
    if column.dtype.is_numeric():
        values = column.cast(pl.Float64).to_numpy()
        missing, unparsable = np.isnan(values), np.isinf(values)
    else:
        values, missing, unparsable = _parsed(texts(column), blanks)
    sentinels = numbers_among(tuple(blanks))
    if sentinels:
        missing = missing | np.isin(values, sentinels)
        unparsable = unparsable & ~missing
    if sentinels or np.isinf(values).any():
        values = np.where(missing | unparsable, np.nan, values)
    return Numbered(values, missing, unparsable)


@cache
def numbers_among(blanks: tuple[str, ...]) -> list[float]:
    """The finite numbers that stand for nothing, as -999."""
    values = pl.Series(blanks, dtype=pl.String).cast(pl.Float64, strict=False).drop_nulls()
    return values.filter(values.is_finite()).to_list()


def _parsed(text: pl.Series, blanks: Sequence[str]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """values, missing, unparsable. Most cells parse as they are; only the others are stripped and looked at again."""
    values = text.cast(pl.Float64, strict=False).to_numpy()  # null is NaN
    missing, unparsable = text.is_null().to_numpy(), np.zeros(len(text), bool)
    unread = np.flatnonzero(~(np.isfinite(values) | missing))
    if len(unread):
        missing = missing.copy()
        left = text.gather(unread).str.strip_chars()
        again = left.cast(pl.Float64, strict=False).to_numpy()
        values = values if values.flags.writeable else values.copy()
        values[unread] = again
        gone = blank(left, blanks)
        missing[unread] = gone
        unparsable[unread] = ~(gone | np.isfinite(again))
    return values, missing, unparsable


def blank(stripped: pl.Series, blanks: Sequence[str]) -> np.ndarray:
    """bool (N,): null, empty or one of the blanks."""
    return (stripped.is_null() | stripped.is_in(["", *blanks]).fill_null(value=True)).to_numpy()


def unreadable(dtype: pl.DataType) -> bool:
    """Lists, structs and bytes."""
    return dtype.is_nested() or isinstance(dtype, (pl.Binary, pl.Object))


def texts(column: pl.Series) -> pl.Series:
    """The column as a person would write it: 3.0 is "3", true is "true"; NaN is null."""
    if column.dtype == pl.String:
        return column
    if unreadable(column.dtype):
        raise Refused(
            say('Column "{column}" holds {dtype}, which is neither text nor numbers: name it in ignore.',
                column=column.name, dtype=str(column.dtype))
        )  # fmt: skip
    if not column.dtype.is_float():
        return column.cast(pl.String)
    whole = (column == column.round(0)) & (column.abs() < 2**53)
    name = pl.col(column.name)
    integer, broken = name.cast(pl.Int64, strict=False).cast(pl.String), name.fill_nan(None).cast(pl.String)
    shown = pl.when(whole).then(integer).otherwise(broken)
    return column.to_frame().select(shown.alias(column.name)).to_series()


def is_empty(column: pl.Series, blanks: Sequence[str]) -> bool:
    """Whether no cell says anything."""
    if column.null_count() == len(column):
        return True
    if column.dtype != pl.String or not blank(column.head(FIRST).str.strip_chars(), blanks).all():
        return False
    return bool(blank(column.str.strip_chars(), blanks).all())


def blank_texts(text: pl.Series) -> pl.Series:
    """bool (N,): nothing is written there. Copies no text."""
    return ~text.str.contains(r"\S").fill_null(value=False)


def keys(text: pl.Series, blanks: Sequence[str]) -> pl.Series:
    """What makes two cells the same category: spaces stripped, "3.0" as "3", "True" as "true"; null where missing."""
    stripped = text.str.strip_chars()
    same = stripped.str.replace(r"^([+-]?\d+)\.0+$", "$1").to_frame("cell")
    lowered = pl.col("cell").str.to_lowercase()
    truth = pl.when(lowered.is_in(["true", "false"])).then(lowered).otherwise(pl.col("cell"))
    gone = pl.Series(blank(stripped, blanks))
    return same.select(pl.when(gone).then(None).otherwise(truth).alias("key")).to_series()


@dataclass(frozen=True)
class Coded:
    """A column read as categories."""

    codes: np.ndarray
    """int32 (N,): place among the known keys, UNSEEN or MISSING."""

    @property
    def missing(self) -> np.ndarray:
        return self.codes == MISSING


UNSEEN, MISSING = -1, -2


def coded(text: pl.Series, known: Sequence[str], blanks: Sequence[str]) -> Coded:
    """Most cells are spelled as the known keys are; every different spelling of the others is looked up once."""
    wanted = pl.Series(known, dtype=pl.String)
    if not _are_keys(tuple(known), tuple(blanks)):
        return Coded(_looked_up(text, wanted, blanks))
    found = text.cast(pl.Enum(wanted), strict=False).to_physical().cast(pl.Int32)
    if not found.null_count():
        return Coded(found.to_numpy())
    left = found.is_null().arg_true()
    codes = found.fill_null(MISSING).to_numpy(writable=True)
    codes[left.to_numpy()] = _looked_up(text.gather(left), wanted, blanks)
    return Coded(codes)


@cache
def _are_keys(known: tuple[str, ...], blanks: tuple[str, ...]) -> bool:
    """Whether each of them is spelled as its own key is."""
    wanted = pl.Series(known, dtype=pl.String)
    return len(known) > 0 and bool(keys(wanted, blanks).eq_missing(wanted).all())


def _looked_up(text: pl.Series, known: pl.Series, blanks: Sequence[str]) -> np.ndarray:
    """int32 (N,), as in Coded."""
    if text.null_count() == len(text):
        return np.full(len(text), MISSING, np.int32)
    spellings = text.unique().drop_nulls()
    said = keys(spellings, blanks)
    found = said.replace_strict(known, range(len(known)), default=UNSEEN, return_dtype=pl.Int32).set(said.is_null(), MISSING)
    return text.replace_strict(spellings, found, default=MISSING, return_dtype=pl.Int32).fill_null(MISSING).to_numpy()


def absent(text: pl.Series, blanks: Sequence[str]) -> np.ndarray:
    """bool (N,): the cells with nothing in them."""
    spellings = text.unique()
    nothing = spellings.filter(pl.Series(blank(spellings.str.strip_chars(), blanks)))
    return text.is_in(nothing.implode(), nulls_equal=True).to_numpy()


def spelled(column: pl.Series) -> pl.DataFrame:
    """Columns cell, each different one of the column, and count, how often it comes."""
    return column.alias("cell").to_frame().group_by("cell").len("count")


def tally(spellings: pl.DataFrame, blanks: Sequence[str]) -> pl.DataFrame:
    """Of texts as spelled() tells them: columns key, shown (its most frequent spelling) and count; most frequent first, then
    by alphabet; no missing ones."""
    spellings = spellings.with_columns(keys(spellings["cell"], blanks)).drop_nulls("key")
    spellings = spellings.with_columns(pl.col("cell").str.strip_chars().alias("shown"))
    return (
        spellings.sort(["count", "shown"], descending=[True, False])
        .group_by("key", maintain_order=True)
        .agg(pl.col("shown").first(), pl.col("count").sum())
        .sort(["count", "key"], descending=[True, False])
    )


# --- faults ---------------------------------------------------------------------------------------------------------------


def no_faults() -> Faults:
    return pl.DataFrame(schema={"row": pl.Int64, "column": pl.String, "sentence": pl.String})


def faults(ids: np.ndarray, column: str, sentence: str, values: pl.Series | None = None, shown: int = SHOWN) -> Faults:
    """One fault for each id; HOLE in the sentence is filled with the first `shown` characters of that row's value."""
    said = pl.Series("sentence", [sentence], dtype=pl.String).new_from_index(0, len(ids))
    if values is not None:
        before, _, after = sentence.partition(HOLE)
        cell = values.fill_null("").str.slice(0, shown).alias("cell").to_frame()
        said = cell.select(pl.concat_str(pl.lit(before), "cell", pl.lit(after)).alias("sentence")).to_series()
    where = pl.Series("column", [column], dtype=pl.String).new_from_index(0, len(ids))
    return pl.DataFrame([pl.Series("row", ids, dtype=pl.Int64), where, said])


def missing_faults(rows: Rows, column: str, missing: np.ndarray) -> Faults:
    return faults(rows.ids[missing], column, say("There is no value."))


def joined(found: Iterable[Faults]) -> Faults:
    """All faults, by row; of one row in the order in which they were found."""
    some = [each for each in found if len(each)]
    return pl.concat(some).sort("row", maintain_order=True) if some else no_faults()


def require(frame: pl.DataFrame, wanted: Iterable[str], why: Callable[[str, str], str]) -> None:
    """Refused unless every wanted column is there; `why` says the sentence for a name and the names like it."""
    names = frame.columns
    there = {*names}
    gone = [name for name in dict.fromkeys(wanted) if name not in there]
    if not gone:
        return
    told = [why(name, near(name, names)) for name in gone[:NAMED]]
    more = len(gone) - NAMED
    raise Refused(*told, *([say_many("{n} more column is gone.", "{n} more columns are gone.", more)] if more > 0 else []))


def gone_since_training(column: str, near: str) -> str:
    return say('Column "{column}" was there in training and is gone. Columns like it: {near}.', column=column, near=near)


def never_there(column: str, near: str) -> str:
    return say('The recipe names a column "{column}" that the rows lack. Columns like it: {near}.', column=column, near=near)


def near(name: str, names: Sequence[str]) -> str:
    """The names that are like this one, else the first few, for a sentence."""
    like = difflib.get_close_matches(name, names, n=3, cutoff=0.6)
    return ", ".join(like or list(names)[:10])
