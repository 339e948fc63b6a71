"""Small data sets that come with scikit-learn, offline. Numbers stay numbers; the label is "target"."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from modelwright.data.splits import Split, Stratified
from modelwright.nouns import Rows


@dataclass(frozen=True)
class Bundled:
    """Classes by name ("setosa"), the digits "0" to "9"; of diabetes the target is a number."""

    name: Literal["digits", "iris", "wine", "breast_cancer", "diabetes"]
    split: Split = Stratified()

    def chunks(self, height: int = 65536) -> Iterator[Rows]:
        import polars as pl
        from sklearn import datasets

        from modelwright.data.sources.numbering import numbered

        bunch = getattr(datasets, f"load_{self.name}")()
        frame = pl.DataFrame(bunch.data, schema=[str(name) for name in bunch.feature_names], orient="row")
        target = bunch.target
        if "target_names" in bunch:
            target = [str(bunch.target_names[place]) for place in target]
        return numbered([frame.with_columns(pl.Series("target", target))], height, self.name)
