"""What a type annotation of a kind says to the reader: words of classes, members of unions, bounds of numbers."""

from __future__ import annotations

import re
import types
from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Annotated, Any, Literal, TypeAlias, Union, get_args, get_origin, get_type_hints

from modelwright.nouns import Bounds

Where: TypeAlias = "tuple[str | int, ...]"
"""A dotted path, taken apart: ("training", "optimizer", "rate"); numbers count items of lists from 0."""


def kind(cls: type) -> str:
    """The word of a recipe for a class: CrossEntropy -> cross_entropy, ViT -> vit, AdamW -> adamw, CIFAR10 -> cifar10."""
    return re.sub(r"(?<!^)(?=[A-Z][a-z])", "_", cls.__name__).lower()


def kinds(registry: Any) -> tuple[type, ...]:
    """The dataclasses among the members of a room's union, or the one class it is."""
    return tuple(member for member in members(registry) if is_kind(member))


def is_kind(wanted: Any) -> bool:
    return isinstance(wanted, type) and is_dataclass(wanted)


def members(wanted: Any) -> tuple[Any, ...]:
    """What a union may be, None left out; anything else is its own only member."""
    if get_origin(wanted) in (Union, types.UnionType):
        return tuple(inner for member in get_args(wanted) if member is not type(None) for inner in members(member))
    return (wanted,)


def tables(wanted: Any) -> tuple[type, ...]:
    """The kinds that may stand here or, in a list, many times."""
    inside = [inner for member in members(wanted) if get_origin(member) is tuple for inner in get_args(member)]
    return (*kinds(wanted), *(cls for inner in inside for cls in kinds(inner)))


def may_be_none(wanted: Any) -> bool:
    return get_origin(wanted) in (Union, types.UnionType) and type(None) in get_args(wanted)


def is_registry(wanted: Any) -> bool:
    """Whether a table here says which kind it is. One class, or one class or None, needs no word."""
    return len(kinds(wanted)) > 1


def bounded(wanted: Any) -> tuple[Any, Bounds | None]:
    """Annotated[int, Bounds(least=1)] -> int, Bounds(least=1); without bounds None."""
    if get_origin(wanted) is Annotated:
        inner, *notes = get_args(wanted)
        return inner, next((note for note in notes if isinstance(note, Bounds)), None)
    return wanted, None


def choices(wanted: Any) -> tuple[Any, ...]:
    """The values of a Literal; empty for everything else."""
    return get_args(wanted) if get_origin(wanted) is Literal else ()


@cache
def hints(cls: type) -> Mapping[str, Any]:
    """The annotations of a kind's fields, resolved, in the order of the fields."""
    resolved = get_type_hints(cls, include_extras=True)
    return {field.name: resolved[field.name] for field in fields(cls)}


def section(where: Where) -> str:
    """The path without its counts: what a kind from outside names as its room. penalty[0] -> penalty."""
    return ".".join(part for part in where if isinstance(part, str))


def joined(registry: Any, where: Where, extra: Iterable[type]) -> dict[str, type]:
    """Every kind that may stand here, by its word; kinds from outside name the section as their room."""
    room = section(where)
    ours = kinds(registry)
    guests = tuple(guest for guest in extra if len(ours) > 1 and getattr(guest, "room", None) == room)
    by_word = {kind(cls): cls for cls in ours}
    for guest in guests:
        if by_word.setdefault(kind(guest), guest) is not guest:
            raise ValueError(f"{guest.__module__}.{guest.__name__}: {room} has a kind of that word already")
    return by_word


def dotted(where: Where) -> str:
    """("model", "stages", 0) -> model.stages[0]"""
    text = ""
    for part in where:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text
