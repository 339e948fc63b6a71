"""Where things of the user's lie outside any run: what may be lost and made again, and what may not."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def cache_folder() -> Path:
    """The platform's cache folder for modelwright, or MODELWRIGHT_CACHE. It may not be there yet: putting makes it."""
    return _chosen("MODELWRIGHT_CACHE") or platform_folder("cache")


def config_folder() -> Path:
    """The platform's configuration folder for modelwright, or MODELWRIGHT_CONFIG: the user's keys lie there."""
    return _chosen("MODELWRIGHT_CONFIG") or platform_folder("config")


def platform_folder(what: str, system: str = sys.platform) -> Path:
    """what: "cache" or "config". XDG base directories on Linux and, where set, on macOS; else each system's own names."""
    if system == "win32":
        local = _chosen("LOCALAPPDATA") or Path.home() / "AppData" / "Local"
        return local / "modelwright" / "Cache" if what == "cache" else local / "modelwright"
    named = _chosen(f"XDG_{what.upper()}_HOME")
    if named is not None and named.is_absolute():
        return named / "modelwright"
    if system == "darwin":
        return Path.home() / "Library" / {"cache": "Caches", "config": "Application Support"}[what] / "modelwright"
    return Path.home() / f".{what}" / "modelwright"


def _chosen(variable: str) -> Path | None:
    value = os.environ.get(variable, "").strip()
    return Path(value).expanduser() if value else None
