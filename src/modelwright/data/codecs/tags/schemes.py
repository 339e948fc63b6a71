"""Entities that tags spell, strictly: IOB2 (Sang and Veenstra, EACL 1999) and BIOES (Uchimoto et al., ACL 2000).

What is no entity by the scheme is none: "I-PER" after "O" says nothing, and "B-PER I-PER" without an end says nothing in BIOES.
The same entities as seqeval 1.2.2 finds with mode="strict" and scheme=IOB2 or IOBES; the tests hold it to that.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Literal, TypeAlias

from modelwright.wording import say

Scheme: TypeAlias = Literal["iob2", "bioes", "none"]
Entity: TypeAlias = tuple[str, int, int]
"""Its name, where it starts, and where the first word after it stands."""
Words: TypeAlias = tuple[str, ...]
"""Of a row, or its tags."""
OUTSIDE = "O"
PREFIXES = {"iob2": "BI", "bioes": "BIES"}


def entities(tags: Sequence[str | None], scheme: Scheme) -> set[Entity]:
    """All that these tags spell; a word without a tag is in none."""
    found: set[Entity] = set()
    start, name = -1, ""
    for place, tag in enumerate([*tags, None]):
        prefix, told = _parts(tag)
        if start >= 0 and prefix in ("I", "E") and told == name:
            if prefix == "E":
                found.add((name, start, place + 1))
                start = -1
            continue
        if start >= 0 and scheme == "iob2":
            found.add((name, start, place))
        start, name = (place, told) if prefix == "B" else (-1, "")
        if prefix == "S" and scheme == "bioes":
            found.add((told, place, place + 1))
    return found


def wrong(tags: Sequence[str], scheme: Scheme) -> str:
    """What is not of the scheme, in a sentence; empty: nothing."""
    if scheme == "none":
        return ""
    open_name = ""
    for place, tag in enumerate([*tags, OUTSIDE]):
        prefix, name = _parts(tag)
        facts = {"n": f"{place + 1:,}", "tag": tag[:40], "scheme": scheme}
        if tag != OUTSIDE and (prefix not in PREFIXES[scheme] or not name):
            known = ", ".join([OUTSIDE, *(f"{letter}-NAME" for letter in PREFIXES[scheme])])
            return say('Tag {n}, "{tag}", is not of {scheme}: {known}.', known=known, **facts)
        goes_on = prefix in ("I", "E")
        if goes_on and name != open_name:
            return say('Tag {n}, "{tag}", goes on with an entity that has not begun: this is not {scheme}.', **facts)
        if open_name and not goes_on and scheme == "bioes":
            return say("Before tag {n} an entity has begun and not ended: this is not {scheme}.", **facts)
        open_name = name if prefix in ("B", "I") else ""
    return ""


def words_of(cell: str) -> Words | None:
    """A list of texts in JSON; None where the cell is none."""
    try:
        found: Any = json.loads(cell)
    except (ValueError, RecursionError):
        return None
    return tuple(found) if isinstance(found, list) and all(isinstance(one, str) for one in found) else None


def _parts(tag: str | None) -> tuple[str, str]:
    """B-PER -> B and PER; of what has no such parts neither."""
    prefix, dash, name = (tag or OUTSIDE).partition("-")
    return (prefix, name) if dash and len(prefix) == 1 else ("", "")
