"""Files and folders that rows come from: there, readable, unpacked. Knows no format."""

from __future__ import annotations

import difflib
import gzip
import zlib
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from modelwright.nouns import Refused
from modelwright.wording import say

BLOCK = 1 << 23
"""Bytes read at once."""
PACKED = b"\x1f\x8b"
"""How every gzip file begins (RFC 1952)."""


def a_file(path: Path) -> Path:
    """The path, where a file with something in it lies. Refused otherwise."""
    with reading(path):
        if not path.exists():
            raise Refused(_not_there(path))
        if path.is_dir():
            raise Refused(say("{path} is a folder; a file is needed here. {inside}", path=path, inside=_inside(path)))
        if path.is_file() and not path.stat().st_size:
            raise Refused(say("{path} is empty.", path=path))
    return path


def a_folder(path: Path) -> Path:
    """The path, where a folder lies. Refused otherwise."""
    with reading(path):
        if not path.exists():
            raise Refused(_not_there(path))
        if not path.is_dir():
            raise Refused(say("{path} is a file; a folder is needed here.", path=path))
    return path


@contextmanager
def reading(path: Path) -> Generator[None, None, None]:
    """What the system and gzip have against this path, said as Refused."""
    try:
        yield
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise Refused(say("{path} is damaged or cut short: it does not unpack. Fetch it again.", path=path)) from error
    except (OSError, ValueError) as error:  # ValueError: a null character in a path
        problem = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise Refused(say("{path} cannot be read: {problem}", path=path, problem=problem)) from error


@contextmanager
def opened(path: Path) -> Generator[BinaryIO, None, None]:
    """The file's bytes, unpacked where it is a gzip. Refused where they cannot be read to the end."""
    with reading(a_file(path)), path.open("rb") as raw:
        packed = raw.read(2) == PACKED
        raw.seek(0)
        if not packed:
            yield raw
            return
        with gzip.GzipFile(fileobj=raw) as unpacked:
            yield cast(BinaryIO, unpacked)


def blocks(path: Path, size: int = BLOCK) -> Iterator[bytes]:
    """All bytes of the file, unpacked, `size` at a time."""
    with opened(path) as file:
        while block := file.read(size):
            yield block


def listed(names: list[str], most: int = 10) -> str:
    """a, b, c ... for a sentence."""
    return ", ".join(names[:most]) + (" ..." if len(names) > most else "")


def near(name: str, names: list[str]) -> str:
    """The names like this one, else the first few of all."""
    return listed(difflib.get_close_matches(name, names, n=3, cutoff=0.5) or names)


def _not_there(path: Path) -> str:
    folder = path.absolute().parent
    if not folder.is_dir():
        return say("{path} is not there, nor is the folder {folder}.", path=path, folder=folder)
    names = sorted(entry.name for entry in folder.iterdir() if not entry.name.startswith("."))
    like = difflib.get_close_matches(path.name, names, n=3, cutoff=0.5)
    if like:
        return say("{path} is not there. Did you mean {names}?", path=path, names=", ".join(like))
    return say("{path} is not there. In its folder: {names}", path=path, names=listed(names) or say("nothing"))


def _inside(folder: Path) -> str:
    names = sorted(entry.name for entry in folder.iterdir() if not entry.name.startswith("."))
    return say("In it: {names}", names=listed(names) or say("nothing"))
