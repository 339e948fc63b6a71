"""Answers as a person wants them in a file: what was answered, how sure that is, and why where nothing was. N rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from modelwright.data.codecs.sentences import Sentences
from modelwright.data.codecs.tags.schemes import Scheme, entities
from modelwright.evaluation.answering import answer_rows
from modelwright.nouns import Answers, Codec, Rows, Tagged, Vector

if TYPE_CHECKING:
    import polars as pl
    from torch.nn import Module


def predicted(module: Module, codec: Codec, rows: Rows) -> pl.DataFrame:
    """Raw rows answered. The columns are the same for every piece of a file, whatever is at fault in it."""
    return told(answer_rows(module, codec, rows), codec, rows)


def told(answers: Answers, codec: Codec, rows: Rows) -> pl.DataFrame:
    """What was answered to these rows; of texts that are no pairs no likeness."""
    found = plain(answers)
    alone = isinstance(codec.encoding, Sentences) and codec.encoding.positive not in rows.columns.columns
    return found.drop("likeness") if alone else found


def plain(answers: Answers) -> pl.DataFrame:
    """row, answer, fault; of classes the answer's probability; of vectors how alike the two texts of a pair are, their cosine;
    of tags the words that bear them, and the entities that they spell."""
    import polars as pl

    frame = answers.frame
    if isinstance(answers.port.kind, Tagged):
        return _tagged(frame, answers.port.kind.scheme)
    told = [pl.col("row"), pl.col("answer")]
    if "chances" in frame.columns:
        told.append(pl.col("chances").arr.max().alias("probability"))
    if isinstance(answers.port.kind, Vector):
        told.append(pl.col("likeness"))
    return frame.select(*told, pl.col("fault"))


def _tagged(frame: pl.DataFrame, scheme: Scheme) -> pl.DataFrame:
    """words and answer are as long as one another; entities where the scheme spells any. A faulty row has neither."""
    import polars as pl

    given = frame["answer"].is_not_null()
    told = frame.select("row", pl.when(given).then("words").alias("words"), "answer", "fault")
    if scheme == "none":
        return told
    kind = pl.List(pl.Struct({"name": pl.String, "start": pl.Int64, "stop": pl.Int64, "words": pl.List(pl.String)}))
    pairs = zip(told["words"].to_list(), told["answer"].to_list())
    found = [None if tags is None else spelled(words or [], tags, scheme) for words, tags in pairs]
    return told.insert_column(3, pl.Series("entities", found, dtype=kind))


def spelled(words: Sequence[str], tags: Sequence[str | None], scheme: Scheme) -> list[dict[str, Any]]:
    """Entities in the order in which they stand; start and stop count words from 0, and stop is the first one after it."""
    found = sorted(entities(tags, scheme), key=lambda entity: entity[1])
    return [
        {"name": name, "start": start, "stop": stop, "words": list(words[start:stop])} for name, start, stop in found
    ]
