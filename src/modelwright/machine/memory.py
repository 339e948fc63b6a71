"""How much memory this process holds, has held and may hold; how much room a disk has. All in bytes."""

from __future__ import annotations

import ctypes
import os
import re
import shutil
import sys
import threading
import time
from pathlib import Path
from types import TracebackType

from modelwright.nouns import Refused
from modelwright.wording import say

STATUS = Path("/proc/self/status")
GROUPS = Path("/sys/fs/cgroup")
GROUP = Path("/proc/self/cgroup")
SAMPLED = 0.002
"""Seconds between two looks at what is held."""
UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}


def held_bytes() -> int:
    """What this process holds now."""
    import psutil

    return int(psutil.Process().memory_info().rss)


def peak_bytes() -> int | None:
    """The most this process has held; None where the system does not tell.

    On Linux from /proc: getrusage would tell a child the peak of the parent that started it."""
    if sys.platform == "win32":
        import psutil

        return int(psutil.Process().memory_info().peak_wset)
    if STATUS.exists():
        told = re.search(r"VmHWM:\s*(\d+) kB", STATUS.read_text(encoding="utf-8"))
        return int(told[1]) * 1024 if told else None
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def give_back() -> None:
    """What is free within this process goes back to the system, where its C library keeps it and can be told: glibc's can.

    Batches of many lengths leave it in pieces: 64 MB after a training of reviews."""
    try:
        known = os.confstr("CS_GNU_LIBC_VERSION")
    except (AttributeError, ValueError, OSError):  # Windows has no confstr, and others do not know the name
        return
    if known and known.startswith("glibc"):
        ctypes.CDLL(None).malloc_trim(0)


class Bound:
    """bound() between the steps of a long work: gives back what is free when GROWN times as much is held as at first.

    Batches of other lengths leave blocks that fit none of the next: MiniLM came to hold 7.6 GB where 3.8 were needed."""

    EVERY = 5.0
    """Seconds between two looks."""
    GROWN = 1.1

    def __init__(self) -> None:
        self._looked, self._most = time.monotonic(), 0.0

    def __call__(self) -> None:
        now = time.monotonic()
        if now - self._looked < self.EVERY:
            return
        self._looked, held = now, held_bytes()
        if not self._most:
            self._most = self.GROWN * held
        elif held > self._most:
            give_back()
            self._most = 0.0  # what is held from now on is looked at anew: it may be needed


class Growth:
    """with Growth() as grown: ...; then grown.bytes, the most that was held inside above what was held before."""

    bytes: int = 0

    def __enter__(self) -> Growth:
        self._before, self._peak = held_bytes(), peak_bytes() or 0
        self._most, self._over = self._before, threading.Event()
        self._watcher = threading.Thread(target=self._watch, daemon=True)
        self._watcher.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._over.set()
        self._watcher.join()
        peak = peak_bytes() or 0
        most = peak if peak > self._peak else max(self._most, held_bytes())
        self.bytes = max(0, most - self._before)

    def _watch(self) -> None:
        while not self._over.wait(SAMPLED):
            self._most = max(self._most, held_bytes())


def memory_limit() -> int:
    """The most that this process may come to hold: what is free now and what it holds, a container's limit counted, or
    less where MODELWRIGHT_MEMORY says so."""
    import psutil

    held = held_bytes()
    rooms = [psutil.virtual_memory().available + held]
    for folder in _groups():
        if (room := _room_of_group(folder)) is not None:
            rooms.append(room + held)
    if ordered := os.environ.get("MODELWRIGHT_MEMORY"):
        rooms.append(_bytes(ordered))
    return min(rooms)


def disk_room(path: Path) -> int:
    """What may still be written where this path is or will be."""
    there = next(folder for folder in (path.absolute(), *path.absolute().parents) if folder.exists())
    return shutil.disk_usage(there).free


def _groups() -> list[Path]:
    """The control groups that hold this process, on Linux: a container's own root, and the group that it names."""
    try:
        named = re.search(r"^0::/(.+)$", GROUP.read_text(encoding="utf-8"), re.MULTILINE)
    except OSError:
        named = None
    within = [GROUPS / named[1], *(GROUPS / named[1]).parents] if named else []
    return [folder for folder in dict.fromkeys([GROUPS, GROUPS / "memory", *within]) if folder.is_relative_to(GROUPS)]


def _room_of_group(folder: Path) -> int | None:
    """What a control group leaves free, files that the system keeps at hand not counted; None where it sets no limit."""
    for limit, usage in (("memory.max", "memory.current"), ("memory.limit_in_bytes", "memory.usage_in_bytes")):
        try:
            most = (folder / limit).read_text(encoding="utf-8").strip()
            used = int((folder / usage).read_text(encoding="utf-8"))
            facts = dict(line.split() for line in (folder / "memory.stat").read_text(encoding="utf-8").splitlines())
        except (OSError, ValueError):
            continue
        if most == "max" or int(most) >= 2**60:
            return None
        kept = int(facts.get("inactive_file", 0)) + int(facts.get("active_file", 0))
        return max(0, int(most) - max(0, used - kept))
    return None


def _bytes(text: str) -> int:
    """2GB, 500 MB or plain bytes."""
    told = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([KMGT]?)i?B?\s*", text, re.IGNORECASE)
    if told is None:
        raise Refused(say('MODELWRIGHT_MEMORY = "{text}" is no amount of memory: write it like 2GB or 500MB.', text=text))
    return int(float(told[1]) * UNITS[told[2].upper()])
