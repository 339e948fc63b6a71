"""What rows say, as bytes: to tell whether two are the same, and to know the same data again. Knows no split and no codec.

A picture or recording given as a path says what its file says.
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import blake2b, sha256
from pathlib import Path

import numpy as np
import polars as pl

from modelwright.nouns import Rows

AT_ONCE = 1024
"""Texts that are copied at a time."""
FILED = ("picture", "sound")
"""A String column of such a name holds paths of files."""


def fingerprint(rows: Rows) -> str:
    """SHA-256 of names, types and every cell in order. Where a file lies does not matter."""
    digest = sha256()
    for name in rows.columns.columns:
        column = plain(rows.columns[name])
        digest.update(f"{name}\0{column.dtype}\0{len(column)}\0".encode("utf-8", "surrogatepass"))
        for part in _bytes(column):
            digest.update(part)
    return digest.hexdigest()


def plain(column: pl.Series) -> pl.Series:
    """Files and bytes as a digest of 16 bytes in hex, by which they are compared; else the column itself."""
    if column.dtype == pl.String and column.name not in FILED:
        return column
    if column.dtype == pl.String or column.dtype == pl.Binary:
        return pl.Series(column.name, [None if cell is None else _digest(_content(cell)) for cell in column], dtype=pl.String)
    if isinstance(column.dtype, pl.Array) and not column.null_count():
        cells = np.ascontiguousarray(column.to_numpy())
        return pl.Series(column.name, [_digest(memoryview(cell).cast("B")) for cell in cells], dtype=pl.String)
    if column.dtype.is_nested() or column.dtype == pl.Object:
        return pl.Series(column.name, [None if cell is None else repr(cell) for cell in column.to_list()], dtype=pl.String)
    return column


def texts_of(frame: pl.DataFrame) -> Iterator[bytes]:
    """Each row as bytes that no row with other cells has: every cell with its length before it, missing cells told apart."""
    for some in frame.iter_slices(64 * AT_ONCE):
        yield from _texts_of(some)


def _texts_of(frame: pl.DataFrame) -> Iterator[bytes]:
    columns = [plain(frame[name]).cast(pl.String) for name in sorted(frame.columns)]
    if not columns:
        return iter([b""] * frame.height)
    cells = [
        pl.concat_str(pl.col(c.name).str.len_bytes().cast(pl.String), pl.lit(":"), pl.col(c.name)).fill_null("-")
        for c in columns
    ]
    return (text.encode() for text in pl.DataFrame(columns).select(pl.concat_str(cells)).to_series())


def _content(cell: str | bytes) -> bytes:
    """The bytes of the file; of one that cannot be read, its path: the codec will say what is wrong with it."""
    if isinstance(cell, bytes):
        return cell
    try:
        return Path(cell).read_bytes()
    except (OSError, ValueError):
        return cell.encode("utf-8", "surrogatepass")


def _digest(data: bytes | memoryview) -> str:
    return blake2b(data, digest_size=16).hexdigest()


def _bytes(column: pl.Series) -> Iterator[bytes | memoryview]:
    """Cells of one type as bytes that only the same cells have."""
    yield np.packbits(column.is_null().to_numpy()).tobytes()
    text = column if column.dtype == pl.String else None
    if column.dtype.is_numeric() and not column.dtype.is_decimal():
        yield np.ascontiguousarray(column.fill_null(0).to_numpy()).tobytes()
        return
    text = column.cast(pl.String) if text is None else text
    yield text.str.len_bytes().fill_null(0).to_numpy().astype("<u4").tobytes()
    for start in range(0, len(text), AT_ONCE):
        yield text.slice(start, AT_ONCE).fill_null("").str.join("").item().encode()
