"""Frozen kinds -> a plain tree, fully expanded: the inverse of read."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, get_args, get_origin

from modelwright.reader.kinds import bounded, hints, is_registry, kind, members


def write(value: Any, wanted: Any = None) -> Any:
    """Plain dicts, lists and values. `wanted` is the type that read will be given; without it, a room's union.

    A table says its kind wherever there is a choice; a section that can be one class only has no word for it."""
    if is_dataclass(value) and not isinstance(value, type):
        names = hints(type(value))
        word = {"kind": kind(type(value))} if wanted is None or is_registry(wanted) else {}
        return word | {field.name: write(getattr(value, field.name), names[field.name]) for field in fields(value)}
    if isinstance(value, tuple):
        return [write(item, _item(wanted, place)) for place, item in enumerate(value)]
    return value.as_posix() if isinstance(value, Path) else value


def _item(wanted: Any, place: int) -> Any:
    """The type of one item, by the tuple among the members of what was wanted."""
    for member in members(bounded(wanted)[0]):
        if get_origin(member) is tuple:
            inner = get_args(member)
            return inner[0] if inner[-1] is Ellipsis else inner[min(place, len(inner) - 1)]
    return None
