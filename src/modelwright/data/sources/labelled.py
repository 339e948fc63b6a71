"""Files in sub-folders that name their label, as cats/1.png or train/cats/1.png. Knows no format of file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import polars as pl

from modelwright.data.sources.files import a_folder, reading
from modelwright.data.splits import SPELLINGS


def labelled(folder: Path, endings: frozenset[str], column: str) -> pl.DataFrame:
    """The paths in a column of this name, label, and part where all sub-folders are called so; one order on every system.

    Files that begin with a dot or end otherwise are passed over."""
    with reading(folder):
        found = sorted((part.split("/"), path) for part, path in _walk(a_folder(folder), endings))
    parted = bool(found) and all(len(names) > 2 and names[0].lower() in SPELLINGS for names, _ in found)
    columns = {
        column: [str(path) for _, path in found],
        "label": [names[1 if parted else 0] for names, _ in found],
        **({"part": [SPELLINGS[names[0].lower()] for names, _ in found]} if parted else {}),
    }
    return pl.DataFrame(columns, schema=dict.fromkeys(columns, pl.String))


def _walk(folder: Path, endings: frozenset[str]) -> Iterator[tuple[str, Path]]:
    """The path within the folder and the path, of every fitting file that is in a sub-folder."""
    for path in folder.rglob("*"):
        inner = path.relative_to(folder)
        if (
            len(inner.parts) > 1
            and path.suffix.lower() in endings
            and not any(name.startswith(".") for name in inner.parts)
            and path.is_file()
        ):
            yield inner.as_posix(), path
