"""A journal: a file that only grows, one line an event. A line is in it whole, or not at all."""

from __future__ import annotations

import os
from pathlib import Path

from modelwright.nouns import Refused
from modelwright.vault import disk
from modelwright.vault.refusals import reading, writing
from modelwright.wording import say


def append(path: Path, line: str) -> None:
    """One more line, flushed. A piece of a line that a kill left at the end is cut off first."""
    if "\n" in line or "\r" in line:
        raise ValueError("a journal's line has no line break in it")
    with writing(path):
        disk.make_folders(path.parent)
        fresh = not path.exists()
        handle = os.open(path, os.O_RDWR | os.O_CREAT | disk.BINARY, 0o666)
        with os.fdopen(handle, "r+b", buffering=0) as file:
            end = _end_of_lines(handle)
            try:
                file.truncate(end)
                file.seek(end)
                rest = memoryview(line.encode() + b"\n")
                while rest:
                    rest = rest[file.write(rest) :]
                disk.flush(handle)
            except OSError:
                file.truncate(end)
                raise
        if fresh:
            disk.settle_folder(path.parent)


def read_lines(path: Path) -> list[str]:
    """The whole lines; a piece at the end is not one. No file is no lines."""
    with reading(path):
        if not path.exists():
            return []
        lines = path.read_bytes().split(b"\n")[:-1]
    try:
        return [line.decode() for line in lines]
    except UnicodeDecodeError:
        number = next(n for n, line in enumerate(lines, start=1) if _damaged(line))
        raise Refused(say("{path}, line {n} is damaged: it is not text.", path=path, n=number)) from None


def _damaged(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return True
    return False


def _end_of_lines(handle: int, stride: int = 4096) -> int:
    """The place after the last line break, found from the end."""
    end = os.lseek(handle, 0, os.SEEK_END)
    while end > 0:
        start = max(0, end - stride)
        os.lseek(handle, start, os.SEEK_SET)
        found = os.read(handle, end - start).rfind(b"\n")
        if found >= 0:
            return start + found + 1
        end = start
    return 0
