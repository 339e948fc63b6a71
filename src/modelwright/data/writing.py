"""Columns into a file, a piece at a time, in the format that its ending names: .csv, .tsv, .jsonl or .parquet."""

from __future__ import annotations

import json
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, TypeAlias

from modelwright import vault
from modelwright.nouns import Refused
from modelwright.wording import say

if TYPE_CHECKING:
    import polars as pl

Write: TypeAlias = "Callable[[pl.DataFrame], None]"
ENDINGS = (".csv", ".tsv", ".jsonl", ".ndjson", ".parquet")


@contextmanager
def writer(path: Path) -> Generator[Write, None, None]:
    """Gives the function that writes the next piece. The file is there when the block ends well, and only then, whole."""
    ending = path.suffix.lower()
    if ending not in ENDINGS:
        endings = ", ".join(ENDINGS)
        raise Refused(say("{path}: answers are written as {endings}; choose one of these endings.", path=path, endings=endings))
    with vault.aside(path) as new:
        if ending == ".parquet":
            yield from _parquet(new)
        else:
            with new.open("wb") as file:
                yield _lines(file, ending)


def _lines(file: IO[bytes], ending: str) -> Write:
    """CSV with one header, or a JSON object a line."""
    begun = False

    def write(piece: pl.DataFrame) -> None:
        nonlocal begun
        if ending in (".csv", ".tsv"):
            piece = flat(piece)
        if ending in (".jsonl", ".ndjson"):
            piece.write_ndjson(file)
        else:
            piece.write_csv(file, include_header=not begun, separator="\t" if ending == ".tsv" else ",")
        begun = True

    return write


def flat(piece: pl.DataFrame) -> pl.DataFrame:
    """Lists of numbers, texts or objects as JSON spells them: a cell of CSV holds text alone."""
    import polars as pl

    vectors = [column.name for column in piece.get_columns() if isinstance(column.dtype, (pl.Array, pl.List))]
    spelled = [
        pl.Series(name, [None if cell is None else _json(cell) for cell in piece[name].to_list()], dtype=pl.String)
        for name in vectors
    ]
    return piece.with_columns(spelled)


def _json(cells: list[Any]) -> str:
    """Nine digits are enough for every float32 to be read back as it was."""
    vector = [number for number in cells if isinstance(number, float)]
    if len(vector) < len(cells):
        return json.dumps(cells, ensure_ascii=False)
    return f"[{','.join(f'{number:.9g}' for number in vector)}]"


def _parquet(path: Path) -> Generator[Write, None, None]:
    """polars writes a Parquet file at once, so the pieces wait; answers are narrow."""
    import polars as pl

    pieces: list[pl.DataFrame] = []
    yield pieces.append
    pl.concat(pieces).write_parquet(path)
