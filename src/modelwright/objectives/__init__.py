"""What a model is asked to make small. Each kind is its own verb: ready() makes it live, the live one is called."""

from typing import TypeAlias

from modelwright.objectives.contrastive import Contrastive
from modelwright.objectives.cross_entropy import CrossEntropy
from modelwright.objectives.masked_token import MaskedToken
from modelwright.objectives.next_token import NextToken
from modelwright.objectives.penalties import L1, L2, Penalty, penalized
from modelwright.objectives.squared_error import SquaredError
from modelwright.objectives.word_tag import WordTag

__all__ = [
    "L1", "L2", "Contrastive", "CrossEntropy", "MaskedToken", "NextToken", "Objective", "Penalty", "SquaredError", "WordTag",
    "penalized",
]  # fmt: skip

Objective: TypeAlias = CrossEntropy | SquaredError | NextToken | MaskedToken | WordTag | Contrastive
