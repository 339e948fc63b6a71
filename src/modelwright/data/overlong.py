"""Texts and recordings of which a codec takes the beginning alone, because they are longer than codec.longest."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import numpy as np
import polars as pl

from modelwright.data.codecs.conversations import Conversations
from modelwright.data.codecs.pairs import Pairs
from modelwright.data.codecs.sentences import Sentences
from modelwright.data.codecs.sounds import LogMel
from modelwright.data.codecs.tags import Tags
from modelwright.data.codecs.words import Characters, Texts, Words
from modelwright.data.findings import Finding
from modelwright.nouns import Codec, Encoding, Rows
from modelwright.wording import say, say_many

if TYPE_CHECKING:
    from modelwright.data.codecs.conversations.talks import Talks
    from modelwright.data.codecs.pairs.paired import Paired
    from modelwright.data.codecs.sentences import vectors
    from modelwright.data.codecs.tags.tagging import Tagging
    from modelwright.data.codecs.words.subtexts import Subtexts

SHOWN = 5
"""Rows that a finding names."""


def overlong(rows: Rows, encoding: Encoding) -> np.ndarray:
    """bool (B,): which rows are cut, told before anything is learned. What cannot be read is not: it has a fault instead."""
    if isinstance(encoding, LogMel):
        return np.fromiter((_beyond(cell, encoding.longest) for cell in _cells(rows, encoding)), bool, len(rows))
    if isinstance(encoding, (Words, Characters)):
        from modelwright.data.codecs.words.texts import counted

        return (counted(encoding, rows.columns[encoding.column]) > encoding.longest).fill_null(value=False).to_numpy()
    return np.zeros(len(rows), bool)


def overlong_read(rows: Rows, codec: Codec) -> np.ndarray:
    """bool (B,): which rows a fitted codec cuts: only a tokenizer that was learned tells how long a text is."""
    if isinstance(codec.encoding, (Sentences, Texts, Pairs)):
        return cast("vectors.Sentences | Subtexts | Paired", codec).cut(rows)
    if isinstance(codec.encoding, (Conversations, Tags)):
        return cast("Talks | Tagging", codec).cut(rows)
    return overlong(rows, codec.encoding)


def overlong_finding(rows: Rows, encoding: Encoding) -> Finding | None:
    return _finding(rows, overlong(rows, encoding), encoding)


def faulty_finding(rows: Rows, codec: Codec) -> Finding | None:
    """Of tags and of pairs for vectors: rows that a fitted codec cannot learn from; the first of them say why."""
    if not isinstance(codec.encoding, (Tags, Sentences)):
        return None
    _, faults = codec.encode(rows)
    ids = faults["row"].unique(maintain_order=True)
    if not len(ids):
        return None
    told = say_many(
        "{n} row cannot be learned from as it stands.", "{n} rows cannot be learned from as they stand.", len(ids)
    )  # fmt: skip
    first = faults.head(SHOWN).iter_rows()
    examples = tuple(say("row {row}, {column}: {fault}", row=f"{row:,}", column=name, fault=why) for row, name, why in first)
    return Finding("faulty", False, len(ids), tuple(ids.head(SHOWN).to_list()), told, examples)


def late_finding(rows: Rows, codec: Codec) -> Finding | None:
    """What no check could tell before the codec was fitted."""
    fitted = isinstance(codec.encoding, (Texts, Conversations, Tags, Sentences))
    return _finding(rows, overlong_read(rows, codec), codec.encoding) if fitted else None


def _finding(rows: Rows, cut: np.ndarray, encoding: Encoding) -> Finding | None:
    if not cut.any():
        return None
    count = int(cut.sum())
    told = f"{sentence(count, encoding)}\n{say('Raise codec.longest to take in more of them; it costs time and memory.')}"
    return Finding("overlong", False, count, tuple(rows.ids[np.flatnonzero(cut)[:SHOWN]].tolist()), told)


def sentence(count: int, encoding: Encoding) -> str:
    """How many were cut, and where."""
    if isinstance(encoding, LogMel):
        return say_many(
            "{n} recording is longer than {most} s: what comes after is not heard.",
            "{n} recordings are longer than {most} s: what comes after is not heard.",
            count, most=f"{encoding.longest:g}",
        )  # fmt: skip
    if isinstance(encoding, (Sentences, Texts, Pairs, Conversations, Tags)):
        return say_many(
            "{n} text is longer than {most} tokens: what comes after is not read.",
            "{n} texts are longer than {most} tokens: what comes after is not read.",
            count, most=f"{encoding.longest:,}",
        )  # fmt: skip
    assert isinstance(encoding, (Words, Characters))
    if isinstance(encoding, Words):
        return say_many(
            "{n} text is longer than {most} words: what comes after is not read.",
            "{n} texts are longer than {most} words: what comes after is not read.",
            count, most=f"{encoding.longest:,}",
        )  # fmt: skip
    return say_many(
        "{n} text is longer than {most} characters: what comes after is not read.",
        "{n} texts are longer than {most} characters: what comes after is not read.",
        count, most=f"{encoding.longest:,}",
    )  # fmt: skip


def _cells(rows: Rows, encoding: LogMel) -> list[bytes | str | None]:
    column = rows.columns[encoding.column]
    return column.to_list() if isinstance(column.dtype, (pl.Binary, pl.String)) else [None] * len(rows)


def _beyond(cell: bytes | str | None, longest: float) -> bool:
    """Told by the recording's head, at its own rate."""
    from modelwright.data.codecs.sounds.recordings import RecordingError, content, head

    try:
        found = head(content(cell))
    except RecordingError:
        return False
    return found.length > max(1, round(longest * found.rate))
