"""Why this answer. Verb: explain. Methods are kinds; all of them ask one Subject."""

from __future__ import annotations

from modelwright.explanation.kinds import (
    Explainer,
    IntegratedGradients,
    Lime,
    Occlusion,
    Permutation,
    RowMethod,
    Shapley,
)
from modelwright.explanation.section import Explanation

__all__ = [
    "Explainer", "Explanation", "IntegratedGradients", "Lime", "Occlusion", "Permutation", "RowMethod", "Shapley",
]  # fmt: skip
