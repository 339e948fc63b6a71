"""The compression board: who stood for the original's place, what each saves and risks, and who was taken. Plain values."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from modelwright.compression.section import Promise
from modelwright.nouns import Score


@dataclass(frozen=True)
class Pace:
    """One answer of a candidate beside one of the original, measured in turns."""

    batch: int
    seconds: float
    """Median of the candidate's."""
    of_original: float
    ratio: float
    """Candidate over original, the median of pairs; 0.5 is twice as fast."""
    low: float
    high: float
    """95 % interval of that median."""


@dataclass(frozen=True)
class Contender:
    """A candidate that was made and measured on validation rows."""

    name: str
    """prune, int8, prune + int8"""
    bytes: int
    """Of its weights on disk."""
    paces: tuple[Pace, ...]
    difference: Score
    """To the original on validation rows: above 0 is better."""
    foreseen: float
    """The loss that the test rows will leave open, if they are like the validation rows; in the metric's unit."""
    reason: str = ""
    """Why it was rejected; empty where it was not."""
    skipped: tuple[str, ...] = ()
    """Weights that its edits left as they were, with the reason."""

    @property
    def accepted(self) -> bool:
        return not self.reason


@dataclass(frozen=True)
class Board:
    """What compression came to."""

    promise: Promise
    bytes: int
    """Of the original's weights on disk."""
    contenders: tuple[Contender, ...]
    winner: str = ""
    """The name of the one that took the original's place; empty where the original was kept."""
    judged: Score | None = None
    """The one look at the test rows: the chosen candidate beside the original."""
    changed: int = 0
    """Test rows that it answers otherwise than the original."""
    reason: str = ""
    """Why the original was kept."""
    unkept: str = ""
    """The promise that the model which goes on does not keep, as a sentence."""

    @property
    def chosen(self) -> Contender | None:
        return next((one for one in self.contenders if one.name == self.winner), None)

    @property
    def loss(self) -> float | None:
        """The most that the winner may have lost, in the metric's unit, with 95 % certainty."""
        return None if self.judged is None else -self.judged.low

    def plain(self) -> dict[str, Any]:
        """What run.json and --json say."""
        return asdict(self)


def from_plain(told: dict[str, Any]) -> Board:
    """The board that plain() told."""
    live: dict[str, Any] = {
        "promise": Promise(**told["promise"]),
        "contenders": tuple(_contender(one) for one in told["contenders"]),
        "judged": None if told["judged"] is None else Score(**told["judged"]),
    }
    return Board(**{**told, **live})


def _contender(told: dict[str, Any]) -> Contender:
    live: dict[str, Any] = {
        "paces": tuple(Pace(**pace) for pace in told["paces"]),
        "difference": Score(**told["difference"]),
        "skipped": tuple(told["skipped"]),
    }
    return Contender(**{**told, **live})
