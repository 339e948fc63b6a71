"""What is wrong with the rows, or worth knowing, before anything is trained. checking.py finds it.

Grave is what would make a run fail or its score untrue; the recipe accepts it by name, as in accept = ["leak"].
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

Name: TypeAlias = Literal[
    "missing", "unparsable", "constant", "duplicate", "leak", "contradiction", "rare", "one_class", "unseen", "overlong"
]  # fmt: skip


@dataclass(frozen=True)
class Check:
    """What is checked before training, and let pass."""

    accept: tuple[Name, ...] = ()
    """Grave findings that do not stop the run."""


@dataclass(frozen=True)
class Finding:
    """One thing about the rows, counted exactly."""

    name: Name
    grave: bool
    count: int
    """Cells of missing and unparsable, columns of constant, classes of one_class, rows of all others."""
    rows: tuple[int, ...]
    """Ids of the first few."""
    sentence: str


Findings: TypeAlias = tuple[Finding, ...]
