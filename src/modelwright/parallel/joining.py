"""A worker follows its leader and joins the others. Verbs: follow, join, leave."""

from __future__ import annotations

import os
import threading
import time

from modelwright.nouns import Together
from modelwright.parallel.alone import ALONE
from modelwright.parallel.gathering import Gathering, gathering, rank

GLANCE = 0.5
"""Seconds between two looks at whether the leader lives."""


def join() -> Together:
    """The others, once they are there; ALONE in a process that was not started as a worker."""
    place = gathering()
    if place is None:
        return ALONE
    from modelwright.parallel.group import Group

    place.come(rank())
    return Group.of(place.folder / f"group-{os.environ['TORCHELASTIC_RUN_ID']}", rank(), int(os.environ["WORLD_SIZE"]))


def leave() -> None:
    """When the work is done: the threads that heard the others end before the process does, which else may be torn down under
    them ("terminate called without an active exception")."""
    if gathering() is None:
        return
    import torch.distributed as dist

    if dist.is_initialized():
        dist.destroy_process_group()


def follow() -> None:
    """From here on a worker ends when its leader does, however that ends; any other process is left as it is."""
    place = gathering()
    if place is not None:
        _follow(place)


def _follow(place: Gathering) -> None:
    """Ends this process at once when the leader is gone: nobody would stop or begin it again. And tells the leader, as often as
    it looks, that this process is not standing still."""
    import psutil

    leader = place.leader()

    def watch() -> None:
        try:
            watched = psutil.Process(leader)
            while watched.is_running() and watched.status() != psutil.STATUS_ZOMBIE and os.getppid() == leader:
                place.beat(rank())
                time.sleep(GLANCE)
        finally:
            os._exit(1)

    threading.Thread(target=watch, name="leader", daemon=True).start()
