"""CIFAR-10, the binary version (cs.toronto.edu/~kriz/cifar.html): records of a label byte and 3 x 32 x 32 bytes of picture."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from modelwright.data.splits import Given, Split
from modelwright.nouns import Part, Refused, Rows
from modelwright.wording import say

if TYPE_CHECKING:
    import polars as pl

NAMES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
SHAPE = (3, 32, 32)
RECORD = 1 + 3 * 32 * 32
FILES: dict[Part, str] = {"train": "data_batch_*.bin", "test": "test_batch.bin"}


@dataclass(frozen=True)
class CIFAR10:
    """A folder with data_batch_1.bin ... and, to judge with, test_batch.bin.

    Columns: picture Array(UInt8, (3, 32, 32)), label by name, part."""

    path: Path
    split: Split = Given()

    def chunks(self, height: int = 65536) -> Iterator[Rows]:
        from modelwright.data.sources.files import a_folder, listed
        from modelwright.data.sources.numbering import joined_parts, numbered

        found: dict[Part, list[Path]] = {part: sorted(a_folder(self.path).glob(pattern)) for part, pattern in FILES.items()}
        if not found["train"]:
            names = listed(sorted(entry.name for entry in self.path.iterdir())) or say("nothing")
            raise Refused(
                say(
                    "{path} has no data_batch_1.bin, which the binary version of CIFAR-10 has. In it: {names}",
                    path=self.path,
                    names=names,
                )
            )
        parts: dict[Part, Iterator[pl.DataFrame]] = {part: frames(files, height) for part, files in found.items() if files}
        return numbered(joined_parts(parts, self.path), height, self.path)


def frames(files: Sequence[Path], height: int) -> Iterator[pl.DataFrame]:
    """picture and label of these files. Refused: a broken record, or a label above 9."""
    import numpy as np
    import polars as pl

    from modelwright.data.sources.files import blocks

    for path in files:
        for block in blocks(path, height * RECORD):
            if len(block) % RECORD:
                raise Refused(
                    say("{path} is no whole number of records of {size} bytes: fetch it again.", path=path, size=f"{RECORD:,}")
                )
            records = np.frombuffer(block, np.uint8).reshape(-1, RECORD)
            if (worst := int(records[:, 0].max())) >= len(NAMES):
                raise Refused(say("{path} has a label {label}; CIFAR-10 has 0 to 9.", path=path, label=worst))
            pictures = np.ascontiguousarray(records[:, 1:]).reshape(-1, *SHAPE)
            yield pl.DataFrame({"picture": pictures, "label": pl.Series(NAMES).gather(records[:, 0])})
