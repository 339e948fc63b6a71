"""One recording: a WAV file, as bytes or a path, to its samples as float32 between -1 and 1. Knows no table and no spectrum.

The file is judged by its heads before a sample is decoded: its size, its channels and rate, and that it is there to its end.
RIFF and WAVE: Microsoft and IBM, Multimedia Programming Interface, 1991; WAVE_FORMAT_EXTENSIBLE: Microsoft, 2001.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TypeAlias

import numpy as np
import polars as pl

from modelwright.data.codecs.sounds import LEAST_RATE, MOST_RATE
from modelwright.nouns import Refused
from modelwright.wording import say

Cell: TypeAlias = "bytes | str | None"

MOST_BYTES = 2**28
"""Of one file."""
MOST_CHANNELS = 32
MOST_PIECES = 1000
"""Chunks that are passed over in search of the samples."""
LOUDEST = 1e6
"""A float sample may lie beyond 1, but not where its square is no float32."""
INTEGER, FLOAT, EXTENSIBLE = 1, 3, 0xFFFE
WIDTHS = {INTEGER: (1, 2, 3, 4), FLOAT: (4, 8)}
"""Bytes of a sample."""
GUID = bytes.fromhex("000000001000800000aa00389b71")
"""How the coding of an extensible format goes on after its number."""
FINEST = 20_000
"""The denominator of a ratio of two rates; the error is 1 in 20,000 at most, a thousandth of a semitone."""
UNTOLD = 0xFFFFFFFF
"""The length that a program writes which cannot turn back: all that follows is sound."""
OTHERS = {b"fLaC": "FLAC", b"OggS": "Ogg", b"ID3": "MP3", b"\xff\xfb": "MP3", b"RIFX": "RIFX", b"RF64": "RF64", b"FORM": "AIFF"}


class RecordingError(Exception):
    """Says what is wrong with one recording."""


@dataclass(frozen=True)
class Head:
    """What a WAV file says of itself."""

    coding: int
    """INTEGER or FLOAT"""
    channels: int
    rate: int
    """Hz"""
    width: int
    """Bytes of a sample."""
    start: int
    """Where the samples begin in the file."""
    length: int
    """Samples of each channel."""


def cells(column: pl.Series) -> Sequence[Cell]:
    """The column's recordings one by one. Refused: a type that holds none."""
    if isinstance(column.dtype, (pl.Binary, pl.String, pl.Null)):
        return column.to_list()
    raise Refused(
        say('Column "{column}" holds {dtype}, not recordings: the bytes or the paths of WAV files are read.',
            column=column.name, dtype=str(column.dtype))
    )  # fmt: skip


def heard(cell: Cell, rate: int, longest: float) -> np.ndarray:
    """float32 (N,) at this rate, one channel, the first `longest` seconds. RecordingError: it cannot be read."""
    data = content(cell)
    found = head(data)
    beyond = int((longest + 0.1) * found.rate) + 1  # more than is kept, so that its end is resampled like any middle
    sound = samples(data, found, beyond)
    return resampled(sound, found.rate, rate)[: max(1, round(longest * rate))]


def content(cell: Cell) -> bytes:
    """The file's bytes. RecordingError: there are none, or too many."""
    if cell is None:
        raise RecordingError(say("there is none"))
    try:
        size = Path(cell).stat().st_size if isinstance(cell, str) else len(cell)
        if size > MOST_BYTES:
            raise RecordingError(say("{n} bytes are too many, the most is {most}", n=f"{size:,}", most=f"{MOST_BYTES:,}"))
        return Path(cell).read_bytes() if isinstance(cell, str) else cell
    except FileNotFoundError:
        raise RecordingError(say("there is no file {path}", path=cell)) from None
    except (OSError, ValueError) as error:  # ValueError: a null character in a path
        raise RecordingError(str(error)) from error


def head(data: bytes) -> Head:
    """Found by walking the chunks. RecordingError: no WAV file, one cut short, or one that nobody should decode."""
    if not data:
        raise RecordingError(say("it is empty"))
    if data[:4] != b"RIFF" or data[8:12] != b"WAVE":
        raise RecordingError(_no_wav(data))
    place, form = 12, None
    for _ in range(MOST_PIECES):
        if len(data) < place + 8:
            break
        name, size = struct.unpack_from("<4sI", data, place)
        place += 8
        if name == b"data":
            if form is None:
                raise RecordingError(say("its samples come before it says what they are"))
            return _measured(form, place, size, len(data))
        if name == b"fmt ":
            form = _form(data[place : place + size], size)
        place += size + size % 2
    raise RecordingError(say("it is cut short: its samples are not there"))


def _no_wav(data: bytes) -> str:
    other = next((name for start, name in OTHERS.items() if data.startswith(start)), None)
    return say("it is {other}, not WAV", other=other) if other else say("it is not a WAV file")


def _form(form: bytes, size: int) -> tuple[int, int, int, int]:
    """Coding, channels, rate and bytes of a sample, from the chunk "fmt "."""
    if len(form) < max(16, min(size, 40)):
        raise RecordingError(say("it is cut short: its samples are not there"))
    coding, channels, rate, _, block, bits = struct.unpack_from("<HHIIHH", form)
    if coding == EXTENSIBLE and len(form) >= 40 and form[26:40] == GUID:
        coding = struct.unpack_from("<H", form, 24)[0]
    if coding not in WIDTHS:
        raise RecordingError(
            say("its samples are coded in way {coding}; ways 1 (integers) and 3 (floats) are read", coding=coding)
        )
    if not 1 <= channels <= MOST_CHANNELS:
        raise RecordingError(say("{n} channels; 1 to {most} are read", n=channels, most=MOST_CHANNELS))
    if not LEAST_RATE <= rate <= MOST_RATE:
        told = say(
            "{n} samples a second; {least} to {most} are read", n=f"{rate:,}", least=f"{LEAST_RATE:,}", most=f"{MOST_RATE:,}"
        )
        raise RecordingError(told)
    width = -(-bits // 8)
    if width not in WIDTHS[coding] or block != width * channels:
        raise RecordingError(say("samples of {bits} bits in blocks of {block} bytes are not read", bits=bits, block=block))
    return coding, channels, rate, width


def _measured(form: tuple[int, int, int, int], start: int, size: int, end: int) -> Head:
    """With the samples that are really there."""
    coding, channels, rate, width = form
    size = end - start if size == UNTOLD else size
    if start + size > end:
        raise RecordingError(
            say("it is cut short: {there} of {size} bytes of sound are there", there=f"{end - start:,}", size=f"{size:,}")
        )
    length = size // (width * channels)
    if not length:
        raise RecordingError(say("there is no sound in it"))
    return Head(coding, channels, rate, width, start, length)


def samples(data: bytes, head: Head, most: int) -> np.ndarray:
    """float32 (N,), N at most `most`: the mean of the channels. RecordingError: a sample that is no number."""
    length = min(head.length, most)
    raw = np.frombuffer(data, np.uint8, length * head.channels * head.width, head.start)
    values = _floats(raw) if head.coding == FLOAT and head.width == 4 else _decoded(raw, head)
    return values.reshape(length, head.channels).mean(axis=1, dtype=np.float32)


def _floats(raw: np.ndarray) -> np.ndarray:
    return _sane(raw.view("<f4"))


def _sane(values: np.ndarray) -> np.ndarray:
    if not (np.abs(values) <= LOUDEST).all():  # NaN is not either
        raise RecordingError(say("a sample is no number between -1 and 1, nor near it"))
    return values


def _decoded(raw: np.ndarray, head: Head) -> np.ndarray:
    """float32; of integers the largest is just below 1, and those of 8 bits have their zero at 128."""
    if head.coding == FLOAT:
        return _sane(raw.view("<f8")).astype(np.float32)
    if head.width == 1:
        return (raw.astype(np.float32) - 128) / 128
    if head.width == 3:
        whole = np.zeros((len(raw) // 3, 4), np.uint8)
        whole[:, 1:] = raw.reshape(-1, 3)
        raw = whole.reshape(-1)
    width = 2 if head.width == 2 else 4
    return raw.view(f"<i{width}").astype(np.float32) / 2.0 ** (8 * width - 1)


def resampled(sound: np.ndarray, given: int, wanted: int) -> np.ndarray:
    """float32 (N,) at `wanted` Hz, by a polyphase filter. The oddest ratios are met nearly: their filters would be huge."""
    if given == wanted:
        return sound
    from scipy.signal import resample_poly

    ratio = Fraction(wanted, given).limit_denominator(FINEST)
    return resample_poly(sound, ratio.numerator, ratio.denominator).astype(np.float32)
