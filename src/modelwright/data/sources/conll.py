"""Sentences of a file in the shape of CoNLL's tasks: a word and its tags on each line, a blank line after each sentence."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from modelwright.data.sources.writings import Writing
from modelwright.data.splits import Given, Split, Stratified
from modelwright.nouns import Refused, Rows
from modelwright.wording import say

if TYPE_CHECKING:
    import polars as pl

BETWEEN_DOCUMENTS = "-DOCSTART-"
"""What CoNLL-2003 writes between documents: it is no sentence."""


@dataclass(frozen=True)
class Conll:
    """Columns: words and tags, each a list in JSON. On a line what stands between blanks are its fields; one that begins with
    "# " says something about a sentence and is none of its words."""

    path: Path
    test: Path | None = None
    """A second file whose sentences are the test part; then a column "part" says where a row is from."""
    word: int = 0
    """Which field is the word; below 0 from the end."""
    tag: int = -1
    """Which field is its tag."""
    encoding: Writing = "auto"
    split: Split = Stratified()
    """With test: given, unless something else is asked for."""

    def __post_init__(self) -> None:
        if self.test is not None and self.split == Stratified():
            object.__setattr__(self, "split", Given())

    def chunks(self, height: int = 65536) -> Iterator[Rows]:
        from modelwright.data.sources.numbering import joined_parts, numbered

        train = _frames(self, self.path, height)
        if self.test is None:
            return numbered(train, height, self.path)
        test = _frames(self, self.test, height)
        return numbered(joined_parts({"train": train, "test": test}, self.path), height, self.path)


def _frames(source: Conll, path: Path, height: int) -> Iterator[pl.DataFrame]:
    from itertools import islice

    import polars as pl

    found = _sentences(source, path)
    while some := list(islice(found, height)):
        told = [[json.dumps(side, ensure_ascii=False) for side in sentence] for sentence in some]
        yield pl.DataFrame(told, schema={"words": pl.String, "tags": pl.String}, orient="row")


def _sentences(source: Conll, path: Path) -> Iterator[tuple[list[str], list[str]]]:
    """Words and tags. Refused: a line that lacks a field."""
    from modelwright.data.sources.writings import lines

    words: list[str] = []
    tags: list[str] = []
    for place, line in enumerate(lines(path, source.encoding), 1):
        fields = line.split()
        if not fields or fields[0] == BETWEEN_DOCUMENTS:
            if words:
                yield words, tags
            words, tags = [], []
        elif not line.startswith("# "):
            try:
                word, tag = fields[source.word], fields[source.tag]
            except IndexError:
                raise Refused(*_short(source, path, place, len(fields))) from None
            words.append(word)
            tags.append(tag)
    if words:
        yield words, tags


def _short(source: Conll, path: Path, line: int, found: int) -> tuple[str, str]:
    facts = {"path": path, "line": f"{line:,}", "found": found, "word": source.word, "tag": source.tag}
    told = say("{path}, line {line}: of its {found} fields none is number {word} or {tag}, counted from 0.", **facts)
    return told, say("Say which fields hold the word and its tag:   [data]  word = 0   tag = -1")
