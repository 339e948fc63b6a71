"""A GGUF file: what it says of its model, and its tensors, each made float32 when it is read. The library `gguf` reads it.

https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelwright.nouns import Refused
from modelwright.wording import say

if TYPE_CHECKING:
    from torch import Tensor

MAGIC = b"GGUF"
READ = ("F32", "F16", "BF16", "Q8_0", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q4_K", "Q5_K", "Q6_K")
"""Kinds of numbers that are read; files of Q4_K hold some tensors as Q5_K and Q6_K."""


@dataclass(frozen=True)
class Opened:
    file: Path
    reader: Any = field(repr=False)

    @cached_property
    def tensors(self) -> Mapping[str, Any]:
        return {tensor.name: tensor for tensor in self.reader.tensors}

    @property
    def said(self) -> list[str]:
        """The names of all that it says."""
        return list(self.reader.fields)

    def fact(self, name: str) -> Any:
        """None where it says nothing of that name. Refused: text that is none."""
        found = self.reader.fields.get(name)
        try:
            return None if found is None else found.contents()
        except ValueError as error:
            raise _damaged(self.file, f"{name}: {error}") from error

    def shape(self, name: str) -> tuple[int, ...]:
        return tuple(int(length) for length in reversed(self.tensors[name].shape))

    def numbers(self, name: str) -> str:
        """Which kind of numbers, as GGUF names it."""
        return str(self.tensors[name].tensor_type.name)

    def read(self, name: str) -> Tensor:
        """float32."""
        import gguf
        import numpy as np
        import torch

        tensor = self.tensors[name]
        found = gguf.quants.dequantize(tensor.data, tensor.tensor_type)
        return torch.from_numpy(np.array(found, np.float32, order="C").reshape(self.shape(name)))

    def digest(self) -> str:
        """SHA-256 of the file."""
        found = sha256()
        with self.file.open("rb") as file:
            while piece := file.read(1 << 22):
                found.update(piece)
        return found.hexdigest()


def opened(file: Path) -> Opened:
    """Refused: no GGUF, another version of it, cut short, or the library is not there."""
    _refuse_other(file)
    strict = _strict()
    try:
        return Opened(file, strict(file))
    except Exception as error:  # the library meets damage with whatever numpy raises
        raise _damaged(file, error) from error


def _damaged(file: Path, problem: object) -> Refused:
    told = say("{file} cannot be read ({problem}): it is cut short or damaged.", file=file, problem=problem)
    return Refused(told, say("Fetch it again."))


def _refuse_other(file: Path) -> None:
    with file.open("rb") as opened_file:
        found = opened_file.read(len(MAGIC))
    if found != MAGIC:
        raise Refused(say("{file} is not GGUF: such a file begins with the letters GGUF.", file=file))


def _strict() -> Any:
    """The library's reader, which past the end of a file would read nothing and say nothing."""
    try:
        import gguf
    except ImportError:
        raise Refused(say('{name} is not installed: pip install "modelwright[gguf]"', name="gguf")) from None
    import numpy as np

    class Strict(gguf.GGUFReader):
        def _get(self, offset: int, dtype: Any, count: Any = 1, override_order: Any = None) -> Any:
            end = int(offset) + np.dtype(dtype).itemsize * int(count)
            if end > len(self.data):
                raise ValueError(say("it ends at byte {size}, and byte {end} is asked for", size=len(self.data), end=end))
            return super()._get(offset, dtype, count, override_order)

    return Strict
