"""What is wrong with the rows, or worth knowing, before anything is trained. checking.py finds it.

Grave is what would make a run fail or its score untrue; the recipe accepts it by name, as in accept = ["leak"].
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal, TypeAlias

from modelwright.nouns import Bounds

Name: TypeAlias = Literal[
    "missing", "unparsable", "constant", "duplicate", "leak", "contradiction", "rare", "one_class", "unseen", "overlong",
    "near_duplicate", "near_leak", "faulty", "amount", "date", "name", "spelling",
]  # fmt: skip


@dataclass(frozen=True)
class Check:
    """What is checked before training, and let pass."""

    accept: tuple[Name, ...] = ()
    """Grave findings that do not stop the run."""
    near: Annotated[float, Bounds(above=0, most=1)] = 0.25
    """Two texts that have at least this share of their shingles (each 12 bytes without signs) in common are near twins."""
    twins: Literal["keep", "drop"] = "keep"
    """drop: of texts that are the same or nearly, the first alone stays, before the rows are parted; so that none is in two
    parts. keep: they are counted."""


@dataclass(frozen=True)
class Finding:
    """One thing about the rows, counted exactly."""

    name: Name
    grave: bool
    count: int
    """Cells of missing and unparsable, columns of constant, amount, date and name, classes of one_class, rows of all others."""
    rows: tuple[int, ...]
    """Ids of the first few."""
    sentence: str
    examples: tuple[str, ...] = ()
    """What a few of the rows say: for whoever checks the data, and for no report."""


Findings: TypeAlias = tuple[Finding, ...]
