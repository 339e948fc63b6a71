"""Rows: where they come from, how they are parted, judged, encoded and fed. Light to import; every verb loads what it needs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, cast

from modelwright.data.augmentation import Augmentation
from modelwright.data.chance import chance
from modelwright.data.codecs import Columns, Encoding
from modelwright.data.encoded import encode_all, first_fault, without
from modelwright.data.feed import Feed, batches
from modelwright.data.findings import Check, Finding, Findings
from modelwright.data.packing import packed
from modelwright.data.sources import Frame, Source
from modelwright.data.splits import Split
from modelwright.data.unlabelled import became, counted, examples, refuse_going_on, refuse_unlabelled
from modelwright.nouns import Batch, Codec, Gaps, Hidden, Part, Rows
from modelwright.nouns import Source as AnySource

if TYPE_CHECKING:
    import numpy as np

    from modelwright.data.codecs.documents.masking import Hiding
    from modelwright.data.codecs.documents.passages import Passages
    from modelwright.data.codecs.spans.cutting import Cutting
    from modelwright.data.codecs.spans.gapped import Gapped

__all__ = [
    "Augmentation",
    "Check",
    "Columns",
    "Encoding",
    "Feed",
    "Finding",
    "Findings",
    "Frame",
    "Source",
    "Split",
    "batches",
    "became",
    "chance",
    "check",
    "chunks",
    "columns",
    "counted",
    "distinct",
    "encode_all",
    "examples",
    "fingerprint",
    "first_fault",
    "from_path",
    "hiding",
    "late_findings",
    "mapped",
    "packed",
    "passages",
    "plainly",
    "read",
    "refuse_going_on",
    "refuse_unlabelled",
    "source_bytes",
    "split",
    "tells_rows",
    "without",
]  # fmt: skip


def from_path(path: Path) -> Source:
    """The source that a file or folder is, by its ending or by what lies in it. Refused where neither tells."""
    from modelwright.data.sources.finding import from_path

    return from_path(path)


def plainly(rows: Rows, encoding: Columns) -> Rows:
    """The rows with a point before the decimals, as the codec of columns reads them."""
    from modelwright.data.codecs.columns.decimals import plainly

    return plainly(rows, encoding)


def tells_rows(path: Path) -> bool:
    """Whether a word on the command line means rows: a folder, or a file by its ending."""
    from modelwright.data.sources.finding import tells_rows

    return tells_rows(path)


def read(source: AnySource) -> Rows:
    """All rows in memory, ids ascending. Refused where the source cannot be read as a whole."""
    from modelwright.data.reading import read

    return read(source)


def source_bytes(source: AnySource) -> int:
    """Of the files that a source is read from; 0 where it has none."""
    from modelwright.data.mapping import source_bytes

    return source_bytes(source)


def mapped(source: AnySource, told: Callable[[int, int], None]) -> Rows | None:
    """All rows, their texts in files of the cache; None where a column is not text. told: bytes done, of how many."""
    from modelwright.data.mapping import mapped

    return mapped(source, told)


def passages(
    codec: Passages, rows: Rows, positions: np.ndarray, told: Callable[[int, int], None], data: str | None = None
) -> tuple[Batch, int]:
    """Documents as they are learned from, and how many were dropped. told: spans done, of how many. data: the fingerprint of
    all rows, where the tensors are to lie in files of the cache."""
    from modelwright.data.shards import in_memory, on_disk

    return in_memory(codec, rows, positions, told) if data is None else on_disk(codec, rows, positions, data, told)


def columns(source: AnySource) -> tuple[str, ...]:
    """The names of a source's columns."""
    from modelwright.data.reading import columns

    return columns(source)


def chunks(rows: Rows, positions: np.ndarray) -> Callable[[], Iterator[Rows]]:
    """The rows at these positions, some at a time and as often as they are asked for."""
    from modelwright.data.reading import chunks

    return chunks(rows, positions)


def split(rule: Split, rows: Rows, label: str | None, seed: int, classes: bool = True) -> dict[Part, np.ndarray]:
    """Positions of each part, int64 and ascending; classes: labels are those, or amounts, and no texts. Refused: no such
    column, or no row to learn from or to judge with."""
    from modelwright.data.parting import split

    return split(rule, rows, label, seed, classes)


def distinct(rows: Rows, encoding: Encoding, order: Check) -> tuple[Rows, Finding | None]:
    """The rows without those that say the same, or nearly, as one before them, where that is ordered; and how many went."""
    from modelwright.data.near_twins import distinct

    return distinct(rows, encoding, order)


def check(rows: Rows, parts: Mapping[Part, np.ndarray], encoding: Encoding, order: Check | None = None) -> Findings:
    """What is wrong with the rows or worth knowing, grave findings first."""
    from modelwright.data.checking import check

    return check(rows, parts, encoding, order or Check())


def late_findings(rows: Rows, codec: Codec) -> Findings:
    """What no check could tell before the codec was fitted."""
    from modelwright.data.overlong import faulty_finding, late_finding

    found = (faulty_finding(rows, codec), late_finding(rows, codec))
    return tuple(one for one in found if one is not None)


def hiding(codec: Codec) -> Hiding | Cutting | None:
    """What hides tokens or cuts them out anew in each epoch, where a model learns to find them."""
    return cast("Passages | Gapped", codec).hiding if issubclass(codec.encoding.wants, (Hidden, Gaps)) else None


def fingerprint(rows: Rows) -> str:
    """SHA-256 of all that the rows say, wherever they lie."""
    from modelwright.data.content import fingerprint

    return fingerprint(rows)
