"""Arrays of NumPy: .npz with a name for each array, or one .npy. Pickles are refused: they can run any code."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from modelwright.data.splits import Split, Stratified
from modelwright.nouns import Refused, Rows
from modelwright.wording import say

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

PARTED = re.compile(r"(.+)_(train|test|val|valid|validation)")


@dataclass(frozen=True)
class Arrays:
    """Axis 0 is the row. (N,) is a column of the array's name, (N, F) columns NAME_0, NAME_1 ..., bytes (N, H, W) and
    (N, H, W, 1 or 3) "picture". Names such as x_train and x_test make columns x and part."""

    path: Path
    split: Split = Stratified()

    def chunks(self, height: int = 65536) -> Iterator[Rows]:
        import polars as pl

        from modelwright.data.sources.numbering import numbered

        parts = _parts(load(self.path))
        frames = [
            framed(arrays, self.path).with_columns(*([pl.lit(part).alias("part")] if part else []))
            for part, arrays in parts.items()
        ]
        columns = frames[0].columns
        if any(frame.columns != columns for frame in frames):
            raise Refused(say("{path}: its parts do not have the same arrays.", path=self.path))
        return numbered(frames, height, self.path)


def load(path: Path) -> dict[str, np.ndarray]:
    """The arrays by name; of one .npy "x". Refused: a pickle, or no such file."""
    import zipfile

    import numpy as np

    from modelwright.data.sources.files import a_file

    try:
        with a_file(path).open("rb") as file:
            found = np.load(file, allow_pickle=False)
            return {"x": found} if isinstance(found, np.ndarray) else {name: found[name] for name in found.files}
    except (
        ValueError,
        OSError,
        EOFError,
        KeyError,
        zipfile.BadZipFile,
        NotImplementedError,
        SyntaxError,
        MemoryError,
    ) as error:
        if "Object arrays" in str(error) or _is_pickle(path):
            told = say("{path} holds pickled objects, which can run any code when read: refused.", path=path)
            raise Refused(told, say("Save numbers and texts as arrays of such, not of objects.")) from error
        foreign = "pickle" in str(error)  # so NumPy calls whatever it does not know
        problem = say("it is neither .npy nor .npz") if foreign else (str(error) or type(error).__name__).splitlines()[0]
        raise Refused(say("{path} cannot be read as arrays of NumPy: {problem}", path=path, problem=problem)) from error


def _is_pickle(path: Path) -> bool:
    """By its first byte."""
    with path.open("rb") as file:
        return file.read(1) == b"\x80"


def _parts(arrays: Mapping[str, np.ndarray]) -> dict[str, dict[str, np.ndarray]]:
    """By part, where all names tell one; else all under ""."""
    from modelwright.data.splits import SPELLINGS

    told = {name: PARTED.fullmatch(name) for name in arrays}
    if not all(told.values()):
        return {"": dict(arrays)}
    parts: dict[str, dict[str, np.ndarray]] = {}
    for name, match in told.items():
        if match:
            parts.setdefault(SPELLINGS[match[2]], {})[match[1]] = arrays[name]
    return parts


def framed(arrays: Mapping[str, np.ndarray], name: Path | str) -> pl.DataFrame:
    """Columns of arrays of the same length, as the class says. Refused: other shapes, or types that are no table's."""
    import polars as pl

    columns: list[pl.Series] = []
    heights = {len(array) if array.ndim else -1 for array in arrays.values()}
    if len(heights) != 1 or -1 in heights:
        shapes = ", ".join(f"{key} {array.shape}" for key, array in arrays.items()) or say("nothing")
        raise Refused(say("{path}: every array needs the same number of rows; there are: {shapes}", path=name, shapes=shapes))
    for key, array in arrays.items():
        columns += _columns(key, array, name)
    if len({column.name for column in columns}) < len(columns):
        raise Refused(say("{path}: two arrays make columns of the same name.", path=name))
    return pl.DataFrame(columns)


def _columns(key: str, array: np.ndarray, name: Path | str) -> list[pl.Series]:
    import numpy as np
    import polars as pl

    if array.dtype.kind not in "biufU":
        raise Refused(
            say(
                '{path}: array "{key}" is of type {dtype}, which is neither numbers nor texts.',
                path=name,
                key=key,
                dtype=array.dtype,
            )
        )
    array = array.astype(array.dtype.newbyteorder("=")) if array.dtype.kind != "U" else array.astype(object)
    if array.ndim == 1:
        return [pl.Series(key, array, dtype=pl.String if array.dtype == object else None)]
    if array.ndim == 2:
        return [pl.Series(f"{key}_{place}", np.ascontiguousarray(column)) for place, column in enumerate(array.T)]
    if array.dtype == np.uint8 and (array.ndim == 3 or (array.ndim == 4 and array.shape[3] in (1, 3))):
        picture = array if array.ndim == 3 else np.moveaxis(array, 3, 1)
        return [pl.Series("picture", np.ascontiguousarray(picture))]
    raise Refused(
        say('{path}: array "{key}" has the shape {shape}, which is no column.', path=name, key=key, shape=array.shape)
    )
