"""Answers in a file, so that another run can be held against them later. Labels are in it: it stays in the user's folder."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from modelwright import vault
from modelwright.nouns import Answers, Gained, Port, Refused, Score
from modelwright.wording import say

LARGEST = 1 << 33
"""Bytes."""


def keep(answers: Answers, path: Path) -> None:
    """Commits the answers as Parquet."""
    held = io.BytesIO()
    answers.frame.write_parquet(held)
    vault.put_file(path, held.getvalue())


def kept(path: Path, port: Port) -> Answers:
    """What keep() left. Refused: no such file, or one that holds no answers to this port."""
    import polars as pl

    from modelwright.evaluation.answering import empty

    try:
        frame = pl.read_parquet(vault.take_file(path, LARGEST))
        wanted = empty(port).schema
        if frame.schema != wanted:
            raise ValueError(f"{frame.schema} in place of {wanted}")
    except (OSError, ValueError, pl.exceptions.PolarsError) as error:
        problem = getattr(error, "strerror", None) or str(error).split("\n")[0]
        raise Refused(
            say("{path} does not hold the answers of a run ({problem}).", path=path, problem=problem),
            say("Lead that run once more: add --fresh."),
        ) from error
    return Answers(frame, port)


def gained_from_plain(told: Sequence[Mapping[str, Any]]) -> tuple[Gained, ...]:
    """As a run's folder remembers what going on from a base came to."""
    scores = ({side: tuple(Score(**score) for score in one[side]) for side in ("before", "after")} for one in told)
    return tuple(Gained(one["name"], one["texts"], **both) for one, both in zip(told, scores))
