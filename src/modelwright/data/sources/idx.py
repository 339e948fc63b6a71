"""Pictures and labels in the IDX files of MNIST and its kin, raw or gzip. Format: yann.lecun.com/exdb/mnist.

A file is two zero bytes, 8 for unsigned bytes, the number of axes, each axis as 4 bytes, high first, then the bytes themselves.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from modelwright.data.splits import Given, Split
from modelwright.nouns import Part, Refused, Rows
from modelwright.wording import say

if TYPE_CHECKING:
    import polars as pl

PARTS: dict[Part, str] = {"train": "train", "test": "t10k"}
"""How the files of a part begin."""


@dataclass(frozen=True)
class IDX:
    """A folder with train-images, train-labels and, to judge with, t10k-images and t10k-labels.

    Columns: picture Array(UInt8, (H, W)), label "0" to "255", part."""

    path: Path
    split: Split = Given()

    def chunks(self, height: int = 65536) -> Iterator[Rows]:
        from modelwright.data.sources.numbering import joined_parts, numbered

        parts: dict[Part, Iterator[pl.DataFrame]] = {
            part: frames(self.path, start, height)
            for part, start in PARTS.items()
            if start == "train" or found(self.path, start, "images")
        }
        return numbered(joined_parts(parts, self.path), height, self.path)


def found(folder: Path, part: str, what: str) -> Path | None:
    """The file of this part, by any of the names it goes by: train-images-idx3-ubyte, train-images.idx3-ubyte.gz ..."""
    from modelwright.data.sources.files import a_folder

    return next(
        (file for file in sorted(a_folder(folder).iterdir()) if file.name.startswith(f"{part}-{what}") and file.is_file()), None
    )


def frames(folder: Path, part: str, height: int) -> Iterator[pl.DataFrame]:
    """picture and label of one part. Refused: a file is not there, is no such IDX, or holds more or less than it says."""
    import numpy as np
    import polars as pl

    from modelwright.data.sources.files import opened

    images, labels = (_needed(folder, part, what) for what in ("images", "labels"))
    with opened(images) as pictures, opened(labels) as names:
        count, *shape = _shape(pictures, images, 3)
        (labelled,) = _shape(names, labels, 1)
        if labelled != count:
            told = say(
                "{images} holds {count} pictures, but {labels} {labelled} labels.",
                images=images,
                labels=labels,
                count=count,
                labelled=labelled,
            )
            raise Refused(told)
        for start in range(0, count, height):
            rows = min(height, count - start)
            taken = np.frombuffer(_exactly(pictures, rows * prod(shape), images), np.uint8).reshape(rows, *shape)
            label = np.frombuffer(_exactly(names, rows, labels), np.uint8)
            yield pl.DataFrame({"picture": taken, "label": pl.Series(label).cast(pl.String)})
        for file, path in ((pictures, images), (names, labels)):
            if file.read(1):
                raise Refused(
                    say("{path} goes on after the {count} items that its head announces.", path=path, count=f"{count:,}")
                )


def _needed(folder: Path, part: str, what: str) -> Path:
    from modelwright.data.sources.files import listed

    file = found(folder, part, what)
    if file is None:
        names = sorted(entry.name for entry in folder.iterdir())
        told = say(
            "{folder} has no {part}-{what}-idx... file. In it: {names}",
            folder=folder,
            part=part,
            what=what,
            names=listed(names) or say("nothing"),
        )
        raise Refused(told)
    return file


def _shape(file: BinaryIO, path: Path, axes: int) -> list[int]:
    head = file.read(4 + 4 * axes)
    if head[:4] != bytes((0, 0, 8, axes)) or len(head) < 4 + 4 * axes:
        told = say(
            "{path} is no IDX file of unsigned bytes with {axes} axes: it begins with {head}.",
            path=path,
            axes=axes,
            head=head[:4].hex(" "),
        )
        raise Refused(told)
    shape = [int.from_bytes(head[start : start + 4], "big") for start in range(4, len(head), 4)]
    if not all(shape) or prod(shape[1:]) > 1 << 26:
        raise Refused(say("{path} says that it holds {shape}, which cannot be.", path=path, shape=" x ".join(map(str, shape))))
    return shape


def _exactly(file: BinaryIO, size: int, path: Path) -> bytes:
    data = file.read(size)
    if len(data) != size:
        raise Refused(say("{path} is cut short: it ends before the items that its head announces. Fetch it again.", path=path))
    return data
