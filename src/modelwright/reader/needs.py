"""What a place in a recipe can hold, in words: "a number above 0", "one of relu, gelu", "a list of whole numbers"."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args, get_origin

from modelwright.nouns import Bounds
from modelwright.reader.kinds import bounded, choices, is_kind, kind, kinds, members
from modelwright.wording import say


def need(wanted: Any) -> str:
    """The phrase that goes before "is needed"."""
    found = members(wanted)
    words = kinds(wanted)
    plain = [_plain(member) for member in found if not is_kind(member)]
    return say(" or ").join([*plain, *([_table(words)] if words else [])])


def _plain(wanted: Any) -> str:
    if choices(wanted):
        return _one_of(choices(wanted))
    if get_origin(wanted) is tuple:
        return _list(get_args(wanted))
    cls, bounds = bounded(wanted)
    if cls in (int, float):
        return _number(cls, bounds)
    return {bool: say("true or false"), str: say("text in quotes"), Path: say("a path in quotes")}.get(cls, str(cls))


def _one_of(values: tuple[Any, ...]) -> str:
    from modelwright.reader.text import inline

    shown = [inline(value) for value in values]
    return shown[0] if len(shown) == 1 else say("one of {words}", words=", ".join(shown))


def _table(words: tuple[type, ...]) -> str:
    if len(words) == 1:
        return say("a table of its own")
    return say("a table whose kind is {words}", words=", ".join(kind(word) for word in words))


def _list(inner: tuple[Any, ...]) -> str:
    if inner[-1] is Ellipsis:
        return say("a list, each {need}", need=need(inner[0]))
    return say("a list of {n} ({needs})", n=len(inner), needs=", ".join(need(item) for item in inner))


def _number(cls: type, bounds: Bounds | None) -> str:
    what = say("a whole number") if cls is int else say("a number")
    if bounds is None:
        return what
    limits = [
        *([say("of at least {limit}", limit=f"{bounds.least:g}")] if bounds.least is not None else []),
        *([say("above {limit}", limit=f"{bounds.above:g}")] if bounds.above is not None else []),
        *([say("of at most {limit}", limit=f"{bounds.most:g}")] if bounds.most is not None else []),
        *([say("below {limit}", limit=f"{bounds.below:g}")] if bounds.below is not None else []),
    ]
    return f"{what} {say(' and ').join(limits)}" if limits else what


def within(value: float, bounds: Bounds | None) -> bool:
    """Whether the number keeps its bounds; nan keeps none."""
    if bounds is None:
        return True
    return (
        (bounds.least is None or value >= bounds.least)
        and (bounds.most is None or value <= bounds.most)
        and (bounds.above is None or value > bounds.above)
        and (bounds.below is None or value < bounds.below)
    )
