"""What is measured: answers and their scores, and what a life cost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from modelwright.nouns.ports import Port

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True)
class Answers:
    """One columnar table per evaluation; scores, intervals and mistakes are all read from it.

    Columns: row Int64; label (String, or Float64 for numbers; null where unknown); answer (as label; null where the
    row was faulty); chances Array(Float32, C) for classes only; fault (String, null where the row was good).
    Of tokens, where nothing is labelled, a line is a piece of a row: row; place Int64, how many of its tokens come before;
    tokens and bytes Int64, what was judged; nats Float64, -ln of the chance that all of it was given; fault."""

    frame: pl.DataFrame
    port: Port

    def __len__(self) -> int:
        return len(self.frame)


@dataclass(frozen=True)
class Score:
    """A figure with its 95 % interval and the number of rows it rests on."""

    name: str
    value: float
    low: float
    high: float
    n: int


@dataclass(frozen=True)
class Gained:
    """What texts cost a model before it went on from its base, and after."""

    name: str
    """The file that they lie in; empty: the test rows."""
    texts: int
    before: tuple[Score, ...]
    after: tuple[Score, ...]
    """The same scores, in the same order."""


@dataclass(frozen=True)
class Costs:
    """The three costs: time, processor, arithmetic and energy are those of training. None is "not measured here"."""

    seconds: float | None = None
    cpu_seconds: float | None = None
    flops: float | None = None
    peak_bytes: int | None = None
    watt_hours: float | None = None
    meter: str = "estimated"
    parameters: int | None = None
    layers: int | None = None
    weight_bytes: int | None = None
    rows_used: int | None = None
    rows_dropped: int | None = None
    rows_repaired: int | None = None
    noise: tuple[float | None, float, float | None] | None = None
    """Rows behind an update beyond which more of them gain little, and its 95 % interval; what is not known is None."""


@dataclass(frozen=True)
class Ledger:
    """Predicted beside measured."""

    predicted: Costs
    measured: Costs
