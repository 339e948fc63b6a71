"""Prompts of a file to a file of answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from modelwright import data
from modelwright.generating.begun import Begun
from modelwright.generating.going import several
from modelwright.generating.keeping import Keeping
from modelwright.generating.ordering import Said, passages
from modelwright.nouns import Artifact, Refused, Rows
from modelwright.wording import say

if TYPE_CHECKING:
    import polars as pl

    from modelwright.models.sampling import Sampling

CHUNK = 4096
"""Prompts that are read and answered at a time: those of like length stand side by side."""
PROMPT = "prompt"
"""The column of prompts; where there is none, that of the texts it learned from."""


@dataclass
class Answered:
    """How many prompts were answered."""

    rows: int = 0
    faulty: int = 0
    """Are empty."""
    cut: int = 0
    """Had not the form that was ordered when enough was said."""
    dropped: int = 0
    """Are longer than the model looks back: their end was read."""


@dataclass(frozen=True)
class Answering:
    """How prompts are answered."""

    begin: Callable[[str], Begun]
    how: Sampling
    keeping: Keeping
    batch: int
    """Prompts side by side."""


def answer_file(
    artifact: Artifact, prompts: Path, out: Path, answering: Answering, watch: Callable[[int], None]
) -> Answered:  # fmt: skip
    """A line for each prompt: row, answer, tokens, fault. watch is told how many are done."""
    from modelwright.data.writing import writer

    source, done = data.from_path(prompts), Answered()
    if out.exists() and out.samefile(prompts):
        raise Refused(say("{path} holds the prompts: the answers need another place. Name one with -o.", path=out))
    with writer(out) as write:
        for chunk in source.chunks(CHUNK):
            write(_answered(artifact, chunk, answering, done, watch))
    return done


def _answered(
    artifact: Artifact, rows: Rows, answering: Answering, done: Answered, watch: Callable[[int], None]
) -> pl.DataFrame:
    import polars as pl

    texts = rows.columns[_column(artifact, rows)].cast(pl.String).to_list()
    there = [place for place, text in enumerate(texts) if text]
    begun = [answering.begin(texts[place]) for place in there]
    found: dict[int, Said] = {}
    for place, said in several(artifact, begun, answering.how, answering.keeping, answering.batch):
        found[there[place]] = said
        watch(done.rows + len(found))
    done.rows += len(texts)
    done.faulty += len(texts) - len(there)
    done.cut += sum(not said.whole for said in found.values())
    done.dropped += sum(one.dropped > 0 for one in begun)
    return _frame(rows, [found.get(place) for place in range(len(texts))])


def _frame(rows: Rows, said: list[Said | None]) -> pl.DataFrame:
    import polars as pl

    empty, cut = say("there is no prompt"), say("cut before it had its form")
    faults = [empty if one is None else None if one.whole else cut for one in said]
    columns = {
        "row": pl.Series(rows.ids), "answer": pl.Series([one and one.text for one in said], dtype=pl.String),
        "tokens": pl.Series([one and one.tokens for one in said], dtype=pl.Int64), "fault": pl.Series(faults, dtype=pl.String),
    }  # fmt: skip
    return pl.DataFrame(columns)


def _column(artifact: Artifact, rows: Rows) -> str:
    there, own = rows.columns.columns, passages(artifact).encoding.column
    for name in (PROMPT, own, *(there if len(there) == 1 else ())):
        if name in there:
            return name
    facts = {"names": ", ".join(there), "wanted": PROMPT, "own": own}
    raise Refused(say('The prompts are looked for in the column "{wanted}" or "{own}"; there are: {names}', **facts))
