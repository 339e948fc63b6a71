"""The fitted codec of texts with gaps: passages of token numbers, the rest of each to be read and its gaps to be said.

A text of n tokens becomes ceil(n / longest) passages. B passages, W tokens of one, S steps read, T steps said, N rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import polars as pl
import torch

from modelwright.data.codecs.cells import gone_since_training, missing_faults, never_there, no_faults, require
from modelwright.data.codecs.cells import texts as as_text
from modelwright.data.codecs.documents import plain
from modelwright.data.codecs.documents.passages import Spelling, blank_texts, named, with_end
from modelwright.data.codecs.pairs.paired import side_by_side
from modelwright.data.codecs.spans import Spans
from modelwright.data.codecs.spans.cutting import Cutting
from modelwright.data.codecs.tokens import tokenizing
from modelwright.data.codecs.tokens.tokenizing import Controls, Tokenizing
from modelwright.data.feed import own_ids
from modelwright.nouns import Batch, Faults, Gaps, Port, Refused, Rows, State, Tokens
from modelwright.wording import say


@dataclass(frozen=True)
class Gapped:
    encoding: Spans
    tokenizer: Tokenizing

    @property
    def controls(self) -> Controls:
        return self.tokenizer.controls

    @cached_property
    def alphabet(self) -> int:
        """The tokenizer's tokens, then a mark for each span that a passage may lose."""
        most = max(self.encoding.counts(tokens)[1] for tokens in range(1, self.encoding.longest + 1))
        return len(self.tokenizer.pieces) + most

    @property
    def reads(self) -> tuple[Port, ...]:
        padding, ends = self.controls.padding, len(self.controls.end)
        said = Tokens(self.alphabet, self._longest_reply, padding)
        return Port("inputs", Tokens(self.alphabet, self.encoding.longest + ends, padding)), Port("before", said)

    @property
    def writes(self) -> tuple[Port, ...]:
        return (Port("next", Gaps(self.alphabet, self._longest_reply, self.controls.padding)),)

    @cached_property
    def _longest_reply(self) -> int:
        sizes = (sum(self.encoding.counts(tokens)) for tokens in range(1, self.encoding.longest + 1))
        return max(sizes) + len(self.controls.end)

    @cached_property
    def hiding(self) -> Cutting:
        """What cuts spans out anew in each epoch."""
        pieces = self.tokenizer.pieces
        sizes = np.array([len(piece) for piece in pieces] + [0] * (self.alphabet - len(pieces)))
        return Cutting(self.encoding, self.controls, sizes, len(pieces))

    def encode(self, rows: Rows) -> tuple[Batch, Faults]:
        """whole int64 and whole_mask bool (B, W); row and place int64 (B,); and with the spans cut out that are whenever it is
        judged: inputs and mask (B, S), before, next, before_mask and bears (B, T), bytes (B,) of all that bears loss."""
        require(rows.columns, [self.encoding.column], gone_since_training)
        text = as_text(rows.columns[self.encoding.column])
        missing = blank_texts(text)
        found = self.tokenizer.numbers(text.filter(~missing))
        most = self.encoding.longest
        pieces = [tokens[start : start + most] for tokens in found for start in range(0, len(tokens), most)]
        counts = np.array([-(-len(tokens) // most) for tokens in found], np.int64)
        whole, mask = side_by_side(pieces, self.controls)
        number = np.arange(len(pieces)) - np.repeat(np.cumsum(counts) - counts, counts)
        batch = {
            "whole": whole, "whole_mask": mask, "place": torch.from_numpy(number * most),
            "row": torch.from_numpy(np.repeat(rows.ids[~missing.to_numpy()], counts)),
        }  # fmt: skip
        faults = missing_faults(rows, self.encoding.column, missing.to_numpy()) if missing.any() else no_faults()
        return self.hiding(batch, own_ids(batch), "judged"), faults

    def decode(self, outputs: Batch) -> pl.DataFrame:
        """answer: what is likeliest at each step, spelled."""
        said = (self.spell(row) for row in outputs["next"].argmax(-1).tolist())
        return pl.DataFrame({"answer": pl.Series(list(said), dtype=pl.String)})

    def spell(self, tokens: list[int]) -> str:
        spelling = Spelling(self.tokenizer.pieces)
        marks = len(self.tokenizer.pieces)
        return "".join(spelling.push(token) for token in tokens if token < marks) + spelling.finish()

    def named(self, token: int) -> str:
        """One token as a person looks at it: marks are counted from 0."""
        marks = len(self.tokenizer.pieces)
        return f"<{token - marks}>" if token >= marks else named(token, self.tokenizer)

    named_read = named

    def repairs(self, rows: Rows) -> int:
        """Nothing is filled in."""
        return 0

    def state(self) -> State:
        return State({}, texts=self.tokenizer.files())


def fit(encoding: Spans, chunks: Callable[[], Iterator[Rows]]) -> Gapped:
    """Refused: no such column, or no text in any training row."""

    def texts() -> Iterator[pl.Series]:
        for chunk in chunks():
            require(chunk.columns, [encoding.column], never_there)
            text = as_text(chunk.columns[encoding.column])
            yield text.filter(~blank_texts(text))

    tokenizer = with_end(tokenizing.fit(encoding.tokenizer, texts))
    if not any(map(len, texts())):
        raise Refused(say('No training row has a text in the column "{column}".', column=encoding.column))
    return Gapped(replace(encoding, tokenizer=plain(encoding.tokenizer)), tokenizer)


def load(encoding: Spans, state: State) -> Gapped:
    return Gapped(encoding, tokenizing.load(encoding.tokenizer, state.texts))
