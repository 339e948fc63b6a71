"""A folder of recordings, a sub-folder for each label; or recordings without labels, to be answered. Rows hold paths."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from modelwright.data.splits import Split, Stratified
from modelwright.nouns import Refused, Rows
from modelwright.wording import say

if TYPE_CHECKING:
    import polars as pl

ENDINGS = frozenset({".wav", ".wave"})


@dataclass(frozen=True)
class Sounds:
    """Columns: sound (path), label (the sub-folder's name) and, where folders train and test come first, part.

    Of one file, or of a folder whose files lie in no sub-folder: sound alone."""

    path: Path
    split: Split = Stratified()

    def chunks(self, height: int = 65536) -> Iterator[Rows]:
        from modelwright.data.sources.numbering import numbered

        frame = _found(self.path)
        if not frame.height:
            told = say("{path} has no WAV files: one folder for each label is needed, as yes/1.wav.", path=self.path)
            raise Refused(told, say("Recordings end in: {endings}", endings=" ".join(sorted(ENDINGS))))
        return numbered([frame], height, self.path)


def _found(path: Path) -> pl.DataFrame:
    import polars as pl

    from modelwright.data.sources.labelled import labelled

    if path.is_file():
        return pl.DataFrame({"sound": [str(path)]})
    frame = labelled(path, ENDINGS, "sound")
    if frame.height:
        return frame
    files = sorted(entry for entry in path.iterdir() if entry.suffix.lower() in ENDINGS and not entry.name.startswith("."))
    return pl.DataFrame({"sound": [str(file) for file in files if file.is_file()]}, schema={"sound": pl.String})
