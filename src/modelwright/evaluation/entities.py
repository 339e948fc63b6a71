"""The figures of tags: words that are tagged rightly, and entities that are found, by name and by both ends.

Over all entities of all rows together, as seqeval's micro average with mode="strict". Intervals by bootstrap over rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal, TypeAlias

from modelwright.evaluation.foretold import judged, of_pieces
from modelwright.nouns import Answers, Refused, Score, Tagged
from modelwright.wording import say

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class F1OfEntities:
    """The harmonic mean of entity precision and recall, 0 to 1; 0 where there is nothing to be found and nothing was."""

    fits: ClassVar[tuple[type, ...]] = (Tagged,)
    better: ClassVar[Literal["higher", "lower"]] = "higher"
    of: ClassVar[str] = "twice"
    over: ClassVar[str] = "both"

    def score(self, answers: Answers) -> Score:
        _refuse_schemeless(answers)
        return of_pieces("f1_of_entities", judged(answers), self, 1.0)

    def figure(self, means: np.ndarray) -> np.ndarray:
        """(..., 2) twice those found rightly, and those found with those there -> (...)"""
        return _share(means)


@dataclass(frozen=True)
class PrecisionOfEntities:
    """Of the entities found the share that is there, 0 to 1; 0 where none was found."""

    fits: ClassVar[tuple[type, ...]] = (Tagged,)
    better: ClassVar[Literal["higher", "lower"]] = "higher"
    of: ClassVar[str] = "right"
    over: ClassVar[str] = "found"

    def score(self, answers: Answers) -> Score:
        _refuse_schemeless(answers)
        return of_pieces("precision_of_entities", judged(answers), self, 1.0)

    def figure(self, means: np.ndarray) -> np.ndarray:
        """(..., 2) those found rightly and those found -> (...)"""
        return _share(means)


@dataclass(frozen=True)
class RecallOfEntities:
    """Of the entities that are there the share that is found, 0 to 1; 0 where there is none."""

    fits: ClassVar[tuple[type, ...]] = (Tagged,)
    better: ClassVar[Literal["higher", "lower"]] = "higher"
    of: ClassVar[str] = "right"
    over: ClassVar[str] = "there"

    def score(self, answers: Answers) -> Score:
        _refuse_schemeless(answers)
        return of_pieces("recall_of_entities", judged(answers), self, 1.0)

    def figure(self, means: np.ndarray) -> np.ndarray:
        """(..., 2) those found rightly and those there -> (...)"""
        return _share(means)


@dataclass(frozen=True)
class TagAccuracy:
    """Of all words the share that is tagged rightly, 0 to 1; one that is not read counts as wrong."""

    fits: ClassVar[tuple[type, ...]] = (Tagged,)
    better: ClassVar[Literal["higher", "lower"]] = "higher"
    of: ClassVar[str] = "hits"
    over: ClassVar[str] = "tokens"

    def score(self, answers: Answers) -> Score:
        return of_pieces("tag_accuracy", judged(answers), self, 1.0)

    def figure(self, means: np.ndarray) -> np.ndarray:
        """(..., 2) hits and words -> (...)"""
        return _share(means)


Figure: TypeAlias = F1OfEntities | PrecisionOfEntities | RecallOfEntities | TagAccuracy


def natural(kind: Tagged) -> tuple[Figure, ...]:
    """The figures that one looks at first."""
    of_entities = (F1OfEntities(), PrecisionOfEntities(), RecallOfEntities()) if kind.scheme != "none" else ()
    return (*of_entities, TagAccuracy())


def _share(means: np.ndarray) -> np.ndarray:
    """(..., 2) -> (...) the first for each of the second; of nothing 0."""
    import numpy as np

    over = means[..., 1]
    return np.where(over > 0, means[..., 0] / np.where(over > 0, over, 1.0), 0.0)


def _refuse_schemeless(answers: Answers) -> None:
    assert isinstance(answers.port.kind, Tagged)
    if answers.port.kind.scheme == "none":
        told = say("These tags spell no entities: codec.scheme is none.")
        raise Refused(told, say("Judge them by their words:   [evaluation]  metrics = [{{kind = \"tag_accuracy\"}}]"))
