"""Rows of a CSV or TSV file, plain or gzip; every column is text, an empty cell is null. Knows no type of column."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from modelwright.data.sources.only import Only, only
from modelwright.data.sources.writings import Writing
from modelwright.data.splits import Given, Split, Stratified
from modelwright.nouns import Refused, Rows, Whole
from modelwright.wording import say


@dataclass(frozen=True)
class CSV:
    """The first line names the columns. RFC 4180: cells with separators, quotes or line ends stand in double quotes."""

    path: Path
    test: Path | None = None
    """A second file whose rows are the test part; then a column "part" says where a row is from."""
    separator: str = "auto"
    """One character, "tab", or "auto": tab for .tsv and .tab, else what the header has most of , ; | and tab."""
    skip: Whole = 0
    """Lines right below the header that are no rows, as the two of Orange's .tab, which tell types and roles."""
    encoding: Writing = "auto"
    only: Only | None = None
    """Rows whose cell in a column is one of some words, as {column = "source", words = ["imdb"]}; null: all."""
    split: Split = Stratified()
    """With test: given, unless something else is asked for."""

    def __post_init__(self) -> None:
        if self.test is not None and self.split == Stratified():
            object.__setattr__(self, "split", Given())

    def chunks(self, height: int = 65536) -> Iterator[Rows]:
        from modelwright.data.sources.delimited import tables
        from modelwright.data.sources.numbering import joined_parts, numbered

        if self.separator not in ("auto", "tab") and (
            len(self.separator) != 1 or self.separator in '"\r\n' or not self.separator.isascii()
        ):
            raise Refused(
                say('separator = "{separator}": one character is needed, as "," or ";" or "tab".', separator=self.separator)
            )
        train = tables(self.path, self.separator, self.encoding, self.skip)
        if self.test is None:
            return only(self.only, numbered(train, height, self.path))
        test = tables(self.test, self.separator, self.encoding, self.skip)
        return only(self.only, numbered(joined_parts({"train": train, "test": test}, self.path), height, self.path))
