"""The look at rows from which a recipe is drafted: what the label is, and what the columns hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from modelwright import data
from modelwright.nouns import Refused, Rows
from modelwright.reader import Lines, override, read, write
from modelwright.wording import say, say_many, together

if TYPE_CHECKING:
    import polars as pl

MANY_NUMBERS = 20
"""A label with more distinct numbers than this is an amount, not a class."""
LISTED = 20
"""Columns named in a refusal."""
TAGGED = 200
"""Rows that tell whether labels are lists of tags."""
LONG_TEXT = 4
"""Words in the median cell from which a column is a text to read, not a category."""


@dataclass(frozen=True)
class Look:
    """What a first look at the rows told."""

    source: data.Source
    label: str
    target: str
    """class or number"""
    text: str | None
    """The column that holds running text, if one does."""
    picture: bool
    size: tuple[int, int] | None
    """Height and width to which pictures are brought."""
    sound: bool
    tags: tuple[str, str] | None
    """The column of words, where the label is a tag for each, and the scheme of the tags."""
    missing: bool
    commas: bool
    """Decimals stand behind a comma."""
    left_out: tuple[str, ...]
    """Columns of a table that are nothing to learn from."""
    height: int


def look(path: Path, label: str | None, assignments: Sequence[str] = ()) -> Look:
    """Reads the rows and says what they are; of "path=value" words those of [data] say how, as data.encoding=latin-1.

    Refused without a label: it is never guessed."""
    from modelwright.data.codecs.columns.decimals import has_commas
    from modelwright.data.disguised import has_gaps, left_out

    source = _source(path, [one for one in assignments if one.startswith("data.")])
    rows = data.read(source)
    columns = rows.columns.columns
    if label is None or label not in columns:
        raise Refused(*_no_label(path, label, columns))
    commas = has_commas(rows.columns)
    rows = data.plainly(rows, data.Columns(label, target="number", decimal=",")) if commas else rows
    text, tags, is_table = _text_column(rows, label), _tags(rows, label), not {"picture", "sound"} & set(columns)
    _refuse_spelled_amounts(path, rows.columns[label])
    return Look(
        source=source,
        label=label,
        target="number" if _is_amount(rows.columns[label]) else "class",
        text=text,
        picture="picture" in columns,
        size=_size(rows) if "picture" in columns else None,
        sound="sound" in columns,
        tags=tags,
        missing=has_gaps(rows, label),
        commas=commas,
        left_out=left_out(rows, label) if text is None and tags is None and is_table else (),
        height=len(rows),
    )


def _size(rows: Rows) -> tuple[int, int] | None:
    from modelwright.data.codecs.pictures.gallery import size_for

    return size_for(rows.columns["picture"])


def _source(path: Path, assignments: Sequence[str]) -> data.Source:
    if not assignments:
        return data.from_path(path)
    told, lines = override({"data": write(data.from_path(path))}, assignments, Lines(base=Path.cwd()))
    return read(data.Source, told["data"], "data", lines)


def _no_label(path: Path, label: str | None, columns: list[str]) -> tuple[str, ...]:
    more = say_many("and {n} more", "and {n} more", len(columns) - LISTED) if len(columns) > LISTED else ""
    listed = say("Its columns are: {columns}", columns=", ".join(columns[:LISTED]) + (f" {more}" if more else ""))
    from difflib import get_close_matches

    if label is None:
        return (
            say("Which column of {path} is to be predicted? The label is never guessed: add --label COLUMN.", path=path),
            listed,
        )
    near = [f'"{name}"' for name in get_close_matches(label, columns, n=3, cutoff=0.6)]
    hint = say("Did you mean {names}?", names=", ".join(near)) if near else ""
    return (together(say('{path} has no column "{label}".', path=path, label=label), hint), listed)


def _is_amount(label: pl.Series) -> bool:
    from modelwright.data.codecs.cells import numbered, unreadable
    from modelwright.data.codecs.columns import BLANKS

    if unreadable(label.dtype) or label.n_unique() <= MANY_NUMBERS:
        return False
    return not numbered(label, BLANKS).unparsable.any()


def _refuse_spelled_amounts(path: Path, label: pl.Series) -> None:
    """As classes hundreds of amounts would each be learned alone: said before anything is drafted."""
    from modelwright.data.disguised import misread

    seen = misread(label)
    if seen is not None and seen.looks == "amount":
        told = say(
            'The labels in column {label} of {path} look like amounts, but "{value}" is no plain number.',
            label=label.name,
            path=path,
            value=seen.value[:40],
        )
        raise Refused(told, say("Write them as 1234.5: no comma, no mark of thousands, no sign of money or percent."))


def _text_column(rows: Rows, label: str) -> str | None:
    """The column of running text, if there is just one."""
    import polars as pl

    strings = [name for name in rows.columns.columns if name != label and rows.columns[name].dtype == pl.String]
    words = {name: rows.columns[name].head(1000).str.count_matches(r"\S+").median() or 0 for name in strings}
    long = [name for name, count in words.items() if isinstance(count, (int, float)) and count > LONG_TEXT]
    return long[0] if len(long) == 1 else None


def _tags(rows: Rows, label: str) -> tuple[str, str] | None:
    """Where most labels are lists: the one column of lists as long, and the scheme that most of them follow."""
    import polars as pl

    from modelwright.data.codecs.tags.schemes import Scheme, words_of, wrong

    some = rows.columns.head(TAGGED)
    tags = [words_of(cell or "") for cell in some[label]] if some[label].dtype == pl.String else []
    if sum(bool(each) for each in tags) * 2 <= len(tags):
        return None
    others = [cells for cells in some if cells.dtype == pl.String and cells.name != label]
    found = {cells.name: [words_of(cell or "") for cell in cells] for cells in others}
    fitting = [name for name, words in found.items() if [len(one or ()) for one in words] == [len(one or ()) for one in tags]]
    if len(fitting) != 1:
        return None
    schemes: tuple[Scheme, ...] = ("iob2", "bioes")
    right = {scheme: sum(not wrong(each or (), scheme) for each in tags) for scheme in schemes}
    best = max(right, key=lambda scheme: right[scheme])
    return fitting[0], best if right[best] * 10 >= 9 * len(tags) else "none"
