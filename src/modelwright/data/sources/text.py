"""Plain text: a file with a row per line, a folder of text files with a sub-folder for each label, or one of documents."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from modelwright.data.sources.writings import Writing
from modelwright.data.splits import Split, Stratified
from modelwright.nouns import Refused, Rows
from modelwright.wording import say

if TYPE_CHECKING:
    import polars as pl

ENDINGS = frozenset({".txt", ".text", ".md"})


@dataclass(frozen=True)
class Text:
    """Columns: text; of a folder also label and, where folders train and test come first, part. Blank lines are no rows. Of
    documents: text and file, the path within the folder."""

    path: Path
    encoding: Writing = "auto"
    documents: tuple[str, ...] = ()
    """Of a folder without labels: which of its files are a row each, as "*.txt", sub-folders too; "!notes*" leaves files out.
    Without it sub-folders are labels."""
    split: Split = Stratified()

    def chunks(self, height: int = 65536) -> Iterator[Rows]:
        from modelwright.data.sources.numbering import numbered

        if self.documents:
            frames = _documents(self)
        else:
            frames = _files(self, height) if self.path.is_dir() else _lines(self, height)
        return numbered(frames, height, self.path)


def _lines(source: Text, height: int) -> Iterator[pl.DataFrame]:
    from itertools import islice

    import polars as pl

    from modelwright.data.sources.writings import lines

    found = (line for line in lines(source.path, source.encoding) if line.strip())
    while some := list(islice(found, height)):
        yield pl.DataFrame({"text": some})


def _files(source: Text, height: int) -> Iterator[pl.DataFrame]:
    """A row per file."""
    import polars as pl

    from modelwright.data.sources.labelled import labelled
    from modelwright.data.sources.writings import text

    frame = labelled(source.path, ENDINGS, "file")
    if not frame.height:
        raise Refused(
            say(
                "{path} has no text files in its sub-folders: one folder for each label is needed, as praise/1.txt.",
                path=source.path,
            )
        )
    for some in frame.iter_slices(min(height, 4096)):
        texts = pl.Series("text", [text(Path(file), source.encoding) for file in some["file"]], dtype=pl.String)
        yield some.with_columns(texts).select("text", *some.columns[1:])


def _documents(source: Text) -> Iterator[pl.DataFrame]:
    """A row per file, in one order on every system. Refused: no folder, or no such file in it."""
    import polars as pl

    from modelwright.data.sources.choosing import chosen
    from modelwright.data.sources.writings import text

    for name in chosen(source.path, "documents", source.documents):
        yield pl.DataFrame({"text": [text(source.path / name, source.encoding)], "file": [name.as_posix()]})
