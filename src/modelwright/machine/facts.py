"""What this computer is: cores, memory, processor, torch. Nothing of it names a person or a network."""

from __future__ import annotations

import os
import platform
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path


def cores() -> int:
    """Processor cores that this process may use, a container's share counted."""
    import psutil

    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1)
    physical = psutil.cpu_count(logical=False) or allowed
    return max(1, min(allowed, physical, _share_of_container() or allowed))


def facts() -> dict[str, str | int]:
    """All that decides how fast a step is here."""
    import psutil

    return {
        "system": platform.system(),
        "processor": _processor(),
        "cores": cores(),
        "memory": psutil.virtual_memory().total,
        "python": platform.python_version(),
        "torch": version("torch"),
    }


def fingerprint() -> str:
    """SHA-256 of the facts."""
    return sha256(repr(sorted(facts().items())).encode()).hexdigest()


def _processor() -> str:
    told = Path("/proc/cpuinfo")
    if told.exists():
        for line in told.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _share_of_container() -> int | None:
    """Whole processors that a Linux control group allows, at least 1; None where it sets no limit."""
    limit = Path("/sys/fs/cgroup/cpu.max")
    if not limit.exists():
        return None
    quota, _, period = limit.read_text(encoding="utf-8").partition(" ")
    return None if quota == "max" else max(1, int(quota) // int(period))
