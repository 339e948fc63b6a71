"""How rows are parted into training, validation and test: the same seed, the same parts. Kinds only; parting.py does it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from modelwright.nouns import Part, Share

SPELLINGS: Mapping[str, Part] = {
    "train": "train", "training": "train",
    "validation": "validation", "valid": "validation", "val": "validation", "dev": "validation",
    "test": "test", "testing": "test",
}  # fmt: skip
"""How columns, folders and arrays call the parts."""


@dataclass(frozen=True)
class Stratified:
    """Each class in the same shares; amounts, and rows without a label, are shuffled without regard to anything."""

    validation: Share = 0.15
    test: Share = 0.15


@dataclass(frozen=True)
class Hashed:
    """By what a row says, its label left out: the same inputs are always in the same part, also when rows are added."""

    validation: Share = 0.15
    test: Share = 0.15


@dataclass(frozen=True)
class Given:
    """By a column that says train, validation or test."""

    column: str = "part"
    validation: Share = 0.1
    """The share of training rows to validate on, where the column names none."""


Split: TypeAlias = Stratified | Hashed | Given
