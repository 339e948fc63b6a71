"""The whole life on one page: one function per stage, in the order in which they happen."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelwright import data, evaluation, machine, models, report, shelf, training, vault
from modelwright.folder import RunFolder, claim, fingerprint
from modelwright.nouns import PARTS, Answers, Artifact, Batch, Codec, Costs, Ledger, Note, Part, Refused, Rows, Run, Score, Watch
from modelwright.recipe import Recipe, expanded
from modelwright.reader import write
from modelwright.wording import say, say_many

if TYPE_CHECKING:
    import numpy as np
    from torch.nn import Module


@dataclass(frozen=True)
class Opening:
    """How a folder that holds something already is met."""

    resume: bool = False
    fresh: bool = False


@dataclass(frozen=True)
class Material:
    """What the data stage hands on: raw rows, their parts, and what was found in them."""

    rows: Rows
    parts: Mapping[Part, np.ndarray]
    """Positions in rows."""
    findings: tuple[data.Finding, ...]
    fingerprint: str

    def part(self, part: Part) -> Rows:
        return self.rows.take(self.parts[part])


@dataclass(frozen=True)
class Encoded:
    """Rows as tensors, by part."""

    codec: Codec
    batches: Mapping[Part, Batch]
    dropped: int
    repaired: int


@dataclass(frozen=True)
class Judged:
    """The answers to the test rows and what they are worth."""

    answers: Answers
    scores: tuple[Score, ...]
    baselines: Mapping[str, tuple[Score, ...]]


@dataclass(frozen=True)
class Lived:
    """A life that was led to its end."""

    folder: RunFolder
    artifact: Artifact
    baselines: Mapping[str, tuple[Score, ...]]
    ledger: Ledger
    tuning_reason: str
    reused: bool = False

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
            "scores": [write(score) for score in self.scores],
            "baselines": {name: [write(score) for score in scores] for name, scores in self.baselines.items()},
            "predicted": write(self.ledger.predicted),
            "measured": write(self.ledger.measured),
            "device": self.tuning_reason,
        }


def silent(note: Note) -> None:
    """The watch that watches nothing."""


@contextmanager
def stage(name: str, watch: Watch) -> Iterator[list[str]]:
    """Times a stage; the lines that the block appends are its last word."""
    started, words = time.perf_counter(), list[str]()
    yield words
    watch(Note(name, "\n".join(words), seconds=time.perf_counter() - started))


# --- the life -----------------------------------------------------------------------------------------------------------


def run(recipe: Recipe, folder: RunFolder, opening: Opening = Opening(), watch: Watch = silent) -> Lived:
    """Leads a recipe through its whole life in this folder; a finished one is reused."""
    with vault.lock(folder.path):
        standing = claim(folder, expanded(recipe), opening.resume, opening.fresh)
        with machine.Meter() as meter:
            material = gather(recipe, watch)
            _same_data(folder, material)
            if standing == "finished":
                return reuse(folder, watch)
            refuse_grave(material, recipe)
            encoded = encode(recipe, material, watch)
            learned = train(recipe, encoded, folder, watch)
            judged = evaluate(recipe, material, encoded, learned.run, watch)
        artifact = make(recipe, material, encoded, learned.run, judged)
        shelf.put(artifact, folder.artifact)
        ledger = Ledger(learned.predicted, _measured(meter.costs, material, encoded, learned))
        lived = Lived(folder, artifact, judged.baselines, ledger, learned.run.tuning.reason)
        report.write(folder.report, story(recipe, material, encoded, learned.run, judged, lived))
        folder.settle({"data": material.fingerprint, **lived.plain()})
        return lived
