"""Rows of a JSON Lines file (jsonlines.org), plain or gzip: an object per line. Every value becomes text; null is null."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modelwright.data.sources.only import Only, only
from modelwright.data.sources.writings import Writing
from modelwright.data.splits import Split, Stratified
from modelwright.nouns import Refused, Rows
from modelwright.wording import say


@dataclass(frozen=True)
class JSONL:
    """The columns are the keys of all lines, in the order in which they first come; a key that a line lacks is null there."""

    path: Path
    encoding: Writing = "auto"
    only: Only | None = None
    """Rows whose cell in a column is one of some words, as {column = "source", words = ["imdb"]}; null: all."""
    split: Split = Stratified()

    def chunks(self, height: int = 65536) -> Iterator[Rows]:
        import polars as pl

        from modelwright.data.sources.numbering import numbered

        keys: dict[str, None] = {}
        for _, record in records(self.path, self.encoding):
            keys.update(dict.fromkeys(record))
        if not keys:
            raise Refused(say("{name} has no rows.", name=self.path))
        frames = (
            pl.DataFrame({key: pl.Series([text(record.get(key)) for record in some], dtype=pl.String) for key in keys})
            for some in _gathered(records(self.path, self.encoding), height)
        )
        return only(self.only, numbered(frames, height, self.path))


def records(path: Path, encoding: Writing) -> Iterator[tuple[int, dict[str, Any]]]:
    """Line number and object of every line that is not blank; numbers as the text they are written in."""
    from modelwright.data.sources.writings import lines

    for place, line in enumerate(lines(path, encoding), 1):
        if not line.strip():
            continue
        facts = {"path": path, "line": f"{place:,}"}
        try:
            value = json.loads(line, parse_int=str, parse_float=str, parse_constant=str)
        except (ValueError, RecursionError) as error:
            problem = error.msg if isinstance(error, json.JSONDecodeError) else type(error).__name__
            raise Refused(say("{path}, line {line} is not JSON: {problem}.", **facts, problem=problem)) from error
        if not isinstance(value, dict):
            raise Refused(
                say(
                    '{path}, line {line} is not an object: each line must be one, as in {{"age": 41, "label": "yes"}}.', **facts
                )
            )
        yield place, value


def text(value: Any) -> str | None:
    """As a cell of a table: texts and numbers as they are, truth as true and false, lists and objects as JSON."""
    if value is None:
        return None
    cell = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return cell.encode("utf-8", "replace").decode()  # half of a surrogate pair is no text


def _gathered(found: Iterator[tuple[int, dict[str, Any]]], height: int) -> Iterator[list[dict[str, Any]]]:
    some: list[dict[str, Any]] = []
    for _, record in found:
        some.append(record)
        if len(some) == height:
            yield some
            some = []
    if some:
        yield some
