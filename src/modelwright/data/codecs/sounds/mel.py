"""Log-mel spectra of sounds, all frames of many sounds at once. B sounds, N samples, T frames, F bands. Knows no file.

The bands are Slaney's (Auditory Toolbox, 1998), as in librosa's default: triangles of equal area, whose centres lie evenly up
to 1 kHz and evenly in pitch above. A frame is a window of samples under Hann's curve; its power is |FFT|^2.
Computed in float64, and summed over the few bins of each band in their order: the same bits, whatever sounds are beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, cast

import numpy as np

from modelwright.nouns import Refused
from modelwright.wording import say

if TYPE_CHECKING:
    from scipy.sparse import csr_array

FLOOR = 1e-10
"""Power that counts as silence: about what the rounding of 16 bits sounds like."""
AT_ONCE = 4096
"""Frames that are transformed together."""
BREAK, EVEN = 1000.0, 200.0 / 3
"""Hz: where the scale turns from even to pitch, and the width of a mel below."""
STEP = np.log(6.4) / 27
"""The logarithm of the ratio between two mels above the break."""


@dataclass(frozen=True)
class Scale:
    """How sounds are looked at, in samples."""

    rate: int
    """Hz"""
    window: int
    hop: int
    mels: int

    @property
    def size(self) -> int:
        """Of the transform: the next power of two."""
        return 1 << (self.window - 1).bit_length()

    def frames(self, length: int) -> int:
        """T of a sound of so many samples: one at least, and every sample is in one."""
        return 1 + max(0, -(-(length - self.window) // self.hop))


def scale(rate: int, window: float, hop: float, mels: int) -> Scale:
    """From seconds. Refused: steps that leave samples out, or bands so narrow that some hear nothing."""
    if hop > window:
        facts = {"hop": hop, "window": window}
        told = say("codec.hop = {hop} is longer than codec.window = {window}: what lies between is not heard.", **facts)
        raise Refused(told)
    found = Scale(rate, max(2, round(window * rate)), max(1, round(hop * rate)), mels)
    deaf = int((~filters(found).any(axis=0)).sum())
    if deaf:
        told = say(
            "codec.mels = {mels} is too many for windows of {window} samples at {rate} Hz: {n} bands would hear nothing.",
            mels=mels, window=found.window, rate=f"{rate:,}", n=deaf,
        )  # fmt: skip
        raise Refused(told, say("Give fewer codec.mels, or a longer codec.window."))
    return found


def to_mel(hertz: np.ndarray) -> np.ndarray:
    above = BREAK / EVEN + np.log(np.maximum(hertz, BREAK) / BREAK) / STEP
    return np.where(hertz < BREAK, hertz / EVEN, above)


def to_hertz(mel: np.ndarray) -> np.ndarray:
    return np.where(mel < BREAK / EVEN, mel * EVEN, BREAK * np.exp(STEP * (mel - BREAK / EVEN)))


@lru_cache(maxsize=8)
def filters(scale: Scale) -> np.ndarray:
    """float64 (size / 2 + 1, F): how much each frequency counts in each band; the triangles have area 2 over Hz."""
    bins = np.arange(scale.size // 2 + 1)[:, None] * scale.rate / scale.size
    edges = to_hertz(np.linspace(0, to_mel(np.array(scale.rate / 2)), scale.mels + 2))
    low, centre, high = edges[:-2], edges[1:-1], edges[2:]
    rising, falling = (bins - low) / (centre - low), (high - bins) / (high - centre)
    return np.maximum(0, np.minimum(rising, falling)) * 2 / (high - low)


@lru_cache(maxsize=8)
def bands(scale: Scale) -> csr_array:
    """(F, size / 2 + 1): the filters, without their zeros. A dense product may round a row otherwise in another company."""
    from scipy.sparse import csr_array

    return csr_array(filters(scale).T)


@lru_cache(maxsize=8)
def curve(window: int) -> np.ndarray:
    """float64 (window,): Hann's, periodic."""
    return 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(window) / window)


def spectra(sounds: Sequence[np.ndarray], scale: Scale) -> tuple[np.ndarray, np.ndarray]:
    """The spectra of all sounds, one after the other: float64 (all T, F), natural logarithms; and the T of each, int64 (B,)."""
    counts = np.array([scale.frames(len(sound)) for sound in sounds], np.int64)
    found = np.empty((int(counts.sum()), scale.mels))
    frames = np.empty((min(AT_ONCE, len(found)), scale.window))
    waiting = done = 0
    for sound, count in zip(sounds, counts.tolist()):
        cut = _cut(sound, count, scale)
        while len(cut):
            some = cut[: len(frames) - waiting]
            frames[waiting : waiting + len(some)] = some
            waiting, cut = waiting + len(some), cut[len(some) :]
            if waiting == len(frames):
                found[done : done + waiting] = _transformed(frames, scale)
                done, waiting = done + waiting, 0
    found[done:] = _transformed(frames[:waiting], scale)
    return found, counts


def _cut(sound: np.ndarray, count: int, scale: Scale) -> np.ndarray:
    """(T, window): a view of the sound's frames; silence follows its end."""
    whole = (count - 1) * scale.hop + scale.window
    padded = np.concatenate([sound, np.zeros(whole - len(sound), sound.dtype)]) if whole > len(sound) else sound
    return np.lib.stride_tricks.sliding_window_view(padded, scale.window)[:: scale.hop]


def _transformed(frames: np.ndarray, scale: Scale) -> np.ndarray:
    """(n, window) -> (n, F)"""
    from scipy.fft import rfft

    lines = cast("np.ndarray", rfft(frames * curve(scale.window), scale.size, axis=1))
    power = np.ascontiguousarray((np.real(lines) ** 2 + np.imag(lines) ** 2).T)
    return np.log(np.maximum(bands(scale) @ power, FLOOR)).T
