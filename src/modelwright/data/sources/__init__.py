"""Where raw rows come from: one kind per format. Light to import; a file is opened when its rows are asked for."""

from typing import TypeAlias

from modelwright.data.sources.arrays import Arrays
from modelwright.data.sources.bundled import Bundled
from modelwright.data.sources.cifar10 import CIFAR10
from modelwright.data.sources.conll import Conll
from modelwright.data.sources.csv import CSV
from modelwright.data.sources.frame import Frame
from modelwright.data.sources.gettext import Gettext
from modelwright.data.sources.idx import IDX
from modelwright.data.sources.in_python import InPython
from modelwright.data.sources.json import JSON
from modelwright.data.sources.jsonl import JSONL
from modelwright.data.sources.parquet import Parquet
from modelwright.data.sources.pictures import Pictures
from modelwright.data.sources.sounds import Sounds
from modelwright.data.sources.text import Text

Source: TypeAlias = (
    CSV | JSON | JSONL | Parquet | Text | Conll | Gettext | Pictures | Sounds | IDX | CIFAR10 | Arrays | Bundled | InPython
)

__all__ = [
    "CIFAR10", "CSV", "IDX", "JSON", "JSONL", "Arrays", "Bundled", "Conll", "Frame", "Gettext", "InPython", "Parquet",
    "Pictures", "Sounds", "Source", "Text",
]  # fmt: skip
