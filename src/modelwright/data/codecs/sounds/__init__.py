"""Recordings as a recipe orders them. Knows no file and no spectrum; spectra.py does the work."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, TypeAlias

from modelwright.nouns import Bounds, Classes, Count, Positive, Rows, Series, State

if TYPE_CHECKING:
    from modelwright.data.codecs.sounds.spectra import Spectra

LEAST_RATE, MOST_RATE = 1_000, 384_000
"""Samples a second: below, nobody understands a word; above, nobody sells a converter."""
Rate: TypeAlias = Annotated[int, Bounds(least=LEAST_RATE, most=MOST_RATE)]
Moment: TypeAlias = Annotated[float, Bounds(least=0.001, most=1)]
"""Seconds, of one step."""


@dataclass(frozen=True)
class LogMel:
    """WAV files, as bytes or paths, to series of log-mel spectra: how loud each band of pitch is, step by step."""

    makes: ClassVar[tuple[type, ...]] = (Series,)

    label: str = "label"
    column: str = "sound"
    rate: Rate | None = None
    """Samples a second that every recording is brought to; None: the rate that most training recordings have."""
    window: Moment = 0.032
    """Seconds that one spectrum hears: 256 samples at 8 kHz, 512 at 16 kHz."""
    hop: Moment = 0.016
    """Seconds from one spectrum to the next."""
    mels: Count = 40
    """Bands, as wide as the ear's."""
    longest: Positive = 5.0
    """Seconds that are heard of a recording; what comes after is cut off."""
    output: Literal["softmax", "sigmoid"] = "softmax"

    @property
    def wants(self) -> type:
        return Classes

    def fit(self, chunks: Callable[[], Iterator[Rows]]) -> Spectra:
        from modelwright.data.codecs.sounds.spectra import fit

        return fit(self, chunks)

    def load(self, state: State) -> Spectra:
        from modelwright.data.codecs.sounds.spectra import load

        return load(self, state)
