"""Separated text -> polars frames of String columns, block by block; what is not a table is told by its line.

A block ends where a record does: at a line end before which the quotes are even. polars fills short records silently, so the
separators are counted: all in the block = those inside cells + (columns - 1) in each record, or some record is short.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from modelwright.data.sources.writings import Writing, utf8
from modelwright.nouns import Refused
from modelwright.wording import say, say_many

QUOTED = re.compile(rb'"[^"]*"')
SEPARATORS = ",;\t|"
SEPARATOR = re.compile(rb'"?sep=([!-~\t])"?\s*$')
"""What Excel puts above the header."""


@dataclass(frozen=True)
class Header:
    path: Path
    names: tuple[str, ...]
    separator: str

    @property
    def mark(self) -> bytes:
        return self.separator.encode()


def tables(path: Path, separator: str, encoding: Writing, skip: int = 0) -> Iterator[pl.DataFrame]:
    """All records in order, one frame per block; `skip` lines below the header are none. Refused: no header, a name twice, a
    record with too few or too many cells."""
    return tables_in(path, utf8(path, encoding), separator, skip)


def tables_in(path: Path, blocks: Iterable[bytes], separator: str, skip: int = 0) -> Iterator[pl.DataFrame]:
    """The same of UTF-8 text at hand; the sentences call it `path`."""
    header: Header | None = None
    line = 1
    for piece in whole_records(blocks):
        if header is None:
            body = piece.lstrip(b"\r\n")
            if not body:
                line += piece.count(b"\n")
                continue
            first = next(records(body, 1))[1]
            told = SEPARATOR.match(first)
            if told and len(first) < len(body):
                separator = told[1].decode() if separator == "auto" else separator
                body = body[len(first) :]
                first = next(records(body, 1))[1]
            header = read_header(path, first, separator)
            start = len(piece) - len(body) + len(first)
            line += piece.count(b"\n", 0, start)
            piece = piece[start:]
        while skip and piece:
            below, skip = piece.partition(b"\n")[0], skip - 1
            line, piece = line + 1, piece[len(below) + 1 :]
        if piece:
            yield parse(header, piece, line)
        line += count(piece, b"\n")
    if header is None:
        raise Refused(say("{path} is empty: it needs a header and rows.", path=path))


def whole_records(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """The same bytes, cut after line ends that no quotes enclose."""
    left = b""
    wanted = 0
    for block in blocks:
        left += block
        if len(left) < wanted:
            continue
        cut = last_end(left)
        if cut:
            yield left[:cut]
            left, wanted = left[cut:], 0
        else:
            wanted = 2 * len(left)  # a record longer than a block: look again when there is twice as much
    if left:
        yield left


def count(data: bytes, mark: bytes) -> int:
    """How often a byte comes; where it comes often, three times as fast as bytes.count."""
    return int(np.count_nonzero(np.frombuffer(data, np.uint8) == mark[0]))


def last_end(data: bytes) -> int:
    """The place after the last line end before which the quotes are even; 0 where there is none."""
    quotes, stop = data.count(b'"'), len(data)
    while (end := data.rfind(b"\n", 0, stop)) >= 0:
        quotes -= data.count(b'"', end, stop)
        if quotes % 2 == 0:
            return end + 1
        stop = end
    return 0


def records(data: bytes, line: int) -> Iterator[tuple[int, bytes]]:
    """Each record with its line end, and the line on which it begins."""
    start = stop = 0
    while start < len(data):
        end = data.find(b"\n", stop)
        stop = len(data) if end < 0 else end + 1
        if stop < len(data) and data.count(b'"', start, stop) % 2:
            continue
        record = data[start:stop]
        yield line, record
        line += record.count(b"\n")
        start = stop


def read_header(path: Path, record: bytes, separator: str) -> Header:
    """The names of the columns; one without a name is called by its place, as unnamed_1."""
    text = record.decode()
    if separator == "auto":
        separator = _guess(path, record)
    elif separator == "tab":
        separator = "\t"
    try:
        cells = next(csv.reader([text], delimiter=separator, strict=True))
    except csv.Error as error:
        raise Refused(say("{path}, line 1: the header cannot be read ({problem}).", path=path, problem=error)) from error
    names = tuple(cell if cell.strip() else f"unnamed_{place}" for place, cell in enumerate(cells, 1))
    twice = sorted(name for name, times in Counter(names).items() if times > 1)
    if twice:
        raise Refused(
            say("{path}: the header names {names} more than once: rename all but one.", path=path, names=", ".join(twice))
        )
    return Header(path, names, separator)


def _guess(path: Path, record: bytes) -> str:
    if {".tsv", ".tab"} & {suffix.lower() for suffix in path.suffixes}:
        return "\t"
    bare = QUOTED.sub(b"", record).decode()
    return max(SEPARATORS, key=bare.count)


def parse(header: Header, piece: bytes, line: int) -> pl.DataFrame:
    """One block of whole records that begins on this line."""
    try:
        frame = _parse(header, piece)
        if not _short(header, piece, frame):
            return frame
    except pl.exceptions.PolarsError:
        pass
    kept = b"".join(_checked(header, piece, line))
    if not kept:
        return pl.DataFrame(schema=dict.fromkeys(header.names, pl.String))
    try:
        return _parse(header, kept)
    except pl.exceptions.PolarsError as error:
        facts = {"path": header.path, "line": f"{line:,}", "problem": str(error).splitlines()[0]}
        raise Refused(say("{path}: the part that begins on line {line} is not a table: {problem}", **facts)) from error


def _parse(header: Header, piece: bytes) -> pl.DataFrame:
    schema = dict.fromkeys(header.names, pl.String)
    frame = pl.read_csv(piece, has_header=False, schema=schema, infer_schema=False, separator=header.separator)
    return frame.drop_nulls() if len(header.names) == 1 else frame  # in one column, what is not even "" is a blank line


def _short(header: Header, piece: bytes, frame: pl.DataFrame) -> bool:
    """Whether some record has too few cells, or is a blank line."""
    wanted = (len(header.names) - 1) * frame.height
    there = count(piece, header.mark)
    if there == wanted or len(header.names) == 1:
        return there < wanted
    inside = frame.select(pl.all().str.count_matches(header.separator, literal=True).sum()).row(0)
    return there - sum(inside) != wanted


def _checked(header: Header, piece: bytes, line: int) -> Iterator[bytes]:
    """The records without blank lines. Refused at the first that is no row of this table."""
    for start, record in records(piece, line):
        if not record.strip(b"\r\n"):
            continue
        facts: dict[str, object] = {"path": header.path, "line": f"{start:,}"}
        bare = QUOTED.sub(b"", record)
        if b'"' in bare:
            raise Refused(say("{path}, line {line}: a quote is opened and never closed.", **facts))
        cells = bare.count(header.mark) + 1
        if cells != len(header.names):
            facts["wanted"] = len(header.names)
            told = say_many(
                "{path}, line {line}: {n} cell, but the header names {wanted}.",
                "{path}, line {line}: {n} cells, but the header names {wanted}.",
                cells, **facts,
            )  # fmt: skip
            if len(header.names) == 1:
                raise Refused(told, say("The first line names the columns: take out what stands above it."))
            raise Refused(told, say('A cell with the separator "{mark}" in it stands in double quotes.', mark=header.separator))
        if b'"' in record:
            _check_quotes(header, record, start)
        yield record


def _check_quotes(header: Header, record: bytes, line: int) -> None:
    """Refused where text follows a closing quote."""
    try:
        for _ in csv.reader([record.decode()], delimiter=header.separator, strict=True):
            pass
    except csv.Error as error:
        if "field larger" not in str(error):
            facts = {"path": header.path, "line": f"{line:,}", "problem": error}
            raise Refused(say("{path}, line {line} cannot be read: {problem}.", **facts)) from error
