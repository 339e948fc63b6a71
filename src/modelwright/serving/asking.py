"""A request's body -> a Question: columns of cells, each the text that a CSV file would hold. Knows no model and no web.

JSON is read strictly: NaN, Infinity, 1e400, a key twice, half a character or a hundred thousand brackets are turned away.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeAlias

from modelwright import vault
from modelwright.data.sources.jsonl import text
from modelwright.nouns import Refused
from modelwright.serving.turning import TOO_LARGE, UNREADABLE, WRONG_TYPE, Turned
from modelwright.wording import say, spoken

Cell: TypeAlias = "str | bytes | None"
Form: TypeAlias = Literal["json", "csv"]

MOST_BYTES = 1 << 24
"""Of a body."""
MOST_ROWS = 10_000
"""Of a request."""


@dataclass(frozen=True)
class Wanted:
    """What a model's codec wants to be told, as far as reading a body goes."""

    columns: tuple[str, ...]
    """Names that its rows have."""
    raw: str = ""
    """The column that holds encoded bytes (a picture, a sound), where there is one: never a path."""
    media: str = ""
    """What such bytes are sent as: "image", "audio"."""

    @property
    def most_columns(self) -> int:
        """What a request may name in all; more are a mistake or an attack."""
        return 2 * len(self.columns) + 100


@dataclass(frozen=True)
class Question:
    """Rows of one request, column by column."""

    columns: Mapping[str, Sequence[Cell]]
    height: int
    language: str = field(default_factory=spoken)
    """That its asker reads: faults are told in it."""
    form: Form = "json"
    """Of its answers."""


def question(body: bytes, media: str, wanted: Wanted) -> Question:
    """The rows in a body of this media type. Turned: another type, no rows, too many, or not what the type says."""
    kind = media.partition(";")[0].strip().lower()
    if kind == "application/json":
        return _from_json(body, wanted)
    if kind == "text/csv":
        return _from_csv(body, wanted)
    if wanted.media and kind.partition("/")[0] == wanted.media:
        return Question({wanted.raw: [body]}, 1)
    own = f", {wanted.media}/..." if wanted.media else ""
    raise Turned(
        WRONG_TYPE,
        say(
            "The Content-Type {kind} is not read here; this model reads {kinds}.",
            kind=kind[:100] or say("(none)"),
            kinds="application/json, text/csv" + own,
        ),
    )


# --- JSON -----------------------------------------------------------------------------------------------------------------


def _from_json(body: bytes, wanted: Wanted) -> Question:
    """{"rows": [{column: value}]}, [{column: value}] or {column: value}; numbers are text already, true becomes "true"."""
    try:
        value = vault.read_written(body, say("The request"), MOST_BYTES)
    except Refused as refusal:
        raise Turned(UNREADABLE, *refusal.sentences) from None
    rows = _rows(value)
    _few_enough(len(rows))
    names = list(dict.fromkeys(name for row in rows for name in row))
    _wide_enough(len(names), wanted)
    columns: dict[str, Sequence[Cell]] = {}
    for name in names:
        told = (row.get(name) for row in rows)
        cells = [value if value is None or type(value) is str else text(value) for value in told]
        columns[name] = cells if name != wanted.raw else [_unpacked(cell) for cell in cells]
    return Question(columns, len(rows))


def _rows(value: Any) -> list[dict[str, Any]]:
    rows: Any = value
    if isinstance(value, dict):
        inner = value.get("rows")
        rows = inner if len(value) == 1 and isinstance(inner, list) else [value]
    if not isinstance(rows, list):
        raise Turned(UNREADABLE, say('Rows are needed: {"rows": [{"column": value}]}, a list of such rows, or one row.'))
    for place, row in enumerate(rows):
        if not isinstance(row, dict):
            raise Turned(UNREADABLE, say('Row {row} is not an object: each must be one, as {{"column": value}}.', row=place))
    return rows


def _unpacked(cell: str | None) -> bytes | None:
    """Bytes that stand in JSON as base64. What is no base64 is no picture either, and so a fault of its row."""
    if cell is None:
        return None
    try:
        return base64.b64decode(cell, validate=True)
    except (binascii.Error, ValueError):
        return b""


# --- CSV ------------------------------------------------------------------------------------------------------------------


def _from_csv(body: bytes, wanted: Wanted) -> Question:
    """As a file of the same bytes is read, in UTF-8."""
    import polars as pl

    from modelwright.data.sources.delimited import tables_in

    if wanted.raw:
        told = say('The column "{column}" holds bytes, which no CSV can: send the file itself, or JSON with base64.',
                   column=wanted.raw)  # fmt: skip
        raise Turned(WRONG_TYPE, told)
    text = _plain_text(body)
    head = text.lstrip(b"\n").partition(b"\n")[0]
    _wide_enough(max(head.count(mark) for mark in b",;\t|") + 1, wanted)
    try:
        frames = list(tables_in(Path(say("The request")), [text], "auto"))
    except Refused as refusal:
        raise Turned(UNREADABLE, *refusal.sentences) from None
    frame = pl.concat(frames) if frames else pl.DataFrame()
    _few_enough(frame.height)
    return Question({name: frame[name].to_list() for name in frame.columns}, frame.height)


def _plain_text(body: bytes) -> bytes:
    """UTF-8 without its mark, lines ended by \\n or \\r\\n."""
    text = body.removeprefix(b"\xef\xbb\xbf")
    try:
        text.decode()
    except UnicodeDecodeError as error:
        raise Turned(UNREADABLE, say("The request is not UTF-8: byte {place} is none.", place=f"{error.start:,}")) from None
    return text.replace(b"\r", b"\n") if b"\r" in text and b"\n" not in text else text


def _wide_enough(width: int, wanted: Wanted) -> None:
    if not 0 < width <= wanted.most_columns:
        told = say("The request names {n} columns; this model knows {wanted}.", n=width, wanted=len(wanted.columns))
        raise Turned(UNREADABLE, told)


def _few_enough(height: int) -> None:
    if not height:
        raise Turned(UNREADABLE, say("The request has no rows."))
    if height > MOST_ROWS:
        facts = {"rows": f"{height:,}", "most": f"{MOST_ROWS:,}"}
        told = say("The request has {rows} rows; at most {most} are answered at a time.", **facts)
        raise Turned(TOO_LARGE, told)
