"""The worst mistakes explained, all in one budget. Knows no stage and no page."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from modelwright.explanation.budget import Budget
from modelwright.explanation.explaining import Explained, explain
from modelwright.explanation.section import Explanation
from modelwright.explanation.subject import some, subject
from modelwright.nouns import Artifact, Rows

if TYPE_CHECKING:
    import polars as pl


def explain_mistakes(
    artifact: Artifact, section: Explanation, wrong: pl.DataFrame, rows: Rows, background: Rows
) -> tuple[Explained, ...]:
    """wrong: evaluation.mistakes, the worst first; rows: those they are among. The worst always; others while time is."""
    total, against = Budget(section.seconds), some(background)
    asked = wrong.head(section.mistakes)
    found: list[Explained] = []
    for place, row in enumerate(asked["row"].to_list()):
        if found and not total.fits(0):
            break
        one = subject(artifact.module, artifact.codec, rows.take(np.flatnonzero(rows.ids == row)), against)
        share = max(0.0, section.seconds - total.spent) / (len(asked) - place)
        found.append(explain(one, section.method, Budget(share), place))
    return tuple(found)
