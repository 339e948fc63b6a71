"""Recipe text <-> frozen kinds, strictly: every fault at once, each with its place and the nearest right word.

A union of dataclasses is the registry of a room: {"kind": "gru", ...} picks the member named GRU. Knows no kind by name.
"""

from modelwright.reader.faults import Fault, hint, nearest, refuse
from modelwright.reader.kinds import kind, kinds
from modelwright.reader.lines import Lines
from modelwright.reader.overriding import override
from modelwright.reader.reading import Broken, attempt, read
from modelwright.reader.schema import schema
from modelwright.reader.text import inline, parse, to_toml
from modelwright.reader.writing import write

__all__ = [
    "Broken", "Fault", "Lines", "attempt", "hint", "inline", "kind", "kinds", "nearest", "override", "parse", "read", "refuse",
    "schema", "to_toml", "write",
]  # fmt: skip
