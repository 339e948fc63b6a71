"""What each stage of a life hands to the next, and how a stage is timed. Knows no work."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from modelwright import data, machine
from modelwright.compression import Board
from modelwright.folder import RunFolder
from modelwright.learning import Lesson
from modelwright.models.beginning import Beginning
from modelwright.nouns import (
    Answers,
    Artifact,
    Batch,
    Codec,
    Costs,
    Gained,
    Ledger,
    Note,
    Part,
    Rows,
    Score,
    Together,
    Tuning,
    Watch,
)
from modelwright.parallel import ALONE

if TYPE_CHECKING:
    import numpy as np
    from torch.nn import Module

    from modelwright.explanation.explaining import Explained


@dataclass(frozen=True)
class Opening:
    """How a life begins: what becomes of a folder that holds something already, and rows that no recipe can name."""

    resume: bool = False
    fresh: bool = False
    stop: Callable[[], bool] = lambda: False
    """Asked between two steps; true leaves a snapshot and ends the run as Ctrl-C does."""
    table: data.Frame | None = None
    """Rows handed over in Python, in place of the recipe's own."""
    together: Together = ALONE
    """The processes that train together; this one is the first."""


ANEW = Opening()
"""In an empty folder, with the recipe's own rows, to the end."""


@dataclass(frozen=True)
class Material:
    """What the data stage hands on: raw rows, their parts, and what was found in them."""

    rows: Rows
    parts: Mapping[Part, np.ndarray]
    """Positions in rows."""
    findings: tuple[data.Finding, ...]
    fingerprint: str
    seconds: float = 0.0
    """That reading and checking took."""
    mapped: bool = False
    """Whether texts and tokens lie in the cache, so that memory holds what is being read of them."""

    def part(self, part: Part) -> Rows:
        return self.rows.take(self.parts[part])

    def some(self, part: Part, most: int) -> Rows:
        """At most so many rows of a part, evenly from all of it."""
        from modelwright.data.reading import evenly

        return self.rows.take(evenly(self.parts[part], most))


@dataclass(frozen=True)
class Start:
    """What a model begins with, where that is another's weights."""

    codec: Codec
    """Rows are read as it reads them."""
    beginning: Beginning
    fingerprint: str
    """Of the data that it was made from ..."""
    learned: np.ndarray = field(repr=False)
    """... and the ids of the rows that it learned from."""


@dataclass(frozen=True)
class Encoded:
    """Rows as tensors, by part."""

    codec: Codec
    batches: Mapping[Part, Batch]
    dropped: int
    repaired: int
    seconds: float = 0.0
    start: Start | None = None
    """What the model begins with; None: weights that are drawn."""


@dataclass(frozen=True)
class Judged:
    """The answers to the test rows and what they are worth."""

    answers: Answers
    scores: tuple[Score, ...]
    baselines: Mapping[str, tuple[Score, ...]]
    gain: tuple[str, Score] | None
    """The linear baseline's name, and how much more of the same rows the model answers rightly."""
    rivals: Mapping[str, Answers] = field(default_factory=dict[str, Answers], repr=False)
    """What the baselines answered."""


@dataclass(frozen=True)
class Lived:
    """A life that was led to its end."""

    folder: RunFolder
    artifact: Artifact
    baselines: Mapping[str, tuple[Score, ...]]
    ledger: Ledger
    tuning: Tuning
    reused: bool = False
    board: Board | None = None
    """What compression came to, where it was ordered."""
    explained: tuple[Explained, ...] = ()
    """The worst mistakes."""
    gained: tuple[Gained, ...] = ()
    """What going on from a base came to, where that was asked."""

    @property
    def scores(self) -> tuple[Score, ...]:
        return self.artifact.scores

    def plain(self) -> dict[str, Any]:
        """What --json prints."""
        return {
            "run": str(self.folder.path),
            "artifact": str(self.folder.artifact),
            "report": str(self.folder.report),
            "reused": self.reused,
            "scores": [asdict(score) for score in self.scores],
            "baselines": {name: [asdict(score) for score in scores] for name, scores in self.baselines.items()},
            "predicted": asdict(self.ledger.predicted),
            "measured": asdict(self.ledger.measured),
            "device": machine.told(self.tuning),
            "tuning": asdict(self.tuning),
            "compression": None if self.board is None else self.board.plain(),
            "gained": [asdict(one) for one in self.gained],
            "explanation": [one.plain() for one in self.explained],
        }


@dataclass(frozen=True)
class Learned:
    """A finished lesson, and what was foretold of it."""

    lesson: Lesson
    predicted: Costs
    spent: Costs
    """On training alone, since it began or came back."""

    @property
    def module(self) -> Module:
        return self.lesson.run.models["model"]

    def plain(self) -> dict[str, Any]:
        """What `train --json` prints."""
        run = self.lesson.run
        best = {"best_epoch": run.best_epoch + 1, "best_score": run.best_score}
        far = {"rows": len(self.lesson.feed), "steps": run.step, "epochs": len(run.history)}
        return {**far, **best, "spent": asdict(self.spent), "device": machine.told(run.tuning)}


def silent(note: Note) -> None:
    """The watch that watches nothing."""


@contextmanager
def stage(name: str, watch: Watch) -> Generator[list[str], None, None]:
    """Times a stage; the lines that the block appends are its last word."""
    started, words = time.perf_counter(), list[str]()
    yield words
    watch(Note(name, "\n".join(words), seconds=time.perf_counter() - started))
