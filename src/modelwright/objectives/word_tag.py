"""Objective: the mean negative log likelihood of the tags of words. B batch, T time, P words, C tags."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from modelwright.nouns import Aim, Port, Tagged
from modelwright.objectives.masked_token import Guessing


@dataclass(frozen=True)
class WordTag:
    """The mean over all words that are read of -log p(tag | the row), natural logarithm: token classification.

    A word bears it at its first token alone, and counts as much as any other, in whatever row it stands."""

    fits: ClassVar[tuple[type, ...]] = (Tagged,)

    def ready(self, writes: tuple[Port, ...]) -> Aim:
        (port,) = writes
        return Guessing({port.name: 1.0}, port.name)
