"""Sentences and their translations from gettext's compiled catalogues (.mo), as programs carry them."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from modelwright.data.splits import Hashed, Split
from modelwright.nouns import Refused, Rows
from modelwright.wording import say

if TYPE_CHECKING:
    import polars as pl

MAGIC = 0x950412DE
LARGEST = 1 << 28
"""Bytes of one catalogue."""


@dataclass(frozen=True)
class Gettext:
    """Columns: source, target. A row for each pair that any of the catalogues holds; what several say alike comes once.

    Of a sentence with a plural the last form of each side; its context is left out, and so is what is not translated."""

    path: Path
    """A catalogue, or a folder of them, sub-folders too."""
    split: Split = Hashed()

    def chunks(self, height: int = 65536) -> Iterator[Rows]:
        from modelwright.data.sources.numbering import numbered

        return numbered(_frames(self), height, self.path)


def _frames(source: Gettext) -> Iterator[pl.DataFrame]:
    """A frame for each catalogue, in one order on every system."""
    import polars as pl

    seen: set[tuple[str, str]] = set()
    for file in _files(source.path):
        found = [pair for pair in dict.fromkeys(pairs(file)) if pair not in seen]
        seen.update(found)
        if found:
            yield pl.DataFrame(found, schema={"source": pl.String, "target": pl.String}, orient="row")


def _files(path: Path) -> list[Path]:
    """Refused: there is none."""
    from modelwright.data.sources.files import reading

    with reading(path):
        if not path.is_dir():
            return [path]
        found = sorted(file for file in path.rglob("*.mo") if file.is_file())
    if not found:
        told = say("{path} has no catalogue that ends in .mo.", path=path)
        raise Refused(told, say("From a .po file one is made by: msgfmt mine.po -o mine.mo"))
    return found


def pairs(path: Path) -> Iterator[tuple[str, str]]:
    """Sentence and translation, of one catalogue (https://www.gnu.org/software/gettext/manual/html_node/MO-Files.html).

    Refused: it is no catalogue, or damaged."""
    from modelwright import vault

    data = vault.read_bytes(path, LARGEST)
    order = next((sign for sign in "<>" if len(data) >= 20 and struct.unpack_from(f"{sign}I", data)[0] == MAGIC), None)
    if order is None:
        told = say("{path} is not a compiled catalogue of gettext (.mo).", path=path)
        raise Refused(told, say("From a .po file one is made by: msgfmt mine.po -o mine.mo"))
    _, count, sources, targets = struct.unpack_from(f"{order}4I", data, 4)
    try:
        for place in range(count):
            source, target = (_text(data, order, table + 8 * place) for table in (sources, targets))
            source = source.rpartition("\x04")[2].split("\0")[-1]
            target = target.split("\0")[-1]
            if source.strip() and target.strip():  # the entry of no sentence holds the catalogue's own facts
                yield source, target
    except (struct.error, ValueError) as error:
        problem = error.reason if isinstance(error, UnicodeDecodeError) else error
        raise Refused(say("{path} is damaged: {problem}.", path=path, problem=problem)) from error


def _text(data: bytes, order: str, entry: int) -> str:
    length, start = struct.unpack_from(f"{order}2I", data, entry)
    if start + length > len(data):
        raise ValueError(say("a text lies beyond its end"))
    return data[start : start + length].decode()
