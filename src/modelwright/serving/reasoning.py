"""Why the first row of a question is answered as it is, in the few seconds that an asker waits. Knows no web."""

from __future__ import annotations

import json
import math
from typing import Any

from modelwright.explanation import Shapley
from modelwright.nouns import Artifact, Refused
from modelwright.serving.asking import Question
from modelwright.serving.batching import laid
from modelwright.serving.turning import UNREADABLE, Turned

SECONDS = 2.0
"""For one explanation; the more there are, the closer its values."""


def reasons(artifact: Artifact, question: Question, word: int | None = None) -> bytes:
    """Shapley values of the first row, or of one word's tag in it; the others are what a column is compared with. Turned: a row
    that cannot be read, or a word that is not there."""
    import numpy as np

    from modelwright.explanation.budget import Budget
    from modelwright.explanation.explaining import explain
    from modelwright.explanation.subject import subject

    rows = laid([question])
    try:
        asked = subject(artifact.module, artifact.codec, rows.take(np.arange(1)), rows.take(np.arange(1, len(rows))), word)
        found = explain(asked, Shapley(), Budget(SECONDS))
    except Refused as refusal:
        raise Turned(UNREADABLE, *refusal.sentences) from None
    return json.dumps(_finite(found.plain()), ensure_ascii=False, allow_nan=False).encode()


def _finite(value: Any) -> Any:
    """JSON knows no NaN: what is no number is null."""
    if isinstance(value, dict):
        return {name: _finite(inner) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
