"""A plain tree -> a value of the wanted type. All faults are collected, and only then is anything refused."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from typing import Any, cast, get_args, get_origin

from modelwright.nouns import Refused
from modelwright.reader.faults import Fault, hint, nearest, no_such_key, refuse
from modelwright.reader.kinds import (
    Where,
    bounded,
    choices,
    dotted,
    hints,
    is_kind,
    is_registry,
    joined,
    kinds,
    may_be_none,
    members,
)  # fmt: skip
from modelwright.reader.lines import Lines
from modelwright.reader.needs import need, within
from modelwright.reader.text import inline
from modelwright.wording import say

SHOWN = 40
"""No more letters of a wrong value are shown."""


@dataclass(frozen=True)
class Broken:
    """What could not be read whole: the kind that was meant, if that was clear, and what of it is good."""

    cls: type | None = None
    good: Mapping[str, Any] = field(default_factory=dict[str, Any])


def read(wanted: Any, tree: object, where: str = "", lines: Lines | None = None, extra: tuple[type, ...] = ()) -> Any:
    """The tree as a value of type wanted. Refused with one sentence for every fault in it.

    where: the section that the tree is, when it is not a whole recipe, such as "model".
    lines: where the tree came from. extra: kinds from outside, each joined to the section that its ClassVar `room` names."""
    value, faults = attempt(wanted, tree, where, lines, extra)
    if faults:
        raise refuse(faults, lines or Lines())
    return value


def attempt(
    wanted: Any, tree: object, where: str = "", lines: Lines | None = None, extra: tuple[type, ...] = ()
) -> tuple[Any, list[Fault]]:
    """Like read, but hands the faults over beside what was good, Broken where that is not whole."""
    reading = _Reading(lines or Lines(), extra)
    return reading.any(wanted, tree, tuple(where.split(".")) if where else ()), reading.faults


class _Reading:
    def __init__(self, lines: Lines, extra: tuple[type, ...]) -> None:
        self.lines = lines
        self.extra = extra
        self.faults: list[Fault] = []

    def any(self, wanted: Any, given: object, where: Where) -> Any:
        if given is None and may_be_none(wanted):
            return None
        found: tuple[Any, ...] = members(wanted)
        tables = kinds(wanted)
        first = found[0]
        if tables and (isinstance(given, Mapping) or len(tables) == len(found)):
            return self._table(wanted, given, where)
        if len(found) > 1:
            return self._first_that_fits(wanted, found, given, where)
        if get_origin(first) is tuple:
            return self._list(first, given, where)
        return self._plain(first, given, where)

    # --- tables ---

    def _table(self, wanted: Any, given: object, where: Where) -> Any:
        if not isinstance(given, Mapping):
            return self._wrong(wanted, given, where)
        tree = cast("Mapping[str, Any]", given)
        if not is_registry(wanted):
            return self._fields(kinds(wanted)[0], tree, where)
        by_word = joined(wanted, where, self.extra)
        if "kind" not in tree:
            return self._fault(where, dotted(where), say("needs a kind: {words}", words=", ".join(by_word)))
        word = tree["kind"]
        if not isinstance(word, str) or word not in by_word:
            there = (*where, "kind")
            return self._fault(there, _shown(there, word), say("no such kind; {hint}", hint=hint(word, list(by_word))))
        return self._fields(by_word[word], {key: value for key, value in tree.items() if key != "kind"}, where)

    def _fields(self, cls: type, tree: Mapping[str, Any], where: Where) -> Any:
        wanted = hints(cls)
        unknown = [key for key in tree if key not in wanted]
        meant = {key: nearest(key, [name for name in wanted if name not in tree]) for key in unknown}
        for key in unknown:
            self._fault((*where, key), dotted((*where, key)), no_such_key(key, wanted, tree, where))
        good: dict[str, Any] = {}
        whole = not unknown
        for spot in fields(cls):
            name = spot.name
            if name in tree:
                good[name] = self.any(wanted[name], tree[name], (*where, name))
                whole &= not _is_broken(good[name])
            elif spot.default is MISSING and spot.default_factory is MISSING:
                whole = False
                if name not in meant.values():
                    sentence = say("is missing: {need} is needed", need=need(wanted[name]))
                    self._fault((*where, name), dotted((*where, name)), sentence)
        return self._made(cls, good, where) if whole else Broken(cls, good)

    def _made(self, cls: type, good: Mapping[str, Any], where: Where) -> Any:
        """The kind itself; what its own checks refuse is a fault like any other."""
        try:
            return cls(**good)
        except Refused as refusal:
            for sentence in refusal.sentences:
                self._fault(where, dotted(where), sentence)
        except ValueError as error:
            self._fault(where, dotted(where), str(error))
        return Broken(cls, good)

    # --- everything else ---

    def _list(self, wanted: Any, given: object, where: Where) -> Any:
        inner = get_args(wanted)
        if not isinstance(given, (list, tuple)):
            if isinstance(given, Mapping) and is_kind(members(inner[0])[0]):
                return self._fault(where, dotted(where), say("there may be several: write [[{path}]]", path=dotted(where)))
            return self._wrong(wanted, given, where)
        items = cast("Sequence[Any]", given)
        if inner[-1] is not Ellipsis and len(items) != len(inner):
            return self._wrong(wanted, items, where)
        each = [inner[0]] * len(items) if inner[-1] is Ellipsis else inner
        return tuple(self.any(one, item, (*where, place)) for place, (one, item) in enumerate(zip(each, items)))

    def _first_that_fits(self, wanted: Any, found: tuple[Any, ...], given: object, where: Where) -> Any:
        """A union with plain members, such as Literal["auto"] | int. The word nearest to a wrong one is named."""
        for member in found:
            trial = _Reading(self.lines, self.extra)
            value = trial.any(member, given, where)
            if not trial.faults:
                return value
        words = [word for member in found for word in choices(member)]
        return self._wrong(wanted, given, where, nearest(given, words))

    def _plain(self, wanted: Any, given: object, where: Where) -> Any:
        cls, bounds = bounded(wanted)
        if choices(cls):
            fits = any(type(given) is type(value) and given == value for value in choices(cls))
            return given if fits else self._wrong(wanted, given, where, nearest(given, choices(cls)))
        if cls is Path and isinstance(given, (str, Path)):
            start = self.lines.start(where)
            return Path(os.path.normpath(start / given)) if start else Path(given)
        value = float(given) if cls is float and type(given) is int and abs(given) < 2**1023 else given
        if type(value) is not cls or (isinstance(value, float) and not math.isfinite(value)):
            return self._wrong(wanted, given, where)
        return value if cls not in (int, float) or within(cast("float", value), bounds) else self._wrong(wanted, given, where)

    # --- faults ---

    def _wrong(self, wanted: Any, given: object, where: Where, near: str | None = None) -> Broken:
        sentences = [say("{need} is needed", need=need(wanted)), *([say("did you mean {near}?", near=near)] if near else [])]
        return self._fault(where, _shown(where, given), "; ".join(sentences))

    def _fault(self, where: Where, subject: str, sentence: str) -> Broken:
        self.faults.append(Fault(where, subject, sentence))
        return Broken()


def _is_broken(value: object) -> bool:
    if isinstance(value, tuple):
        return any(_is_broken(item) for item in cast("tuple[Any, ...]", value))
    return isinstance(value, Broken)


def _shown(where: Where, given: object) -> str:
    """training.optimizer.rate = "fast", shortened."""
    try:
        text = inline(given)
    except TypeError:
        text = repr(given)
    return f"{dotted(where)} = {text if len(text) <= SHOWN else text[: SHOWN - 1] + '…'}"
