"""Rows of any columns as conversations: a question and its answer, the cells put where they are named."""

from __future__ import annotations

import json
from string import Formatter

import polars as pl

from modelwright.data.codecs.cells import texts
from modelwright.data.codecs.conversations import Conversations
from modelwright.nouns import Rows


def conversations(encoding: Conversations, rows: Rows) -> pl.Series:
    """(B,): of each row the messages in JSON; null where a cell that is named is null."""
    if not encoding.asked:
        return texts(rows.columns[encoding.column])
    cells = {name: texts(rows.columns[name]).to_list() for name in encoding.columns}
    told = [_told(encoding, dict(zip(cells, row))) for row in zip(*cells.values(), strict=True)]
    return pl.Series(told or [_told(encoding, {})] * len(rows), dtype=pl.String)


def _told(encoding: Conversations, row: dict[str, str | None]) -> str | None:
    if None in row.values():
        return None
    roles = (("user", encoding.asked), ("assistant", encoding.answered))
    return json.dumps([{"role": role, "content": _filled(text, row)} for role, text in roles], ensure_ascii=False)


def _filled(text: str, row: dict[str, str | None]) -> str:
    """What a cell says is put in as it is: braces in it mean nothing."""
    return "".join(plain + (row[name] or "" if name else "") for plain, name, _, _ in Formatter().parse(text))
