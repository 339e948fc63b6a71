"""The few things the vault does to a disk, one function each, so that tests can record, break and replay them.

The bytes of put_file, put_folder and keep_snapshot go to the disk through write() and come back through read(), sealed before
the one and opened after the other where a scope says so. (What others stream into aside() and the journal's lines do not.)
"""

from __future__ import annotations

import errno
import os
import shutil
import stat
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

BINARY: int = getattr(os, "O_BINARY", 0)
NO_LINKS: int = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
"""A link is not followed, and a pipe in a file's place is not waited for."""
PATIENCE = 20
"""Times a rename is tried on Windows, where a virus scanner may hold a new file for a moment; 50 ms each."""


def make_folder(folder: Path) -> None:
    folder.mkdir()


def make_folders(folder: Path) -> None:
    """The folder and those above it that are missing, each made known to the one that holds it."""
    if folder.is_dir():
        return
    make_folders(folder.parent)
    try:
        make_folder(folder)
    except FileExistsError:
        if not folder.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(folder)) from None
    settle_folder(folder.parent)


def write(path: Path, data: bytes, mode: int = 0o666) -> None:
    """A new file with these bytes, not yet flushed; the mode is what the user's mask leaves of it."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | BINARY, mode)
    with os.fdopen(handle, "wb", buffering=0) as file:
        rest = memoryview(data)
        while rest:
            rest = rest[file.write(rest) :]


def settle(path: Path) -> None:
    """Returns when the file's bytes are on the disk and not only on their way."""
    handle = os.open(path, os.O_RDWR | BINARY)
    try:
        flush(handle)
    finally:
        os.close(handle)


def settle_folder(folder: Path) -> None:
    """The same for a folder's list of names. Windows has no such call and orders these writes itself."""
    if sys.platform == "win32":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        flush(handle)
    finally:
        os.close(handle)


def flush(handle: int) -> None:
    """fsync, and on macOS, where fsync stops at the drive's own memory, the call that goes further."""
    if sys.platform == "darwin":
        import fcntl

        try:
            fcntl.fcntl(handle, fcntl.F_FULLFSYNC)
            return
        except OSError:  # network volumes do not know it
            pass
    os.fsync(handle)


def move(old: Path, new: Path) -> None:
    """Renames within one folder, in one instant; a file takes the place of another."""
    for _ in range(PATIENCE if sys.platform == "win32" else 0):
        try:
            old.replace(new)
            return
        except PermissionError:
            time.sleep(0.05)
    old.replace(new)


def move_once(old: Path, new: Path) -> None:
    """Moves a file to a name that nothing has yet; where another was first, that one stays and this one goes."""
    with suppress(FileExistsError):
        try:
            os.link(old, new)
        except FileExistsError:
            raise
        except OSError:  # a file system without hard links
            if not new.exists():
                move(old, new)
                return
    old.unlink()


def remove(path: Path) -> None:
    """A file, or a folder with all that lies in it."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()


def read(path: Path, most: int) -> bytes:
    """The bytes of a regular file, at most `most` + 1 of them: one more than wanted is enough to know."""
    with opened(path) as file:
        return file.read(min(os.fstat(file.fileno()).st_size, most) + 1)


def opened(path: Path) -> BinaryIO:
    """A regular file, to be read from its first byte."""
    file = os.fdopen(os.open(path, os.O_RDONLY | BINARY | NO_LINKS), "rb")
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise OSError(errno.EINVAL, "not a regular file", str(path))
    return file
