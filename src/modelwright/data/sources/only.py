"""Rows that are kept by what a column says; those which are not keep their numbers to themselves. Light to import."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from modelwright.nouns import Bounds, Refused, Rows
from modelwright.wording import say

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True)
class Only:
    """Rows whose cell in a column is one of these words, to the letter. A word that no row says is refused: it is misspelt."""

    column: str
    words: tuple[str, ...]
    share: Annotated[float, Bounds(above=0, most=1)] = 1.0
    """Of these rows, about so many: which ones follows from their numbers alone."""

    def of(self, chunks: Iterable[Rows]) -> Iterator[Rows]:
        """The rows that are wanted, each with the number that it has in the whole source."""
        import polars as pl

        from modelwright.data.draws import draws

        unsaid, said = dict.fromkeys(self.words), dict[str, None]()
        for rows in chunks:
            cells = self._cells(rows.columns)
            for word in cells.unique(maintain_order=True).drop_nulls():
                said.setdefault(word)
                unsaid.pop(word, None)
            kept = cells.is_in(list(self.words)).fill_null(False)
            if self.share < 1:
                kept &= pl.Series(draws(rows.ids, "only") < self.share * 2.0**64)
            if kept.any():
                yield Rows(rows.ids[kept.to_numpy()], rows.columns.filter(kept))
        if unsaid or not self.words:
            facts = {"word": next(iter(unsaid), ""), "column": self.column, "said": ", ".join(list(said)[:10])}
            told = say('No row says "{word}" in the column "{column}", which data.only asks for. It says: {said}', **facts)
            raise Refused(told)

    def _cells(self, frame: pl.DataFrame) -> pl.Series:
        import polars as pl

        if self.column not in frame.columns:
            names = ", ".join(frame.columns[:30])
            told = say('data.only names a column "{column}" that the rows lack.', column=self.column)
            raise Refused(told, say("Columns: {columns}", columns=names))
        return frame[self.column].cast(pl.String)


def only(wanted: Only | None, chunks: Iterator[Rows]) -> Iterator[Rows]:
    """All rows where nothing is asked for."""
    return chunks if wanted is None else wanted.of(chunks)
