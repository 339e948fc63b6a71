"""TOML text -> a plain tree with the line of every key, and back."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

from modelwright.nouns import Refused
from modelwright.reader.faults import Fault, refuse
from modelwright.reader.kinds import Where
from modelwright.reader.lines import Lines, scan
from modelwright.reader.toml import TOMLDecodeError, loads
from modelwright.wording import say

INLINE = 3
"""A table with more keys than this stands under a heading of its own."""
BARE_WORD = re.compile(r"\s*(?:[\w.\"'-]+\s*=\s*)?(?P<word>[A-Za-z_./~][^\s#,=\[\]{}\"']*)\s*(?:#.*)?$")


def parse(text: str, name: str = "", base: Path | None = None) -> tuple[dict[str, Any], Lines]:
    """The tree of a TOML text called `name`, and its lines. Refused where it is no TOML, with the line.

    base: the folder at which relative paths in it start."""
    try:
        return loads(text), Lines(name, scan(text), base)
    except TOMLDecodeError as error:
        raise _not_toml(str(error), text, name) from error
    except RecursionError as error:
        raise Refused(say("{name}: lists or tables lie too deep in one another.", name=name)) from error


def _not_toml(told: str, text: str, name: str) -> Refused:
    """tomllib's sentence with our place before it; for the commonest slips the way out instead."""
    match = re.fullmatch(r"(?P<problem>.*) \(at (?:line (?P<line>\d+), column \d+|end of document)\)", told, re.DOTALL)
    problem, line = (match["problem"], match["line"]) if match else (told, None)
    lines = text.split("\n")
    number = int(line) if line else len(lines) - (len(lines) > 1 and not lines[-1])
    word = BARE_WORD.match(lines[number - 1]) if problem == "Invalid value" else None
    if problem.startswith("Unescaped"):
        hint = say("a backslash stands for itself in single quotes only: 'C:\\data'")
    elif word and word["word"] in ("True", "False"):
        hint = say("write {word} in small letters", word=word["word"].lower())
    elif word:
        hint = say('text stands in quotes: "{word}"', word=word["word"])
    else:
        hint = problem
    return refuse([Fault(("",), "", say("this is not TOML: {hint}", hint=hint))], Lines(name, {("",): number}))


def to_toml(tree: Mapping[str, Any]) -> str:
    """A TOML text that reads back equal, keys without a value (None) left out."""
    return "\n".join(_table(tree, ())).strip("\n") + "\n"


def _table(tree: Mapping[str, Any], where: Where) -> Iterator[str]:
    """The lines of one table: what fits behind an equals sign first, then the tables with headings of their own."""
    below: dict[str, Any] = {}
    for key, value in tree.items():
        if value is None:
            continue
        if _is_table(value, top=not where) or _is_list_of_tables(value):
            below[key] = value
        else:
            yield f"{_key(key)} = {inline(value)}"
    for key, value in below.items():
        path = (*where, key)
        heading = ".".join(_key(str(part)) for part in path)
        for item in [value] if isinstance(value, Mapping) else value:
            yield ""
            yield f"[{heading}]" if isinstance(value, Mapping) else f"[[{heading}]]"
            yield from _table(item, path)


def _is_table(value: object, top: bool) -> bool:
    """Whether a table is too much for one line; the sections of a recipe always have their headings."""
    if not isinstance(value, Mapping):
        return False
    kept = [inner for inner in value.values() if inner is not None]
    return top or len(kept) > INLINE or any(_is_table(inner, top=False) or _is_list_of_tables(inner) for inner in kept)


def _is_list_of_tables(value: object) -> bool:
    return isinstance(value, (list, tuple)) and len(value) > 0 and all(isinstance(item, Mapping) for item in value)


def inline(value: object) -> str:
    """A value as it stands behind an equals sign."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return _quoted(value)
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, (datetime, date, time)):
        return value.isoformat()
    if isinstance(value, Mapping):
        pairs = ", ".join(f"{_key(str(key))} = {inline(item)}" for key, item in value.items() if item is not None)
        return f"{{{pairs}}}"
    if isinstance(value, Sequence):
        return "[" + ", ".join(inline(item) for item in value) + "]"
    raise TypeError(f"{type(value).__name__} is no TOML value")


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else _quoted(name)


def _quoted(text: str) -> str:
    named = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}
    return '"' + "".join(named.get(c) or (f"\\u{ord(c):04X}" if ord(c) < 32 or ord(c) == 127 else c) for c in text) + '"'
