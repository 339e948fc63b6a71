"""A worker joins the others. Verb: join."""

from __future__ import annotations

import os
import threading
import time

from modelwright.nouns import Together
from modelwright.parallel.alone import ALONE
from modelwright.parallel.gathering import gathering, rank

GLANCE = 0.5
"""Seconds between two looks at whether the leader lives."""


def join() -> Together:
    """The others, once they are there; ALONE in a process that was not started as a worker.

    From here on this process ends when its leader does, however that ends."""
    place = gathering()
    if place is None:
        return ALONE
    _follow(os.getppid())
    from modelwright.parallel.group import Group

    place.come(rank())
    return Group.of(place.folder / f"group-{os.environ['TORCHELASTIC_RUN_ID']}", rank(), int(os.environ["WORLD_SIZE"]))


def _follow(leader: int) -> None:
    """Ends this process at once when the leader is gone: nobody would stop or begin it again."""
    import psutil

    try:
        watched = psutil.Process(leader)
    except psutil.NoSuchProcess:
        os._exit(1)

    def watch() -> None:
        while watched.is_running() and watched.status() != psutil.STATUS_ZOMBIE and os.getppid() == leader:
            time.sleep(GLANCE)
        os._exit(1)

    threading.Thread(target=watch, name="leader", daemon=True).start()
