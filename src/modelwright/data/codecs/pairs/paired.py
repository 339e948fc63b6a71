"""The fitted codec of pairs: a text to token numbers int64 (B, S), its reply to what is said before each token and that token
itself, int64 (B, T). B rows, S steps read, T steps said, N rows.

A text of n tokens is its tokens and their end. Of a reply, what stands before a text comes before the first token, and its end
follows the last.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import polars as pl
import torch
from torch import Tensor

from modelwright.data.codecs.cells import blank_texts, gone_since_training, joined, missing_faults, never_there, require
from modelwright.data.codecs.cells import texts as as_text
from modelwright.data.codecs.documents import plain
from modelwright.data.codecs.documents.passages import Spelling, named, with_end
from modelwright.data.codecs.pairs import Pairs
from modelwright.data.codecs.tokens import tokenizing
from modelwright.data.codecs.tokens.tokenizing import Controls, Tokenizing
from modelwright.nouns import Batch, Faults, Port, Refused, Reply, Rows, State, Tokens
from modelwright.wording import say

REPLIES = "replies."
"""Begins the names of what is kept of the replies' own tokenizer."""


@dataclass(frozen=True)
class Paired:
    encoding: Pairs
    tokenizer: Tokenizing
    replies: Tokenizing
    """The same one where it is shared."""

    @property
    def reads(self) -> tuple[Port, ...]:
        source = Tokens(len(self.tokenizer.pieces), self.encoding.longest, self.tokenizer.controls.padding)
        said = Tokens(len(self.replies.pieces), self.encoding.reply, self.controls.padding)
        return Port("inputs", source), Port("before", said)

    @property
    def writes(self) -> tuple[Port, ...]:
        shared = self.replies is self.tokenizer
        return (Port("next", Reply(len(self.replies.pieces), self.encoding.reply, self.controls.padding, shared)),)

    @property
    def said(self) -> Tokenizing:
        """The tokenizer of what is said."""
        return self.replies

    @property
    def controls(self) -> Controls:
        """Of replies."""
        return self.replies.controls

    @cached_property
    def _bytes(self) -> np.ndarray:
        """int64 (A,): UTF-8 bytes of each token of a reply."""
        return np.array([len(piece) for piece in self.replies.pieces])

    def encode(self, rows: Rows) -> tuple[Batch, Faults]:
        """inputs int64 and mask bool (B, S). Where replies are there before and next int64, before_mask and bears bool (B, T),
        and bytes int64 (B,) of all that bears loss. An unknown character of a reply is read as unknown and bears no loss.

        A row without a text has a fault, and one without its reply another; both have their place."""
        names = rows.columns.columns
        require(rows.columns, [self.encoding.column], gone_since_training)
        found = self.read(rows.columns[self.encoding.column])
        batch: Batch = {"row": torch.from_numpy(rows.ids), **found}
        columns = [self.encoding.column, *([self.encoding.label] if self.encoding.label in names else [])]
        if len(columns) == 2:
            batch |= self._said(rows.columns[self.encoding.label])
        missing = ((name, blank_texts(as_text(rows.columns[name])).to_numpy()) for name in columns)
        return batch, joined([missing_faults(rows, name, gone) for name, gone in missing if gone.any()])

    def read(self, texts: pl.Series) -> Batch:
        """inputs and mask of these texts; of none, its end alone."""
        inputs, mask = side_by_side(_ended(self.tokenizer, texts, self.encoding.longest), self.tokenizer.controls)
        return {"inputs": inputs, "mask": mask}

    @property
    def first(self) -> int:
        """What stands before a reply."""
        return self.controls.before[-1] if self.controls.start is None else self.controls.start

    def _said(self, texts: pl.Series) -> Batch:
        there = ~blank_texts(as_text(texts)).to_numpy()
        follows, mask = side_by_side(_ended(self.replies, texts, self.encoding.reply), self.controls)
        padding, unknown = self.controls.padding or 0, self.controls.unknown
        before = torch.cat([torch.full_like(follows[:, :1], self.first), follows[:, :-1]], dim=1).where(mask, padding)
        bears = mask & (follows != (-1 if unknown is None else unknown)) & torch.from_numpy(there).unsqueeze(1)
        borne = (torch.from_numpy(self._bytes)[follows] * bears).sum(1)
        return {"before": before, "before_mask": mask, "next": follows, "bears": bears, "bytes": borne}

    def cut(self, rows: Rows) -> np.ndarray:
        """bool (N,): whose text is longer than what is read of it."""
        return _beyond(self.tokenizer, rows.columns[self.encoding.column], self.encoding.longest)

    def cut_replies(self, rows: Rows) -> np.ndarray:
        """bool (N,): whose reply is longer than what is learned of it."""
        return _beyond(self.replies, rows.columns[self.encoding.label], self.encoding.reply)

    def decode(self, outputs: Batch) -> pl.DataFrame:
        """answer: what is likeliest at each step, spelled; a reply that is said freely is said by models.generation."""
        said = (self.spell(row) for row in outputs["next"].argmax(-1).tolist())
        return pl.DataFrame({"answer": pl.Series(list(said), dtype=pl.String)})

    def decoder(self) -> Spelling:
        return Spelling(self.replies.pieces)

    def spell(self, tokens: list[int]) -> str:
        """A reply."""
        return _spelled(self.replies, tokens)

    def spell_read(self, tokens: list[int]) -> str:
        """A text as it is read."""
        return _spelled(self.tokenizer, tokens)

    def named(self, token: int) -> str:
        """One token of a reply as a person looks at it."""
        return named(token, self.replies)

    def named_read(self, token: int) -> str:
        """One token of a text."""
        return named(token, self.tokenizer)

    def repairs(self, rows: Rows) -> int:
        """Nothing is filled in."""
        return 0

    def state(self) -> State:
        kept = dict(self.tokenizer.files())
        if self.replies is not self.tokenizer:
            kept |= {REPLIES + name: text for name, text in self.replies.files().items()}
        return State({}, texts=kept)


def fit(encoding: Pairs, chunks: Callable[[], Iterator[Rows]]) -> Paired:
    """Refused: no such column, or no pair of texts in any training row."""

    def texts(*columns: str) -> Iterator[pl.Series]:
        for chunk in chunks():
            require(chunk.columns, [encoding.column, encoding.label], never_there)
            both = [as_text(chunk.columns[name]) for name in (encoding.column, encoding.label)]
            good = ~(blank_texts(both[0]) | blank_texts(both[1]))
            yield from (as_text(chunk.columns[name]).filter(good) for name in columns)

    if not any(map(len, texts(encoding.column))):
        facts = {"column": encoding.column, "label": encoding.label}
        raise Refused(say('No training row has a text both in "{column}" and in "{label}".', **facts))
    if encoding.replies is None:
        shared = with_end(tokenizing.fit(encoding.tokenizer, lambda: texts(encoding.column, encoding.label)))
        return Paired(replace(encoding, tokenizer=plain(encoding.tokenizer)), shared, shared)
    tokenizer = with_end(tokenizing.fit(encoding.tokenizer, lambda: texts(encoding.column)))
    replies = with_end(tokenizing.fit(encoding.replies, lambda: texts(encoding.label)))
    told = replace(encoding, tokenizer=plain(encoding.tokenizer), replies=plain(encoding.replies))
    return Paired(told, tokenizer, replies)


def load(encoding: Pairs, state: State) -> Paired:
    own = {name.removeprefix(REPLIES): text for name, text in state.texts.items() if name.startswith(REPLIES)}
    tokenizer = tokenizing.load(encoding.tokenizer, state.texts)
    replies = tokenizer if encoding.replies is None else tokenizing.load(encoding.replies, own)
    return Paired(encoding, tokenizer, replies)


def _ended(tokenizer: Tokenizing, texts: pl.Series, most: int) -> list[np.ndarray]:
    """For each text int64 (T,): its tokens and their end, `most` of them at most."""
    end = np.array(tokenizer.controls.end, np.int64)
    return [np.concatenate([tokens, end])[:most] for tokens in tokenizer.numbers(as_text(texts).fill_null(""))]


def _beyond(tokenizer: Tokenizing, texts: pl.Series, most: int) -> np.ndarray:
    return np.array([len(tokens) > most for tokens in _ended(tokenizer, texts, most + 1)], bool)


def side_by_side(found: list[np.ndarray], controls: Controls) -> tuple[Tensor, Tensor]:
    """int64 (T,) each -> int64 and bool (B, T), padded on the right."""
    lengths = np.array([len(tokens) for tokens in found], np.int64)
    mask = np.arange(lengths.max(initial=1)) < lengths[:, None]
    numbers = np.full(mask.shape, controls.padding or 0, np.int64)
    if found:
        numbers[mask] = np.concatenate(found)
    return torch.from_numpy(numbers), torch.from_numpy(mask)


def _spelled(tokenizer: Tokenizing, tokens: list[int]) -> str:
    spelling = Spelling(tokenizer.pieces)
    return "".join(map(spelling.push, tokens)) + spelling.finish()
