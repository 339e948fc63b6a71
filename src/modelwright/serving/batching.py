"""Questions of several requests, answered together: laid in one table, through the codec and the model once, parted again.

Knows no thread and no web. N rows of all questions together.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import polars as pl

from modelwright import evaluation
from modelwright.data.overlong import overlong_read, sentence
from modelwright.data.writing import flat
from modelwright.nouns import Artifact, Refused, Rows
from modelwright.serving.asking import Question
from modelwright.serving.replying import answered
from modelwright.serving.turning import UNREADABLE, Turned
from modelwright.wording import say_many, speaking


@dataclass(frozen=True)
class Answered:
    """The body that answers a question."""

    body: bytes
    faulty: int
    """Rows with a fault in it."""


Reply: TypeAlias = "Answered | Exception"
"""An exception says why there is no body."""
TOLD = 3
"""Sentences of a refusal that are told."""


def answer(artifact: Artifact, questions: Sequence[Question]) -> list[Reply]:
    """A reply to each, in order. What breaks one never breaks another: after an error each is asked alone."""
    replies: dict[int, Reply] = {}
    for places in _alike(questions):
        some = [questions[place] for place in places]
        with speaking(some[0].language):
            try:
                found: Sequence[Reply] = _together(artifact, some)
            except Exception as error:
                found = [_turned(error)] if len(some) == 1 else [answer(artifact, [one])[0] for one in some]
        replies.update(zip(places, found))
    return [replies[place] for place in range(len(questions))]


def _alike(questions: Sequence[Question]) -> list[list[int]]:
    """Places of questions that name the same columns, which fit in one table, and whose askers read the same language."""
    groups: dict[tuple[str, frozenset[str]], list[int]] = {}
    for place, question in enumerate(questions):
        groups.setdefault((question.language, frozenset(question.columns)), []).append(place)
    return list(groups.values())


def _turned(error: Exception) -> Exception:
    """The codec's own refusal (a column is not there) is the asker's to mend."""
    if not isinstance(error, Refused):
        return error
    told, left = error.sentences[:TOLD], len(error.sentences) - TOLD
    more = (say_many("{n} more like it.", "{n} more like it.", left),) if left > 0 else ()
    return Turned(UNREADABLE, *told, *more)


def _together(artifact: Artifact, questions: Sequence[Question]) -> list[Answered]:
    rows = laid(questions)
    answers = evaluation.answer_rows(artifact.module, artifact.codec, rows)
    told = answered(answers)
    for cut in np.flatnonzero(overlong_read(rows, artifact.codec)):
        told[cut] = {**told[cut], "overlong": sentence(1, artifact.codec.encoding)}
    bodies: list[Answered] = []
    start = 0
    for question in questions:
        own = slice(start, start + question.height)
        start += question.height
        if question.form == "csv":
            bodies.append(_tabled(evaluation.told(answers, artifact.codec, rows)[own]))
        else:
            bodies.append(_answered([{"row": row, **facts} for row, facts in enumerate(told[own])]))
    return bodies


def laid(questions: Sequence[Question]) -> Rows:
    """The rows of questions that name the same columns, in one table; ids from 0."""
    columns = [_column(name, [question.columns[name] for question in questions]) for name in questions[0].columns]
    height = sum(question.height for question in questions)
    return Rows(np.arange(height, dtype=np.int64), pl.DataFrame(columns))


def _column(name: str, cells: Sequence[Sequence[Any]]) -> pl.Series:
    together = [cell for some in cells for cell in some]
    return pl.Series(name, together, dtype=pl.Binary if bytes in set(map(type, together)) else pl.String)


def _answered(answers: list[dict[str, Any]]) -> Answered:
    body = json.dumps({"answers": answers}, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
    return Answered(body, sum("fault" in told for told in answers))


def _tabled(answers: pl.DataFrame) -> Answered:
    """The bytes that `predict` writes for these rows."""
    rows = pl.int_range(len(answers), dtype=pl.Int64, eager=True).alias("row")
    return Answered(flat(answers.with_columns(rows)).write_csv().encode(), answers["fault"].count())
