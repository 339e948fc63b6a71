"""Answers as JSON objects, one a row: a class with its chances, a number, a vector, or tags with their words. C classes."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from modelwright import evaluation
from modelwright.nouns import Answers, Classes, Tagged, Vector
from modelwright.wording import say

if TYPE_CHECKING:
    import polars as pl

DIGITS = 9
"""Of a vector's numbers: enough for every float32 to be read back as it was."""


def answered(answers: Answers) -> list[dict[str, Any]]:
    """A row that could not be read, or of which the answer is no finite number, says why there is none."""
    frame, kind = answers.frame, answers.port.kind
    match kind:
        case Classes():
            told = _classes(frame, kind)
        case Vector():
            told = _vectors(frame)
        case Tagged():
            told = _tags(frame, kind)
        case _:
            told = map(_number, frame["answer"].to_list())
    faults = frame["fault"].to_list() if frame["fault"].null_count() < len(frame) else [None] * len(frame)
    return [_told(facts, fault) for facts, fault in zip(told, faults, strict=True)]


def _told(facts: dict[str, Any] | None, fault: str | None) -> dict[str, Any]:
    """facts: empty where there is no answer, None where it is no number. A fault of the label alone leaves the answer."""
    if facts and not fault:
        return facts
    if facts is None:
        return {"answer": None, "fault": say("The model's answer is no finite number.")}
    return {**(facts or {"answer": None}), "fault": fault}


def _number(value: float | None) -> dict[str, Any] | None:
    if value is None:
        return {}
    return {"answer": value} if math.isfinite(value) else None


def _classes(frame: pl.DataFrame, kind: Classes) -> Iterator[dict[str, Any] | None]:
    """The answer, its probability and all chances."""
    for value, some in zip(frame["answer"].to_list(), frame["chances"].to_list()):
        if value is None:
            yield {}
        elif not math.isfinite(sum(some)):
            yield None
        else:
            yield {"answer": value, "probability": max(some), "chances": dict(zip(kind.names, some))}


def _vectors(frame: pl.DataFrame) -> Iterator[dict[str, Any] | None]:
    """The vector, a list of numbers; where the request has pairs of texts, how alike the two are."""
    for vector, likeness in zip(frame["answer"].to_list(), frame["likeness"].to_list()):
        if vector is None:
            yield {}
        elif not math.isfinite(sum(vector)):
            yield None
        else:
            pair = {} if likeness is None else {"likeness": likeness}
            yield {"answer": [float(f"{number:.{DIGITS}g}") for number in vector], **pair}


def _tags(frame: pl.DataFrame, kind: Tagged) -> Iterator[dict[str, Any]]:
    """Each word with its tag, null where the word is beyond what is read; and the entities that the tags spell."""
    for words, tags in zip(frame["words"].to_list(), frame["answer"].to_list()):
        if tags is None:
            yield {}
            continue
        found = {} if kind.scheme == "none" else {"entities": evaluation.spelled(words, tags, kind.scheme)}
        yield {"answer": [{"word": word, "tag": tag} for word, tag in zip(words, tags)], **found}
