"""All that the report tells, as plain values. Knows no HTML."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from modelwright.compression import Board
from modelwright.data import Findings
from modelwright.nouns import Classes, Gained, Ledger, Numbers, Part, Score, Tagged, Tokens, Vector

if TYPE_CHECKING:
    from modelwright.report.reasons import Why


@dataclass(frozen=True)
class Shown:
    """A wrong answer, with the row that it was given to."""

    row: int
    label: str
    answer: str
    size: float
    """The chance given to the wrong class, 0 to 1; or the absolute error in the label's unit."""
    picture: str = ""
    """A data: address of a PNG; empty where the row is none."""
    alt: str = ""
    """What the picture is, for whoever does not see it."""
    sound: str = ""
    """A data: address of a short recording."""
    text: str = ""
    cells: tuple[tuple[str, str], ...] = ()
    """Columns and their values as they stood in the source; at most a dozen."""
    more: int = 0
    """Columns left out."""
    why: Why | None = None
    """What speaks for the wrong answer, where it was explained."""


@dataclass(frozen=True)
class Reason:
    """One answer and what speaks for it."""

    title: str
    headline: str
    why: Why
    picture: str = ""
    """A data: address; empty where the row is none."""


@dataclass(frozen=True)
class Story:
    """One run, from what came in to what it is worth."""

    title: str
    label: str | None
    """The column that is predicted; None where it goes on with texts."""
    port: Classes | Numbers | Tokens | Tagged | Vector
    model: str
    """The recipe's word for it."""
    source: str
    """Where the rows came from, in words: a path, "bundled digits"."""
    data: str
    """The path that these rows are named by; empty where they are bundled."""
    folder: str
    """The run's folder as the user would write it; recipe.toml and artifact lie in it."""
    recipe: str
    """The whole recipe, expanded TOML."""
    rows: Mapping[Part, int]
    scores: tuple[Score, ...]
    """The first is the one the page begins with."""
    ledger: Ledger
    baselines: Mapping[str, tuple[Score, ...]] = field(default_factory=dict)
    """The same scores by the name of each baseline."""
    gain: tuple[str, Score] | None = None
    """The strongest baseline, and evaluation.compare of it with the model."""
    findings: Findings = ()
    history: Sequence[Mapping[str, float]] = ()
    """As Run.history: one entry an epoch with epoch, loss, and where there are validation rows validation and score."""
    metric: str = ""
    """The name of the Score behind history's "score": accuracy, f1_macro, mae."""
    best_epoch: int = -1
    """Counted from 0; -1 where no epoch was chosen."""
    confusion: tuple[tuple[str, ...], Sequence[Sequence[int]]] | None = None
    """As evaluation.confusion: names, and a row of counts per label."""
    mistakes: tuple[Shown, ...] = ()
    """The worst first. Empty where rows may not be shown."""
    shows_rows: bool = True
    board: Board | None = None
    """What compression came to, where it was ordered."""
    gained: Sequence[Gained] = ()
    """What going on from a base came to, where that was asked."""
    turns: str = ""
    """What learned when, where not all did from the beginning."""
    tuning: str = ""
    """What the run computed with and why, one line."""
    machine: str = ""
    made: str = ""
    """When, and by which version."""
