"""Spoken digits as WAV files in folders of labels, from their npz (arrays audio, lengths and labels of int16 at 8 kHz).

python scripts/spoken_digits.py spoken_digits.npz data/spoken_digits
"""

from __future__ import annotations

import sys
import wave
from pathlib import Path

import numpy as np

RATE = 8000
"""Hz"""


def unpack(archive: Path, folder: Path) -> int:
    """folder/7/0012.wav is recording 12 of the archive, a seven; how many were written."""
    with np.load(archive, allow_pickle=False) as arrays:
        sounds = np.split(arrays["audio"], np.cumsum(arrays["lengths"])[:-1])
        labels = arrays["labels"].tolist()
    for place, (sound, label) in enumerate(zip(sounds, labels)):
        inner = folder / str(label)
        inner.mkdir(parents=True, exist_ok=True)
        with wave.open(str(inner / f"{place:04}.wav"), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(RATE)
            file.writeframes(sound.astype("<i2").tobytes())
    return len(sounds)


if __name__ == "__main__":
    sys.stdout.write(f"{unpack(Path(sys.argv[1]), Path(sys.argv[2])):,} recordings\n")
