"""The fitted codec of conversations: each becomes one passage of token numbers int64 (B, T), of which the answers bear loss.

B conversations, T time.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl
import torch

from modelwright.data.codecs.cells import (
    blank_texts,
    faults,
    gone_since_training,
    joined,
    missing_faults,
    never_there,
    require,
)
from modelwright.data.codecs.conversations import Conversations
from modelwright.data.codecs.conversations.asking import conversations
from modelwright.data.codecs.conversations.chats import Message, Read, as_learned
from modelwright.data.codecs.documents import plain
from modelwright.data.codecs.documents.passages import Passages, with_end
from modelwright.data.codecs.tokens import tokenizing
from modelwright.nouns import Batch, Faults, Refused, Rows, State
from modelwright.wording import say


@dataclass(frozen=True)
class Talks(Passages):
    """Says what a codec of documents says, and reads otherwise."""

    encoding: Conversations

    def encode(self, rows: Rows) -> tuple[Batch, Faults]:
        """inputs and next int64, mask and bears bool, each (B, T); row, place (0), bytes of all that bears loss, int64 (B,).

        A fault: it is no conversation, the template refuses it, or of what is read of it nothing bears loss."""
        require(rows.columns, list(self.encoding.columns), gone_since_training)
        cells, named = conversations(self.encoding, rows), ", ".join(self.encoding.columns)
        missing = blank_texts(cells).to_numpy()
        read: list[Read] = []
        ids: list[int] = []
        wrong: list[Faults] = [missing_faults(rows, named, missing)]
        for number, cell in zip(rows.ids[~missing].tolist(), cells.filter(~pl.Series(missing))):
            try:
                found = self._kept(self.read(cell))
            except Refused as refusal:
                wrong.append(faults(np.array([number]), named, refusal.sentences[0]))
                continue
            read.append(found)
            ids.append(number)
        return self._laid(np.array(ids, np.int64), read), joined(wrong)

    def read(self, cell: str) -> Read:
        """All of a conversation in tokens."""
        return as_learned(self.tokenizer, messages(cell), onward=False)

    def cut(self, rows: Rows) -> np.ndarray:
        """bool (B,): which conversations are longer than what is read of them."""
        return np.array([self._longer(cell) for cell in conversations(self.encoding, rows).fill_null("")], bool)

    def _longer(self, cell: str) -> bool:
        try:
            return len(self.read(cell).numbers) > self.encoding.longest + 1
        except Refused:
            return False

    def _kept(self, found: Read) -> Read:
        """Its beginning. Refused: nothing in it bears loss."""
        most = self.encoding.longest + 1
        kept = Read(found.numbers[:most], found.answered[:most])
        if not any(kept.answered[1:]):
            raise Refused(say("Of what is read of it the assistant says nothing."))
        return kept

    def _laid(self, ids: np.ndarray, read: list[Read]) -> Batch:
        steps = np.array([len(one.numbers) - 1 for one in read], np.int64)
        wide = int(steps.max(initial=1))
        inputs, follows = np.full((2, len(read), wide), self.controls.padding or 0)
        bears = np.zeros((len(read), wide), bool)
        for place, (one, count) in enumerate(zip(read, steps.tolist())):
            inputs[place, :count], follows[place, :count] = one.numbers[:-1], one.numbers[1:]
            bears[place, :count] = one.answered[1:]
        bears &= follows != (-1 if self.controls.unknown is None else self.controls.unknown)
        columns = {
            "inputs": inputs, "next": follows, "mask": np.arange(wide) < steps[:, None], "bears": bears,
            "place": np.zeros(len(read), np.int64), "bytes": (self._bytes[follows] * bears).sum(1), "row": ids,
        }  # fmt: skip
        return {name: torch.from_numpy(column) for name, column in columns.items()}


def messages(cell: str) -> list[Message]:
    """Refused: it is no list of messages."""
    try:
        told: Any = json.loads(cell)
        parts: list[tuple[Any, Any]] = [(one["role"], one["content"]) for one in told]
    except (KeyError, TypeError, ValueError, RecursionError):
        parts = []
    if not parts or not all(isinstance(part, str) for both in parts for part in both):
        raise Refused(say("This is no conversation: a list of messages is needed, each with a role and a content, both texts."))
    return [Message(role, content) for role, content in parts]


def fit(encoding: Conversations, chunks: Callable[[], Iterator[Rows]]) -> Talks:
    """Refused: no such column, or no conversation in any training row."""

    def said() -> Iterator[pl.Series]:
        for chunk in chunks():
            require(chunk.columns, list(encoding.columns), never_there)
            cells = conversations(encoding, chunk).fill_null("")
            yield pl.Series([text for cell in cells for text in _said(cell)], dtype=pl.String)

    tokenizer = with_end(tokenizing.fit(encoding.tokenizer, said))
    if not any(map(len, said())):
        raise Refused(say('No training row has a conversation in the column "{column}".', column=", ".join(encoding.columns)))
    return Talks(replace(encoding, tokenizer=plain(encoding.tokenizer)), tokenizer, encoding.longest)


def _said(cell: str) -> list[str]:
    """What a tokenizer learns from: roles and contents, as they are written without a template."""
    try:
        return [part for one in messages(cell) for part in (f"{one.role}: ", one.content)]
    except Refused:
        return []


def load(encoding: Conversations, state: State) -> Talks:
    return Talks(encoding, tokenizing.load(encoding.tokenizer, state.texts), state.facts.get("places", encoding.longest))
