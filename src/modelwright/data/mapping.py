"""Rows that are larger than memory: their texts lie in files of the cache and are mapped, so that what is read is in memory.

A piece of the source is a file for each of its columns: where each text ends, which are there, and the texts one after another.
Pages that nobody reads are given back by the system itself.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from modelwright import vault
from modelwright.data import arrow
from modelwright.nouns import Rows, Source

PIECE = 1 << 24
"""Bytes of texts in a piece, or so; at least one row."""
HEIGHT = 1024
"""Rows that are read from the source at a time."""
FACTS = "facts.json"
Told = Callable[[int, int], None]
"""Is told how much is done, of how much."""


def source_bytes(source: Source) -> int:
    """Of the files that a source is read from; 0 where it has none."""
    return sum(file.stat().st_size for file in _files(source))


def mapped(source: Source, told: Told = lambda done, total: None) -> Rows | None:
    """All rows; None where a column is not text. What lies in the cache already is taken where the source's files are what they
    were, by size and time, and the cache's are whole."""
    folder = vault.cache_folder() / "rows" / _address(source)
    with vault.lock(folder, patient=True):
        vault.sweep(folder, age=0)  # what a killed run had begun to write: nobody else writes here
        facts = _whole(folder)
        if facts is None:
            facts = _written(source, folder, told)
    return None if facts is None else _rows(folder, facts)


def _files(source: Source) -> list[Path]:
    found: list[Path] = []
    for path in vars(source).values():
        if isinstance(path, Path):
            found += [path] if path.is_file() else sorted(file for file in path.rglob("*") if file.is_file())
    return found


def _address(source: Source) -> str:
    """What the rows follow from: the source, and its files as they stand."""
    standing = [(str(file), file.stat().st_size, file.stat().st_mtime_ns) for file in _files(source)]
    return sha256(repr((source, standing)).encode()).hexdigest()[:32]


def _whole(folder: Path) -> Any:
    """The facts of what lies there, where it is complete and undamaged; else None."""
    if not (folder / FACTS).is_file():
        return None
    facts = json.loads(vault.take_file(folder / FACTS))
    there = all(
        (folder / name).is_file() and vault.digest(folder / name) == digest
        for piece in facts["pieces"]
        for name, digest in piece["files"].items()
    )
    return facts if there else None


def _written(source: Source, folder: Path, told: Told) -> Any:
    """Writes all pieces, then the facts. None: a column is not text."""
    pieces: list[dict[str, Any]] = []
    done, total = 0, source_bytes(source)
    for frame in _pieces(source):
        if any(dtype != pl.String for dtype in frame.dtypes):
            return None
        files = dict(_column(folder, f"{len(pieces):06}.{place}", column) for place, column in enumerate(frame.iter_columns()))
        pieces.append({"rows": frame.height, "columns": frame.columns, "files": files})
        done += int(sum(column.str.len_bytes().sum() or 0 for column in frame.iter_columns()))
        told(min(done, total), total)
    facts = {"pieces": pieces}
    vault.put_file(folder / FACTS, json.dumps(facts).encode())
    return facts


def _pieces(source: Source) -> Iterator[pl.DataFrame]:
    """The source's frames, put together to pieces."""
    held: list[pl.DataFrame] = []
    size = 0
    for rows in source.chunks(HEIGHT):
        held.append(rows.columns)
        size += int(rows.columns.estimated_size())
        if size >= PIECE:
            yield pl.concat(held)
            held, size = [], 0
    if held:
        yield pl.concat(held)


def _column(folder: Path, name: str, column: pl.Series) -> tuple[str, str]:
    """Puts one column's texts: ends int64 (N + 1,), a bit for each that is there, the bytes. Its file's name and digest."""
    ends = np.zeros(len(column) + 1, np.int64)
    np.cumsum(column.str.len_bytes().fill_null(0).to_numpy(), out=ends[1:])
    there = np.packbits(column.is_not_null().to_numpy(), bitorder="little")
    content = b"".join((ends.tobytes(), there.tobytes(), column.fill_null("").str.join("").item().encode()))
    vault.put_file(folder / name, content)
    return name, sha256(content).hexdigest()


def _rows(folder: Path, facts: Any) -> Rows:
    frames = [pl.DataFrame(list(_columns(folder, piece))) for piece in facts["pieces"]]
    whole = pl.concat(frames, rechunk=False)
    return Rows(np.arange(len(whole), dtype=np.int64), whole)


def _columns(folder: Path, piece: Any) -> Iterator[pl.Series]:
    rows = piece["rows"]
    for name, file in zip(piece["columns"], piece["files"]):
        whole = np.memmap(folder / file, np.uint8, "r")
        after = 8 * (rows + 1)
        ends, bits = whole[:after].view(np.int64), -(-rows // 8)
        yield arrow.texts(name, whole[after + bits :], ends, whole[after : after + bits])
