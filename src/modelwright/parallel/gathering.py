"""What the one who leads and its workers leave for each other: small files in a folder that lives as long as the work.

leader       its process number
came-1       worker 1 is there, before it joins the others; its process number, and as long as it lives a new time each moment
said-1       why worker 1 ended, in its own words; the first worker speaks for itself
stop         the leader asks for an end; the first worker leaves a snapshot and ends
last-word    the exit code of the first worker, written before anybody can notice that it is gone
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from modelwright import vault

PLACE = "MODELWRIGHT_GATHERING"
"""Of a worker's environment: the folder."""


class Parted(Exception):
    """Another worker is gone, so that this one cannot go on. Nobody's fault here: the leader begins again."""


@dataclass(frozen=True)
class Gathering:
    folder: Path

    def come(self, rank: int) -> None:
        vault.put_file(self.folder / f"came-{rank}", str(os.getpid()).encode())

    def missing(self, size: int) -> list[int]:
        """Ranks of those who have not come."""
        return [rank for rank in range(size) if not (self.folder / f"came-{rank}").exists()]

    def beat(self, rank: int) -> None:
        """A sign of life, from one who has come."""
        with suppress(OSError):
            os.utime(self.folder / f"came-{rank}")

    def beats(self, size: int) -> dict[int, int]:
        """When each of those who are at work gave its last sign, in a unit of nobody's; who has ended is at work no more."""
        import psutil

        found: dict[int, int] = {}
        for rank in range(size):
            came = self.folder / f"came-{rank}"
            with suppress(OSError, ValueError, psutil.Error):
                process = psutil.Process(int(came.read_bytes()))
                if process.ppid() == os.getpid() and process.status() != psutil.STATUS_ZOMBIE:
                    found[rank] = came.stat().st_mtime_ns
        return found

    def said(self, rank: int) -> str:
        """What a worker has left to be told; "" where it has left nothing."""
        word = self.folder / f"said-{rank}"
        return word.read_text(encoding="utf-8") if word.exists() else ""

    def ask_to_stop(self) -> None:
        vault.put_file(self.folder / "stop", b"")

    def asked_to_stop(self) -> bool:
        return (self.folder / "stop").exists()

    def end(self, code: int) -> None:
        vault.put_file(self.folder / "last-word", str(code).encode())

    def ended(self) -> int | None:
        """The exit code of the whole work, once its first worker came to an end of its own."""
        word = self.folder / "last-word"
        return int(word.read_bytes()) if word.exists() else None

    def begin(self) -> None:
        """What an earlier beginning left is taken away."""
        vault.clear(self.folder, [entry.name for entry in self.folder.iterdir() if entry.name != "recipe.toml"])
        vault.put_file(self.folder / "leader", str(os.getpid()).encode())

    def leader(self) -> int:
        return int((self.folder / "leader").read_bytes())


@cache
def gathering() -> Gathering | None:
    """Where this process works with others; None where it was not started for that.

    The word is taken out of the environment: a process that a worker starts in its turn is not a worker."""
    place = os.environ.pop(PLACE, None)
    return Gathering(Path(place)) if place else None


def is_worker() -> bool:
    return gathering() is not None


def asked_to_stop() -> Callable[[], bool] | None:
    """A worker's question to its leader; None in any other process."""
    found = gathering()
    return found.asked_to_stop if found else None


def rank() -> int:
    """This worker's number; 0 as well where there is only one process."""
    return int(os.environ["RANK"]) if is_worker() else 0


def leave_word(told: str) -> None:
    """What a worker that is not the first has to say: its leader passes it on if it is this one that all end by."""
    found = gathering()
    if found is not None:
        vault.put_file(found.folder / f"said-{rank()}", told.encode())


def last_word(code: int) -> int:
    """Leaves the first worker's exit code for the leader, and hands it back."""
    found = gathering()
    if found is not None and rank() == 0:
        found.end(code)
    return code
