"""Rows handed over in Python: polars, pandas, NumPy arrays, a dict of columns or a list of dicts. Not in a recipe."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from modelwright.data.splits import Split, Stratified
from modelwright.nouns import Refused, Rows
from modelwright.wording import say

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True)
class Frame:
    """Columns keep their types; ids count rows from 0, whatever index pandas has."""

    table: Any = field(repr=False, compare=False)
    split: Split = Stratified()

    def chunks(self, height: int = 65536) -> Iterator[Rows]:
        from modelwright.data.sources.numbering import numbered

        return numbered([framed(self.table)], height, say("The table"))


def framed(table: Any) -> pl.DataFrame:
    """Anything with rows and columns, as polars. Refused: anything else."""
    import numpy as np
    import polars as pl

    try:
        match table:
            case pl.DataFrame():
                return table
            case pl.LazyFrame():
                return table.collect()
            case pl.Series():
                return table.to_frame()
            case np.ndarray():
                return _from_arrays({"x": table})
            case _ if type(table).__module__.partition(".")[0] == "pandas":
                return _from_pandas(table)
            case Mapping():
                return _from_columns(table)
            case Sequence() if table and all(isinstance(row, Mapping) for row in table):
                return pl.DataFrame([dict(row) for row in table], infer_schema_length=None, strict=False)
            case _:
                pass
    except (pl.exceptions.PolarsError, TypeError, ValueError) as error:
        raise Refused(
            say("These rows cannot be put in a table: {problem}", problem=(str(error) or type(error).__name__).splitlines()[0])
        ) from error
    told = say(
        "Rows in Python are a polars or pandas table, a NumPy array, a dict of columns or a list of dicts, not {type}.",
        type=type(table).__name__,
    )
    raise Refused(told)


def _from_columns(table: Mapping[Any, Any]) -> pl.DataFrame:
    """A dict of columns, each an array or a list; arrays of several axes as in Arrays."""
    import numpy as np
    import polars as pl

    arrays = {str(name): column for name, column in table.items()}
    if any(isinstance(column, np.ndarray) and column.ndim != 1 for column in arrays.values()):
        return _from_arrays({name: np.asarray(column) for name, column in arrays.items()})
    return pl.DataFrame({name: _series(name, column) for name, column in arrays.items()})


def _from_arrays(arrays: Mapping[str, Any]) -> pl.DataFrame:
    from modelwright.data.sources.arrays import framed as columns

    return columns(arrays, say("The table"))


def _from_pandas(table: Any) -> pl.DataFrame:
    """Column by column through NumPy, so that pyarrow need not be there; what pandas calls missing is null."""
    import polars as pl

    frame = table if table.ndim == 2 else table.to_frame()
    names = [str(name) for name in frame.columns]
    if len(set(names)) < len(names):
        raise Refused(say("The table has two columns of the same name."))
    return pl.DataFrame([_from_pandas_column(name, frame.iloc[:, place]) for place, name in enumerate(names)])


def _from_pandas_column(name: str, column: Any) -> pl.Series:
    if column.dtype.kind in "biuf" and isinstance(column.dtype, _numpy_dtype()):
        return _series(name, column.to_numpy())
    gone = column.isna().to_numpy()
    kind = column.dtype.kind
    values = [None if missing else value for missing, value in zip(gone, column.astype(object))]
    if kind == "M":
        values = [None if value is None else value.to_pydatetime() for value in values]
    elif not all(isinstance(value, (str, bytes, bool, int, float, type(None))) for value in values):
        values = [None if value is None else value.item() if isinstance(value, _numpy_scalar()) else value for value in values]
    return _series(name, values)


def _series(name: str, values: Any) -> pl.Series:
    """As polars makes it; a mixture of types becomes text. NaN among Python objects stays what it is."""
    import polars as pl

    if isinstance(values, pl.Series):
        return values.alias(name)
    try:
        made = pl.Series(name, values, strict=True)
    except (TypeError, pl.exceptions.PolarsError):
        return pl.Series(name, [None if value is None else str(value) for value in values], dtype=pl.String)
    if made.dtype == pl.Object:
        return pl.Series(name, [None if value is None or value != value else str(value) for value in values], dtype=pl.String)
    return made


def _numpy_dtype() -> type:
    import numpy as np

    return np.dtype


def _numpy_scalar() -> type:
    import numpy as np

    return np.generic
