"""Ctrl-C, met between two steps: the first asks the run to leave a snapshot and end, the second ends it at once."""

from __future__ import annotations

import signal
from collections.abc import Callable, Generator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def deaf() -> Generator[None, None, None]:
    """Ctrl-C is somebody else's to hear: of a console it reaches every process."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def asked_to_stop() -> Generator[Callable[[], bool], None, None]:
    """Gives the question whether Ctrl-C (or a polite kill, SIGTERM) has come; afterwards signals are met as before."""
    asked: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        if asked:
            raise KeyboardInterrupt
        asked.append(number)

    before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: bool(asked)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if asked:
        raise KeyboardInterrupt
