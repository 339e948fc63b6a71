"""The miniature of a recipe: the same life, of few rows and few steps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, get_args

from modelwright.data import Encoding
from modelwright.data.codecs import Documents
from modelwright.data.findings import Name
from modelwright.nouns import PARTS, Part, Rows
from modelwright.recipe import Recipe

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

ROWS = 600
"""In all: enough for a part of each kind and for a promise to be judged, few enough for seconds."""
EPOCHS = 3


def miniature(recipe: Recipe) -> Recipe:
    """The recipe with few short epochs and a snapshot after each; what only the whole data can show is let pass."""
    order = recipe.training
    few = order.batch if order.batch == "all" else min(order.batch, ROWS // 8)
    short = replace(order, epochs=EPOCHS, batch=few, snapshot_every=0.0, stopping=None)
    return replace(recipe, training=short, check=replace(recipe.check, accept=get_args(Name)))


def few_rows(rows: Rows, parts: Mapping[Part, np.ndarray], label: str | None) -> pl.DataFrame:
    """Some rows of every class from every part, as a table; all of a small one."""
    import numpy as np

    if len(rows) <= ROWS:
        return rows.columns
    picked: list[np.ndarray] = []
    for part in PARTS:
        share = max(1, ROWS * len(parts[part]) // len(rows)) if part == "train" else ROWS // 6
        picked.append(_alike(rows, parts[part], label, share))
    return rows.take(np.sort(np.concatenate(picked))).columns


def shortened(table: pl.DataFrame, codec: Encoding) -> pl.DataFrame:
    """Documents of two passages or so; other rows as they are."""
    import polars as pl

    if not isinstance(codec, Documents) or codec.column not in table.columns:
        return table
    return table.with_columns(pl.col(codec.column).cast(pl.String).str.head(2 * codec.longest))


def _alike(rows: Rows, positions: np.ndarray, label: str | None, most: int) -> np.ndarray:
    """So many of these positions, the classes in turn; of amounts, evenly spread."""
    import numpy as np
    import polars as pl

    from modelwright.data.reading import evenly

    told = None if label is None or label not in rows.columns.columns else rows.columns[label][positions].cast(pl.String)
    if told is None or told.n_unique() > most // 2:
        return evenly(positions, most)
    turn = pl.DataFrame({"class": told}).with_columns(pl.int_range(pl.len()).over("class").alias("turn"))["turn"].to_numpy()
    return positions[np.sort(np.argsort(turn, kind="stable")[:most])]
