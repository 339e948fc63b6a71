"""One file: written beside its place, flushed, read back, and only then moved into it."""

from __future__ import annotations

import errno
import os
import re
import tempfile
from collections.abc import Generator, Iterable
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from typing import IO

from modelwright.nouns import Refused
from modelwright.vault import disk, scope
from modelwright.vault.refusals import full_disk, unwritten, writing
from modelwright.wording import say

SECRET = 0o600
LEFTOVER = re.compile(r"\..*\.[0-9a-f]{8}\.aside.{0,20}", re.DOTALL)
"""What beside() gives, found again."""


def put_file(path: Path, data: bytes) -> None:
    """The file holds these bytes, or, where Refused, what it held before; sealed in a sealed scope. Folders above are made."""
    path = path.resolve()
    put_plain(path, scope.closed(data, path))


def put_plain(path: Path, data: bytes) -> None:
    """The same in clear whatever the scope: for what must be read before there is a key, and holds no row, word or weight."""
    path = path.resolve()
    with writing(path):
        disk.make_folders(path.parent)
        new = beside(path)
        try:
            disk.write(new, data)
            settled(new, data, path)
            _into_place(new, path)
        except BaseException:
            drop(new)
            raise


def put_secret(path: Path, data: bytes) -> None:
    """A file that nobody but the user may read: mode 600; on Windows, as private as the folder it lies in.

    One that is there already stays as it is: of two processes that make a key at once, both go on with the first's."""
    path = path.resolve()
    with writing(path):
        disk.make_folders(path.parent)
        new = beside(path)
        try:
            disk.write(new, data, SECRET)
            settled(new, data, path)
            disk.move_once(new, path)
            disk.settle_folder(path.parent)
        except BaseException:
            drop(new)
            raise


@contextmanager
def aside(path: Path) -> Generator[Path, None, None]:
    """A path beside this one to write into: it takes the place when the block ends well, and is removed when not.

    What is streamed lies in clear, so a sealed scope has no use for it."""
    if scope.seals_now():
        raise RuntimeError(f"{path} would be streamed in clear in a sealed scope")
    path = path.resolve()
    with writing(path):
        disk.make_folders(path.parent)
        new = beside(path)
        disk.write(new, b"")  # a folder that cannot be written is refused before the work, not after
    try:
        yield new
        with writing(path):
            disk.settle(new)
            _into_place(new, path)
    except BaseException as error:
        drop(new)
        if full := full_disk(error):  # of the block's own errors only this one is surely ours to tell: it may also read
            raise unwritten(path, full) from error
        raise


def put_parts(path: Path, parts: Iterable[bytes]) -> str:
    """A file that is too large to be held at once, part after part, in clear. Its SHA-256, in hex."""
    found = sha256()
    with aside(path) as new, new.open("wb") as file:
        for part in parts:
            found.update(part)
            file.write(part)
    return found.hexdigest()


def scratch(folder: Path) -> IO[bytes]:
    """A file in this folder without a name, for what a computation lays aside: it goes with whoever holds it, killed or not."""
    with writing(folder):
        disk.make_folders(folder)
        return tempfile.TemporaryFile(dir=folder)


def beside(path: Path) -> Path:
    """A hidden name in the same folder that nobody else has. It ends as the path does: some writers look at that."""
    return path.with_name(f".{path.stem[:60]}.{os.urandom(4).hex()}.aside{path.suffix[:20]}")


def settled(new: Path, data: bytes, path: Path) -> None:
    """Returns when the new file is on the disk, and read back; it is to take the place of path."""
    disk.settle(new)
    if disk.read(new, len(data)) != data:
        raise Refused(say("The disk did not give back what was written for {path}: do not trust this disk.", path=path))


def drop(path: Path) -> None:
    """Removes what a failed write left; that it cannot be removed must not hide why the write failed."""
    with suppress(OSError):
        disk.remove(path)


def _into_place(new: Path, path: Path) -> None:
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, "is a folder", str(path))
    disk.move(new, path)
    disk.settle_folder(path.parent)
