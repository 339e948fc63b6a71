"""Public chance for many rows at once: a 64-bit number for each row id, the same on every machine and in every release."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelwright.data.chance import chance

if TYPE_CHECKING:
    import numpy as np


def draws(ids: np.ndarray, *address: int | str) -> np.ndarray:
    """uint64 (N,), evenly spread, of the address and each id alone: SplitMix64 (Steele, Lea, Flood 2014) from a keyed start."""
    import numpy as np

    state = ids.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(chance(*address))
    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return state ^ (state >> np.uint64(31))


def below(drawn: np.ndarray, most: int | np.ndarray) -> np.ndarray:
    """int64 (N,), 0 <= number < most, one for all or one for each, from draws; the bias is below most / 2**32."""
    import numpy as np

    return (((drawn >> np.uint64(32)) * np.asarray(most).astype(np.uint64)) >> np.uint64(32)).astype(np.int64)
