"""The fitted codec of documents: texts to passages of token numbers int64 (B, T), and what follows each of them.

A text of n tokens is END, its tokens, END: n + 1 times something follows (with a tokenizer of others: what it puts before and
after a text). A passage is `longest` of these, so a text becomes ceil((n + 1) / longest) passages. B passages, T time,
A alphabet, N rows.
"""

from __future__ import annotations

import codecs
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import polars as pl
import torch

from modelwright.data.codecs.cells import blank_texts, gone_since_training, missing_faults, never_there, no_faults, require
from modelwright.data.codecs.cells import texts as as_text
from modelwright.data.codecs.conversations import Conversations
from modelwright.data.codecs.documents import Documents, plain
from modelwright.data.codecs.documents.masking import Hiding
from modelwright.data.codecs.tokens import tokenizing
from modelwright.data.codecs.tokens.tokenizing import Controls, Tokenizing
from modelwright.data.feed import own_ids
from modelwright.nouns import Batch, Faults, Hidden, Port, Refused, Rows, State, Tokens
from modelwright.wording import say


@dataclass(frozen=True)
class Passages:
    encoding: Documents | Conversations
    tokenizer: Tokenizing
    places: int
    """Tokens that the model could look back on: encoding.longest, or more where it began with the weights of another."""

    @cached_property
    def alphabet(self) -> int:
        return len(self.tokenizer.pieces)

    @property
    def said(self) -> Tokenizing:
        """The tokenizer of what is said."""
        return self.tokenizer

    @property
    def controls(self) -> Controls:
        return self.tokenizer.controls

    @property
    def reads(self) -> tuple[Port, ...]:
        return (Port("inputs", Tokens(self.alphabet, self.places, self.controls.padding)),)

    @property
    def writes(self) -> tuple[Port, ...]:
        asked = Tokens if self.hiding is None else Hidden
        return (Port("next", asked(self.alphabet, self.places, self.controls.padding)),)

    @cached_property
    def hiding(self) -> Hiding | None:
        """What hides tokens, where they are asked for."""
        masking = self.encoding.masking if isinstance(self.encoding, Documents) else None
        if masking is None or self.controls.mask is None:
            return None
        controls = (*self.controls.begin, *self.controls.end, *self.controls.stops, *self.controls.never)
        others = (self.controls.padding, self.controls.unknown, self.controls.mask)
        askable = np.ones(self.alphabet, bool)
        askable[[number for number in (*controls, *others) if number is not None]] = False
        return Hiding(masking, askable, self.controls.mask)

    @cached_property
    def _bytes(self) -> np.ndarray:
        """int64 (A,): UTF-8 bytes of each token."""
        return np.array([len(piece) for piece in self.tokenizer.pieces])

    def encode(self, rows: Rows) -> tuple[Batch, Faults]:
        """inputs and next int64, mask and bears bool, each (B, T); row, place, and bytes of all that bears loss, int64 (B,).

        An unknown character is read as unknown, and bears no loss: to foretell it would say nothing of the text. Where tokens
        are hidden, next is what stands there in truth, and the same ones are hidden whenever the same row is encoded."""
        require(rows.columns, [self.encoding.column], gone_since_training)
        text = as_text(rows.columns[self.encoding.column])
        missing = blank_texts(text)
        found = self.tokenizer.numbers(text.filter(~missing))
        batch = self._cut(rows.ids[~missing.to_numpy()], found)
        faults = missing_faults(rows, self.encoding.column, missing.to_numpy()) if missing.any() else no_faults()
        return batch, faults

    def _cut(self, ids: np.ndarray, found: list[np.ndarray]) -> Batch:
        """Passages of the rows with these ids, whose tokens were found: int64 (T,) each."""
        most, late = self.encoding.longest, int(self.hiding is None)
        before, after = self.controls.before if late else self.controls.begin, self.controls.end
        steps = np.array([len(before) + len(tokens) + len(after) - late for tokens in found], np.int64)
        pieces = -(-steps // most)
        total, wide = int(pieces.sum()), int(min(most, steps.max(initial=1)))
        inputs, follows = np.full((2, total, wide), self.controls.padding or 0)
        ends, starts = np.cumsum(pieces), np.cumsum(pieces) - pieces
        for tokens, first, last, count in zip(found, starts.tolist(), ends.tolist(), steps.tolist()):
            whole = np.concatenate([before, tokens, after], dtype=np.int64, casting="unsafe")  # of nothing numpy makes floats
            inputs[first:last].reshape(-1)[:count] = whole[:count]  # its lines are one piece of memory
            follows[first:last].reshape(-1)[:count] = whole[late:]
        number = np.arange(total) - np.repeat(starts, pieces)
        real = np.minimum(np.repeat(steps, pieces) - number * most, most)
        mask = np.arange(wide) < real[:, None]
        bears = mask & (follows != (-1 if self.controls.unknown is None else self.controls.unknown))
        columns = {
            "inputs": inputs, "next": follows, "mask": mask, "bears": bears, "place": number * most,
            "bytes": (self._bytes[follows] * bears).sum(1), "row": np.repeat(ids, pieces),
        }  # fmt: skip
        batch = {name: torch.from_numpy(column) for name, column in columns.items()}
        if self.hiding is None or not total:
            return batch
        batch = self.hiding(batch, own_ids(batch), "judged")
        return {**batch, "bytes": torch.from_numpy((self._bytes[follows] * batch["bears"].numpy()).sum(1))}

    def decode(self, outputs: Batch) -> pl.DataFrame:
        """answer: what is likeliest after each step, spelled."""
        said = (self.spell(row) for row in outputs["next"].argmax(-1).tolist())
        return pl.DataFrame({"answer": pl.Series(list(said), dtype=pl.String)})

    def begin(self, text: str) -> list[int]:
        """The tokens that a model goes on from: what stands before a text, then its own."""
        own = self.tokenizer.numbers(pl.Series([text], dtype=pl.String))[0].tolist()
        return [*self.controls.begin, *own] or list(self.controls.before)

    def decoder(self) -> Spelling:
        return Spelling(self.tokenizer.pieces)

    def named(self, token: int) -> str:
        """One token as a person looks at it."""
        return named(token, self.tokenizer)

    def spell(self, tokens: list[int]) -> str:
        spelling = self.decoder()
        return "".join(map(spelling.push, tokens)) + spelling.finish()

    def repairs(self, rows: Rows) -> int:
        """Nothing is filled in."""
        return 0

    def state(self) -> State:
        return State({"places": self.places}, texts=self.tokenizer.files())


class Spelling:
    """Tokens one at a time to text: a character is said once all its bytes are there."""

    def __init__(self, pieces: tuple[bytes, ...]) -> None:
        self.pieces = pieces
        self._bytes = codecs.getincrementaldecoder("utf-8")("replace")

    def push(self, token: int) -> str:
        """What can be said now; of padding, unknown and end nothing is."""
        return self._bytes.decode(self.pieces[token])

    def finish(self) -> str:
        """What is left of a character that did not come to its end."""
        return self._bytes.decode(b"", final=True)


def named(token: int, tokenizer: Tokenizing) -> str:
    """One token as a person looks at it: a line end as an arrow, bytes that are no whole character in hexadecimal."""
    controls = tokenizer.controls
    if token in (*controls.end, *controls.stops):
        return say("(end)")
    if token == controls.mask:
        return "▒"
    if token in controls.begin:
        return say("(begin)")
    if token == controls.unknown:
        return "?"
    piece = tokenizer.pieces[token]
    try:
        return piece.decode().replace("\n", "↵")
    except UnicodeDecodeError:
        return f"<{piece.hex()}>"


def fit(encoding: Documents, chunks: Callable[[], Iterator[Rows]]) -> Passages:
    """Refused: no such column, or no text in any training row."""

    def texts() -> Iterator[pl.Series]:
        for chunk in chunks():
            require(chunk.columns, [encoding.column], never_there)
            text = as_text(chunk.columns[encoding.column])
            yield text.filter(~blank_texts(text))

    tokenizer = with_end(tokenizing.fit(encoding.tokenizer, texts))
    if encoding.masking is not None and tokenizer.controls.mask is None:
        told = say("This tokenizer has no token behind which others could be hidden.")
        raise Refused(told, say('Learn one that has:   tokenizer = {kind = "word_piece"}'))
    if not any(map(len, texts())):
        raise Refused(say('No training row has a text in the column "{column}".', column=encoding.column))
    return Passages(replace(encoding, tokenizer=plain(encoding.tokenizer)), tokenizer, encoding.longest)


def with_end(tokenizer: Tokenizing) -> Tokenizing:
    """Refused: it has no token for the end of a text."""
    if tokenizer.controls.end:
        return tokenizer
    told = say("This tokenizer has no token for the end of a text, which is to be learned too.")
    raise Refused(told, say('Name one in tokenizer_config.json beside it: "eos_token": "</s>"'))


def load(encoding: Documents, state: State) -> Passages:
    places = state.facts.get("places", encoding.longest)  # nothing is said of it in artifacts of before
    return Passages(encoding, tokenizing.load(encoding.tokenizer, state.texts), places)
