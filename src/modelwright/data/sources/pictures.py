"""A folder of pictures, a sub-folder for each label. Rows hold paths; the codec opens them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from modelwright.data.splits import Split, Stratified
from modelwright.nouns import Refused, Rows
from modelwright.wording import say

ENDINGS = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm"})


@dataclass(frozen=True)
class Pictures:
    """Columns: picture (path), label (the sub-folder's name) and, where folders train and test come first, part."""

    path: Path
    split: Split = Stratified()

    def chunks(self, height: int = 65536) -> Iterator[Rows]:
        from modelwright.data.sources.labelled import labelled
        from modelwright.data.sources.numbering import numbered

        frame = labelled(self.path, ENDINGS, "picture")
        if not frame.height:
            told = say(
                "{path} has no pictures in its sub-folders: one folder for each label is needed, as cats/1.png.", path=self.path
            )
            raise Refused(told, say("Pictures end in: {endings}", endings=" ".join(sorted(ENDINGS))))
        return numbered([frame], height, self.path)
