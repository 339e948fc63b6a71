"""Rows of JSON files, plain or gzip: each file a list of objects, or a single one. Every value becomes text; null is null."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelwright.data.sources.jsonl import text
from modelwright.data.sources.only import Only, only
from modelwright.data.sources.writings import Writing
from modelwright.data.splits import Split, Stratified
from modelwright.nouns import Refused, Rows
from modelwright.wording import say

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True)
class JSON:
    """The columns are the keys of all objects, in the order in which they first come; a key that an object lacks is null there.
    One file is in memory at a time."""

    path: Path
    """A file, or a folder of them."""
    files: tuple[str, ...] = ("*.json",)
    """Of a folder: which of its files are read, sub-folders too; "!notes*" leaves files out."""
    lines: tuple[str, ...] = ()
    """Columns whose lists are written as texts, a line for each element; other lists stay JSON."""
    encoding: Writing = "auto"
    only: Only | None = None
    """Rows whose cell in a column is one of some words, as {column = "source", words = ["imdb"]}; null: all."""
    split: Split = Stratified()

    def chunks(self, height: int = 65536) -> Iterator[Rows]:
        from modelwright.data.sources.numbering import numbered

        keys: dict[str, None] = {}
        for file in self._files():
            for record in _records(file, self.encoding):
                keys.update(dict.fromkeys(record))
        if not keys:
            raise Refused(say("{name} has no rows.", name=self.path))
        if strange := [name for name in self.lines if name not in keys]:
            told = say('There is no column "{column}" to write as lines.', column=strange[0])
            raise Refused(told, say("Columns: {columns}", columns=", ".join(list(keys)[:30])))
        return only(self.only, numbered((self._frame(file, keys) for file in self._files()), height, self.path))

    def _files(self) -> list[Path]:
        from modelwright.data.sources.choosing import chosen

        if not self.path.is_dir():
            return [self.path]
        return [self.path / name for name in chosen(self.path, "files", self.files)]

    def _frame(self, file: Path, keys: dict[str, None]) -> pl.DataFrame:
        import polars as pl

        records = _records(file, self.encoding)
        cells = {key: [_cell(record.get(key), key in self.lines) for record in records] for key in keys}
        return pl.DataFrame({key: pl.Series(column, dtype=pl.String) for key, column in cells.items()})


def _records(path: Path, encoding: Writing) -> list[dict[str, Any]]:
    """The objects of one file; numbers as the text they are written in. Refused: it is not JSON, or something else."""
    from modelwright.data.sources.writings import text as written

    try:
        value = json.loads(written(path, encoding), parse_int=str, parse_float=str, parse_constant=str)
    except json.JSONDecodeError as error:
        facts = {"path": path, "line": f"{error.lineno:,}", "problem": error.msg}
        raise Refused(say("{path}, line {line} is not JSON: {problem}.", **facts)) from error
    except RecursionError as error:
        raise Refused(say("{path} is JSON too deep to be read.", path=path)) from error
    records: Any = [value] if isinstance(value, dict) else value
    if not isinstance(records, list):
        raise Refused(say("{path} is neither a list of objects nor an object.", path=path))
    for place, record in enumerate(records, 1):
        if not isinstance(record, dict):
            facts = {"path": path, "place": f"{place:,}"}
            raise Refused(say('{path}: number {place} of its list is not an object, as in {{"age": 41}}.', **facts))
    return records


def _cell(value: Any, lines: bool) -> str | None:
    """As jsonl.text; a list as so many lines where that is asked for."""
    if not lines or not isinstance(value, list):
        return text(value)
    return "\n".join(text(one) or "" for one in value)
