"""The one who starts the workers, watches them, and begins again when one of them dies. Verb: lead."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from modelwright.nouns import Refused
from modelwright.parallel.gathering import PLACE, Gathering, gathering
from modelwright.parallel.watching import GLANCE, Limits, watched
from modelwright.wording import say, together

if TYPE_CHECKING:
    from torch.distributed.launcher.api import LaunchConfig

GRACE = 5
"""Seconds that workers have to end when they are told to."""
PATIENCE = 3
"""Deaths in a row, with training no further than before, after which there is no sense in beginning again."""


@dataclass(frozen=True)
class Order:
    """What is to be led."""

    words: tuple[str, ...]
    """The command line of each worker, after the program's name; it goes on where a worker before it stopped."""
    limits: Limits
    progress: Callable[[], object] = lambda: None
    """How far the work is: another value than before is progress."""


def lead(order: Order, folder: Path, stop: Callable[[], bool], tell: Callable[[str], None]) -> int:
    """The exit code of the work. `folder` is empty but for what the words name, and goes with whoever made it.

    stop() true: the work is asked to leave a snapshot and to end. Refused: a worker does not come, or they die and die."""
    meeting = Gathering(folder)
    deaths, reached = 0, order.progress()
    gathering()  # this one is no worker, whatever its own environment will say for the others
    with _surroundings({PLACE: str(folder), **_loopback(), "TORCH_DISABLE_SHARE_RDZV_TCP_STORE": "1"}), _quiet():
        for attempt in range(sys.maxsize):
            meeting.begin()
            problem = _led(order, meeting, attempt, stop)
            if (code := meeting.ended()) is not None:
                return code
            if problem is None:
                return 0
            deaths = 1 if order.progress() != reached else deaths + 1
            reached = order.progress()
            if deaths == PATIENCE:
                again = say("That was {n} times without training getting any further. What was reached is kept.", n=deaths)
                if any(meeting.said(rank) for rank in range(order.limits.processes)):
                    raise Refused(problem, again)
                raise Refused(problem, again, say("Mostly memory is short: try fewer --processes, or a smaller batch."))
            tell(together(problem, say("All begin again from the newest snapshot.")))
    raise AssertionError("unreachable")


def _led(order: Order, meeting: Gathering, attempt: int, stop: Callable[[], bool]) -> str | None:
    """One beginning: None where all workers came to their end, else what became of one."""
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.launcher.api import elastic_launch

    config = _config(order, meeting.folder, attempt)
    with watched(order.limits, meeting, stop) as watch:
        try:
            elastic_launch(config, sys.executable)("-m", "modelwright", *order.words)
        except ChildFailedError as failed:
            if watch.fault is not None:
                raise watch.fault from None
            rank, failure = failed.get_first_failure()
            facts = {"rank": rank, "size": order.limits.processes, "code": abs(failure.exitcode)}
            if failure.exitcode < 0:
                return say("Process {rank} of {size} was killed (signal {code}).", **facts)
            ended = say("Process {rank} of {size} ended by itself with code {code}.", **facts)
            return f"{ended} {meeting.said(rank)}".rstrip()
    return None


def _config(order: Order, folder: Path, attempt: int) -> LaunchConfig:
    """No port is opened to meet at: files do, and gloo's own connections stay on the loopback."""
    from torch.distributed.elastic.multiprocessing import DefaultLogsSpecs
    from torch.distributed.launcher.api import LaunchConfig

    return LaunchConfig(
        min_nodes=1,
        max_nodes=1,
        nproc_per_node=order.limits.processes,
        run_id=f"{os.getpid()}-{attempt}",
        rdzv_backend="c10d",
        rdzv_endpoint=str(folder / f"agents-{attempt}"),
        rdzv_configs={"store_type": "file", "timeout": int(order.limits.arrival) + 60},
        local_addr="127.0.0.1",
        max_restarts=0,
        monitor_interval=GLANCE,
        signals_to_handle="",
        logs_specs=DefaultLogsSpecs(log_dir=str(folder / f"logs-{attempt}")),
        shutdown_timeout=GRACE,
    )


def _loopback() -> dict[str, str]:
    """The name of the interface that leads nowhere but here, for gloo and nccl."""
    import psutil

    for name, addresses in psutil.net_if_addrs().items():
        if any(address.address == "127.0.0.1" for address in addresses):
            return {"GLOO_SOCKET_IFNAME": name, "NCCL_SOCKET_IFNAME": name}
    return {}


@contextmanager
def _surroundings(more: Mapping[str, str]) -> Generator[None, None, None]:
    """The agent hands its own environment on to workers; afterwards it is as before."""
    before = {name: os.environ.get(name) for name in more}
    os.environ.update(more)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextmanager
def _quiet() -> Generator[None, None, None]:
    """The agent tells every death in thirty lines; ours is one."""
    import logging

    told = logging.getLogger("torch.distributed.elastic")
    before = told.level
    told.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        told.setLevel(before)
