"""What is wrong in a recipe, as a person reads it: a place, a path, a sentence and the nearest right word."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from modelwright.nouns import Refused
from modelwright.reader.kinds import Where, dotted, hints, tables
from modelwright.reader.lines import Lines
from modelwright.wording import say, say_many


@dataclass(frozen=True)
class Fault:
    """What is wrong at a path. `subject` stands before the sentence: the path, or the path and its value."""

    where: Where
    subject: str
    sentence: str


def refuse(faults: Sequence[Fault], lines: Lines) -> Refused:
    """One sentence a fault, in the order of the text, and how many there are."""
    ordered = sorted(faults, key=lambda fault: lines.order(fault.where))
    places = [lines.place(fault.where) for fault in ordered]
    width = max(len(place) for place in places)
    told = [
        (f"{place:<{width}}  " if width else "") + (f"{fault.subject}   " if fault.subject else "") + fault.sentence
        for place, fault in zip(places, ordered)
    ]
    return Refused(*told, say_many("{n} fault, nothing was run.", "{n} faults, nothing was run.", len(faults)))


def nearest(word: object, words: Collection[object]) -> str | None:
    """The word most like a wrong one, whatever its capitals, if any is."""
    if not isinstance(word, str):
        return None
    from difflib import get_close_matches

    by_small = {one.lower(): one for one in words if isinstance(one, str)}
    near = get_close_matches(word.lower(), by_small, n=1)
    return by_small[near[0]] if near else None


def hint(word: object, words: Collection[str]) -> str:
    near = nearest(word, words)
    return say("did you mean {near}?", near=near) if near else say("there are {words}", words=", ".join(words))


def no_such_key(key: str, wanted: Mapping[str, Any], taken: Collection[str], where: Where) -> str:
    """The sentence for a key that its table does not have: where it belongs, what is like it and free, or what there is."""
    if not wanted:
        return say("no such key; there is nothing to set here")
    if below := list(dict.fromkeys(_below(key, wanted, where))):
        return say("no such key here; it belongs in {path}", path=say(" or ").join(below[:3]))
    free = [name for name in wanted if name not in taken]
    return say("no such key; {hint}", hint=hint(key, free if nearest(key, free) else list(wanted)))


def _below(key: str, wanted: Mapping[str, Any], where: Where) -> Iterator[str]:
    """The tables below this one that know the key."""
    for name, inner in wanted.items():
        for cls in tables(inner):
            if key in hints(cls):
                yield dotted((*where, name))
            yield from _below(key, hints(cls), (*where, name))
