"""The recipe's section [explanation]: how many of the worst mistakes are explained, how, and in what time."""

from __future__ import annotations

from dataclasses import dataclass

from modelwright.explanation.kinds import RowMethod, Shapley
from modelwright.nouns import Positive, Whole


@dataclass(frozen=True)
class Explanation:
    """Of the report's mistakes. 0 mistakes: none is explained."""

    mistakes: Whole = 6
    method: RowMethod = Shapley()
    seconds: Positive = 3.0
    """For all of them together."""
