"""rows.safetensors: which rows are in which part, by their ids, in few bytes. Knows no row.

Ids rise within a part and mostly by a few, so each part is kept as the steps from one to the next, in the smallest unsigned
numbers that hold them: a byte a row, where int64 takes eight. Ids that do not rise are kept as they are, int64, and so
are all ids of format 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from modelwright.nouns import PARTS, Part

if TYPE_CHECKING:
    import numpy as np


def members(rows: Mapping[Part, np.ndarray]) -> bytes:
    """The file's content; ids int64 (B,) by part."""
    from safetensors.numpy import save

    return save({str(part): _steps(ids) for part, ids in rows.items()})


def rows_of(content: bytes) -> dict[Part, np.ndarray]:
    """Ids int64 (B,) by part. ValueError: the content is not such a file."""
    import numpy as np
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        found = load(content)
    except SafetensorError as error:
        raise ValueError(f"rows.safetensors: {error}") from error
    return {part: _ids(found[part]) if found[part].dtype != np.int64 else found[part] for part in PARTS if part in found}


def _steps(ids: np.ndarray) -> np.ndarray:
    import numpy as np

    steps = np.diff(ids, prepend=0)
    if not len(ids) or steps.min() < 0:
        return ids
    return steps.astype(np.min_scalar_type(steps.max()))


def _ids(steps: np.ndarray) -> np.ndarray:
    import numpy as np

    return np.cumsum(steps, dtype=np.int64)
