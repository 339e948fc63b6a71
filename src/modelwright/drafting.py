"""A recipe written from a look at the data: what `init` writes and `run data.csv --label price` runs. Knows no training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelwright import data
from modelwright.nouns import Refused, Rows
from modelwright.reader import to_toml, write
from modelwright.wording import say, say_many

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
    sound: bool
    tags: tuple[str, str] | None
    """The column of words, where the label is a tag for each, and the scheme of the tags."""
    missing: bool
    height: int


def look(path: Path, label: str | None) -> Look:
    """Reads the rows and says what they are. Refused without a label: it is never guessed."""
    source = data.from_path(path)
    rows = data.read(source)
    columns = rows.columns.columns
    if label is None or label not in columns:
        raise Refused(*_no_label(path, label, columns))
    text = _text_column(rows, label)
    return Look(
        source=source,
        label=label,
        target="number" if _is_amount(rows.columns[label]) else "class",
        text=text,
        picture="picture" in columns,
        sound="sound" in columns,
        tags=_tags(rows, label),
        missing=any(rows.columns[name].null_count() for name in columns if name != label),
        height=len(rows),
    )


def _no_label(path: Path, label: str | None, columns: list[str]) -> tuple[str, ...]:
    more = say_many("and {n} more", "and {n} more", len(columns) - LISTED) if len(columns) > LISTED else ""
    listed = say("Its columns are: {columns}", columns=", ".join(columns[:LISTED]) + (f" {more}" if more else ""))
    if label is None:
        return (
            say("Which column of {path} is to be predicted? The label is never guessed: add --label COLUMN.", path=path),
            listed,
        )
    return (say('{path} has no column "{label}".', path=path, label=label), listed)


def _is_amount(label: pl.Series) -> bool:
    import polars as pl

    numbers = label.cast(pl.String).cast(pl.Float64, strict=False)
    return numbers.null_count() == label.null_count() and numbers.n_unique() > MANY_NUMBERS


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

    from modelwright.data.codecs.tags.schemes import Scheme, wrong
    from modelwright.data.codecs.tags.tagging import words_of

    some = rows.columns.head(TAGGED)
    found = {name: [words_of(cell or "") for cell in some[name]] for name in some.columns if some.schema[name] == pl.String}
    tags = found.pop(label, [])
    if sum(bool(each) for each in tags) * 2 <= len(tags):
        return None
    fitting = [name for name, words in found.items() if [len(one or ()) for one in words] == [len(one or ()) for one in tags]]
    if len(fitting) != 1:
        return None
    schemes: tuple[Scheme, ...] = ("iob2", "bioes")
    right = {scheme: sum(not wrong(each or (), scheme) for each in tags) for scheme in schemes}
    best = max(right, key=lambda scheme: right[scheme])
    return fitting[0], best if right[best] * 10 >= 9 * len(tags) else "none"


def draft(seen: Look, start: Path | None = None) -> dict[str, Any]:
    """The plain tree of a recipe that runs on these rows. Its path starts at the folder `start`, where the recipe will lie."""
    return {
        "format": 1,
        "seed": 0,
        "data": {**write(seen.source), "path": _path(seen.source, start)},
        "codec": _codec(seen),
        "model": _model(seen),
        "training": {
            "epochs": _epochs(seen),
            "batch": 32 if seen.height < 50_000 else 128,
            "optimizer": {"kind": "adam", "rate": 0.001},
            "stopping": {"patience": 5},
        },
    }


def _path(source: data.Source, start: Path | None) -> str:
    """Relative where the rows lie at or below `start`, so that both can be moved together; else absolute."""
    path = Path(write(source)["path"]).absolute()
    below = start is not None and path.is_relative_to(start.absolute())
    return path.relative_to(start.absolute()).as_posix() if below and start is not None else str(path)


def _codec(seen: Look) -> dict[str, Any]:
    if seen.picture:
        return {"kind": "pictures", "label": seen.label}
    if seen.sound:
        return {"kind": "log_mel", "label": seen.label}
    if seen.tags is not None:
        words, scheme = seen.tags
        return {"kind": "tags", "column": words, "label": seen.label, "scheme": scheme}
    target = {"target": "number"} if seen.target == "number" else {}
    if seen.text is not None:
        return {"kind": "words", "label": seen.label, "column": seen.text}
    return {"kind": "columns", "label": seen.label, **target, **({"missing": "median"} if seen.missing else {})}


def _model(seen: Look) -> dict[str, Any]:
    if seen.picture:
        return {"kind": "cnn", "stages": [[16, 16], [32, 32]], "head": [128], "dropout": 0.2}
    if seen.sound:
        return {"kind": "cnn", "stages": [[16, 16], [32, 32], [64]], "head": [64], "dropout": 0.2}
    if seen.tags is not None:
        return {"kind": "encoder"}
    if seen.text is not None:
        return {"kind": "lstm", "embedding": 32, "width": 64}
    return {"kind": "mlp", "widths": [64, 32], "dropout": 0.1}


def _epochs(seen: Look) -> int:
    """As many as give some 30,000 updates at most: minutes on a laptop."""
    return max(5, min(60, 1_000_000 // max(seen.height, 1)))


def commented(tree: Mapping[str, Any], seen: Look) -> str:
    """The recipe as text, each section under a line that says what it orders."""
    remarks = {
        "[data]": say("where the rows come from, and which part is kept for judging"),
        "[codec]": say("what each column means; learned on training rows alone"),
        "[model]": say("the network: another kind is another word here"),
        "[training]": say("how it learns; it stops when validation stops getting better"),
    }
    head = "# " + say(
        "{rows} rows, label {label}. Run it: modelwright run THIS_FILE", rows=f"{seen.height:,}", label=seen.label
    )
    lines = [head]
    for line in to_toml(tree).splitlines():
        lines += [f"# {remarks[line]}"] if line in remarks else []
        lines.append(line)
    return "\n".join(lines) + "\n"
