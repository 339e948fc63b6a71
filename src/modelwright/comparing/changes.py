"""What two recipes say differently."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from modelwright.reader import inline


def changes(a: Any, b: Any, path: str = "") -> tuple[tuple[str, str, str], ...]:
    """The leaves that differ, by their dotted path, each as TOML would say it."""
    if isinstance(a, Mapping) and isinstance(b, Mapping):
        keys = [*a, *(key for key in b if key not in a)]
        return tuple(found for key in keys for found in changes(a.get(key), b.get(key), f"{path}.{key}" if path else key))
    return () if a == b else ((path, _told(a), _told(b)),)


def _told(value: Any) -> str:
    """A value in one line; nothing for a key that is not there."""
    return "" if value is None else inline(value)
