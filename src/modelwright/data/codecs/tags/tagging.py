"""The fitted codec of tags: lists of words to token numbers int64 (B, T), a word's tag at its first token. B rows, T time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import polars as pl
import torch

from modelwright.data.codecs.cells import blank_texts, faults, gone_since_training, joined, missing_faults, never_there, require
from modelwright.data.codecs.cells import texts as as_text
from modelwright.data.codecs.documents import plain
from modelwright.data.codecs.documents.passages import named
from modelwright.data.codecs.tags import Tags
from modelwright.data.codecs.tags.schemes import OUTSIDE, Words, words_of, wrong
from modelwright.data.codecs.tokens import tokenizing
from modelwright.data.codecs.tokens.tokenizing import Controls, Tokenizing
from modelwright.nouns import Batch, Faults, Port, Refused, Rows, State, Tagged, Tokens
from modelwright.wording import say


@dataclass(frozen=True)
class Tagging:
    encoding: Tags
    tokenizer: Tokenizing
    names: tuple[str, ...]
    """Of the tags of training rows, O first."""
    places: int
    """Tokens that the model could read: encoding.longest, or more where it began with the weights of another."""

    @property
    def reads(self) -> tuple[Port, ...]:
        return (Port("inputs", Tokens(len(self.tokenizer.pieces), self.places, self.controls.padding)),)

    @property
    def writes(self) -> tuple[Port, ...]:
        return (Port("tags", Tagged(self.names, self.encoding.scheme)),)

    @property
    def controls(self) -> Controls:
        return self.tokenizer.controls

    @cached_property
    def _numbers(self) -> dict[str, int]:
        return {name: number for number, name in enumerate(self.names)}

    @cached_property
    def _is_space(self) -> np.ndarray:
        """bool (A,): tokens that spell nothing but white space."""
        return np.array([bool(piece) and not piece.strip() for piece in self.tokenizer.pieces])

    def encode(self, rows: Rows) -> tuple[Batch, Faults]:
        """inputs int64 and mask bool (B, T), bears bool (B, T) at the first token of each word that is read, count int64 (B,)
        of all words. Where tags are there tags int64 (B, T), 0 where nothing bears loss.

        A row at fault has its place and no word."""
        words, told = self.words(rows)
        laid = self._laid(words)
        batch: Batch = {"row": torch.from_numpy(rows.ids), **laid}
        if self.encoding.label not in rows.columns.columns:
            return batch, told
        tags, more = self.tags(rows, words)
        numbers = torch.zeros_like(laid["inputs"])
        known = [[self._numbers.get(tag, 0) for tag in some] for some in tags]
        read = laid["bears"].sum(1).tolist()
        right = torch.tensor([len(some) == len(each) for some, each in zip(known, words, strict=True)]).unsqueeze(1)
        flat = [number for some, each, n in zip(known, words, read) if len(some) == len(each) for number in some[:n]]
        numbers[laid["bears"] & right] = torch.tensor(flat, dtype=torch.int64)
        return {**batch, "tags": numbers}, joined([told, more])

    def words(self, rows: Rows) -> tuple[list[Words], Faults]:
        """Of each row, none where it is at fault."""
        column = self.encoding.column
        require(rows.columns, [column], gone_since_training)
        found, told = _lists(rows, column)
        empty = [next((place for place, word in enumerate(some) if not word.strip()), -1) for some in found]
        bad = {place: say("Word {n} is empty.", n=f"{word + 1:,}") for place, word in enumerate(empty) if word >= 0}
        return [() if place in bad else some for place, some in enumerate(found)], joined([told, _told(rows, column, bad)])

    def tags(self, rows: Rows, words: Sequence[Words]) -> tuple[list[Words], Faults]:
        """As they stand in the rows, none where they are at fault: of another number than the words, not of the scheme, or in
        no training row. A row whose words are at fault is not told twice."""
        found, told = _lists(rows, self.encoding.label)
        bad = {place: fault for place, fault in enumerate(map(self._fault, words, found)) if fault}
        missing = set(told["row"].to_list())
        bad = {place: fault for place, fault in bad.items() if words[place] and rows.ids[place] not in missing}
        return found, joined([told, _told(rows, self.encoding.label, bad)])

    def _fault(self, words: Words, tags: Words) -> str:
        if len(words) != len(tags):
            return say("{words} words and {tags} tags: each word needs one.", words=f"{len(words):,}", tags=f"{len(tags):,}")
        strange = next((tag for tag in tags if tag not in self._numbers), None)
        if told := wrong(tags, self.encoding.scheme):
            return told
        return "" if strange is None else say('The tag "{tag}" is in no training row.', tag=strange[:40])

    def cut(self, rows: Rows) -> np.ndarray:
        """bool (N,): of which rows not every token is read."""
        found, _ = self.words(rows)
        return np.array([sum(map(len, some)) > self._own for some in self._pieces(found)], bool)

    def decode(self, outputs: Batch) -> pl.DataFrame:
        """answer: the likeliest tag of each step that bears loss, all rows together."""
        return pl.DataFrame({"answer": [self.names[number] for number in outputs["tags"].argmax(-1).tolist()]})

    def named(self, token: int) -> str:
        """One token as a person looks at it."""
        return named(token, self.tokenizer)

    def repairs(self, rows: Rows) -> int:
        """Nothing is filled in."""
        return 0

    def state(self) -> State:
        return State({"names": list(self.names), "places": self.places}, texts=self.tokenizer.files())

    @property
    def _own(self) -> int:
        """Tokens of the words themselves that are read."""
        return max(0, self.encoding.longest - len(self.controls.begin) - len(self.controls.end))

    def _laid(self, words: Sequence[Words]) -> Batch:
        begin, end, own = self.controls.begin, self.controls.end, self._own
        rows: list[np.ndarray] = []
        firsts: list[np.ndarray] = []
        for pieces in self._pieces(words):
            starts = np.cumsum([0, *map(len, pieces)])[:-1] + [self._first(piece) for piece in pieces]
            whole = np.concatenate([np.array(begin, np.int64), *pieces])[: len(begin) + own]
            rows.append(np.concatenate([whole, np.array(end, np.int64)])[: self.encoding.longest])
            firsts.append(len(begin) + starts[starts < own].astype(np.int64))
        real = np.array([len(row) for row in rows], np.int64)
        mask = np.arange(real.max(initial=1)) < real[:, None]
        inputs, bears = np.full(mask.shape, self.controls.padding or 0, np.int64), np.zeros(mask.shape, bool)
        for place, (row, first) in enumerate(zip(rows, firsts)):
            inputs[place, : len(row)], bears[place, first] = row, True
        count = np.array([len(some) for some in words], np.int64)
        columns = {"inputs": inputs, "mask": mask, "bears": bears, "count": count}
        return {name: torch.from_numpy(column) for name, column in columns.items()}

    def _first(self, pieces: np.ndarray) -> int:
        """Where the word itself begins: what stands between words may be a token of its own."""
        return int(np.argmin(self._is_space[pieces]))

    def _pieces(self, words: Sequence[Words]) -> list[list[np.ndarray]]:
        """Of each row the tokens of each word, those of what stands before it too; of a word without any the unknown one."""
        spelled = [[word if not place else self.encoding.between + word for place, word in enumerate(some)] for some in words]
        different = list(dict.fromkeys(text for some in spelled for text in some))
        found = self.tokenizer.numbers(pl.Series(different, dtype=pl.String))
        nothing = np.array([self.controls.unknown or self.controls.padding or 0], np.int64)
        known = {text: numbers if len(numbers) else nothing for text, numbers in zip(different, found, strict=True)}
        return [[known[text] for text in some] for some in spelled]


def fit(encoding: Tags, chunks: Callable[[], Iterator[Rows]]) -> Tagging:
    """The tokenizer of the texts, and the tags' names, of training rows. Refused: no such column, or no row with a tag for each
    word."""
    names: set[str] = set()

    def texts() -> Iterator[pl.Series]:
        for chunk in chunks():
            require(chunk.columns, [encoding.column, encoding.label], never_there)
            words, tags = (_lists(chunk, name)[0] for name in (encoding.column, encoding.label))
            good = [place for place, (one, other) in enumerate(zip(words, tags)) if one and len(one) == len(other)]
            names.update(tag for place in good if not wrong(tags[place], encoding.scheme) for tag in tags[place])
            yield pl.Series([encoding.between.join(words[place]) for place in good], dtype=pl.String)

    found = any(len(some) for some in list(texts()))
    if not found or not names:
        facts = {"column": encoding.column, "label": encoding.label, "scheme": encoding.scheme}
        told = say('No training row has words in "{column}" and in "{label}" a tag of {scheme} for each.', **facts)
        raise Refused(told, say('Of tags that spell no entities say so:   [codec]  scheme = "none"'))
    tokenizer = tokenizing.fit(encoding.tokenizer, texts)
    first = [OUTSIDE] if encoding.scheme != "none" else []
    ordered = (*first, *sorted(names - set(first)))
    return Tagging(replace(encoding, tokenizer=plain(encoding.tokenizer)), tokenizer, ordered, encoding.longest)


def load(encoding: Tags, state: State) -> Tagging:
    tokenizer = tokenizing.load(encoding.tokenizer, state.texts)
    return Tagging(encoding, tokenizer, tuple(state.facts["names"]), state.facts["places"])


def _lists(rows: Rows, column: str) -> tuple[list[Words], Faults]:
    """Of each cell the texts of its list; none where there is no list, which is told."""
    cells = as_text(rows.columns[column])
    missing = blank_texts(cells).to_numpy()
    found = [words_of(cell) if cell is not None else None for cell in cells]
    no_list = np.array([some is None for some in found], bool) & ~missing
    told = faults(rows.ids[no_list], column, say('This is no list of texts in JSON, as ["one", "two"].'))
    return [some or () for some in found], joined([missing_faults(rows, column, missing), told])


def _told(rows: Rows, column: str, bad: dict[int, str]) -> Faults:
    return joined([faults(rows.ids[[place]], column, told) for place, told in bad.items()])
