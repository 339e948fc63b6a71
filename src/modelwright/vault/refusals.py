"""What the operating system says of a path, in sentences with a way out."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from modelwright.nouns import Refused
from modelwright.wording import say

FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
BARRED = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})


@contextmanager
def writing(path: Path) -> Generator[None, None, None]:
    """An OSError inside becomes Refused: what could not be written, why, and what to do."""
    try:
        yield
    except OSError as error:
        raise unwritten(path, error) from error


@contextmanager
def reading(path: Path) -> Generator[None, None, None]:
    """An OSError inside becomes Refused: what could not be read, why, and what to do."""
    try:
        yield
    except OSError as error:
        raise _unread(path, error) from error


def full_disk(error: BaseException) -> OSError | None:
    """The same error if it tells of a full disk; libraries written in Rust (polars) tell it in words only."""
    if isinstance(error, OSError) and error.errno in FULL:
        return error
    told = re.search(r"\(os error (?:28|112)\)", str(error))
    return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)) if told else None


def unwritten(path: Path, error: OSError) -> Refused:
    problem = os.strerror(error.errno) if error.errno else str(error)
    elsewhere = say("Name another place with -o.")
    if error.errno in FULL:
        full = say("There is no room on the disk for {path} ({problem}).", path=path, problem=problem)
        return Refused(full, say("What lay there before is as it was. Free some space, or name another place with -o."))
    if error.errno in BARRED:
        barred = say("{path} cannot be written: its folder is read-only for you ({problem}).", path=path, problem=problem)
        return Refused(barred, elsewhere)
    if error.errno in (errno.ENOTDIR, errno.EEXIST):
        return Refused(say("{path} cannot be written: a file lies where that path needs a folder.", path=path), elsewhere)
    if error.errno == errno.EISDIR:
        return Refused(say("{path} is a folder: a file cannot take its place.", path=path), elsewhere)
    return Refused(say("{path} cannot be written ({problem}).", path=path, problem=problem), elsewhere)


def _unread(path: Path, error: OSError) -> Refused:
    problem = os.strerror(error.errno) if error.errno else str(error)
    if error.errno == errno.ENOENT:
        return Refused(say("{path} is not there. The path was looked for in {here}.", path=path, here=Path.cwd()))
    if error.errno == errno.ENOTDIR:
        return Refused(say("{path} is not a folder.", path=path))
    if error.errno in BARRED:
        return Refused(say("{path} cannot be read: you have no right to ({problem}).", path=path, problem=problem))
    return Refused(say("{path} cannot be read ({problem}).", path=path, problem=problem))
