"""One process per run folder. The system itself frees the lock when its process ends, also by a kill."""

from __future__ import annotations

import errno
import os
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from modelwright.nouns import Refused
from modelwright.vault import disk
from modelwright.vault.refusals import writing
from modelwright.wording import say

NAME = ".lock"
PAUSE = 0.1
"""Seconds between two looks at a folder that another holds."""
FAR = 1 << 20
"""The byte that Windows locks lies beyond the process number, which others may read."""
BUSY = frozenset({errno.EACCES, errno.EAGAIN, errno.EDEADLK, errno.EWOULDBLOCK})


@contextmanager
def lock(folder: Path, patient: bool = False) -> Generator[None, None, None]:
    """Holds the folder, which is made if missing. Refused while another holder lives, in this process or another; the patient
    wait until it is free."""
    path = folder / NAME
    with writing(path):
        disk.make_folders(folder)
        handle = os.open(path, os.O_RDWR | os.O_CREAT | disk.BINARY, 0o666)
    try:
        _hold(handle, folder, patient)
        with writing(path):
            os.ftruncate(handle, 0)
            os.lseek(handle, 0, os.SEEK_SET)
            os.write(handle, str(os.getpid()).encode())
        yield
    finally:
        os.close(handle)  # which frees it; the file stays, for removing it would let two others in


def _hold(handle: int, folder: Path, patient: bool) -> None:
    try:
        while not _grasped(handle, patient):
            time.sleep(PAUSE)
    except OSError as error:
        if error.errno not in BUSY:
            problem = os.strerror(error.errno or 0)
            raise Refused(
                say("{folder} cannot be locked ({problem}): its file system knows no locks.", folder=folder, problem=problem),
                say("Name a folder on a disk of this machine with -o."),
            ) from error
        os.lseek(handle, 0, os.SEEK_SET)
        holder = os.read(handle, 20).decode("ascii", "replace") or "?"
        raise Refused(
            say("Another process (number {holder}) works in {folder}.", holder=holder, folder=folder),
            say("Wait until it ends, or give this run a folder of its own with -o FOLDER."),
        ) from None


def _grasped(handle: int, patient: bool) -> bool:
    """Whether it is held now; that another holds it is an error only to the impatient."""
    try:
        _grasp(handle)
    except OSError as error:
        if patient and error.errno in BUSY:
            return False
        raise
    return True


if sys.platform == "win32":

    def _grasp(handle: int) -> None:
        import msvcrt

        os.lseek(handle, FAR, os.SEEK_SET)
        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)

else:

    def _grasp(handle: int) -> None:
        import fcntl

        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
