"""Tensors of a safetensors file, each read into its place while the file goes by: none lies in memory twice.

The library reads bytes that are whole in memory, or a file that it maps, whose pages count as held beside what is made of them.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from math import prod
from typing import TYPE_CHECKING, Any, TypeAlias

from modelwright import vault

if TYPE_CHECKING:
    import torch
    from torch import Tensor

Stored: TypeAlias = "Callable[[str, Tensor], Tensor]"
HEAD = struct.Struct("<Q")
LONGEST_HEAD = 100_000_000
"""Bytes, as the library has it."""


def tensors(pieces: vault.Pieces, stored: Stored = lambda name, weight: weight) -> dict[str, Tensor]:
    """By name, each as `stored` makes it before the next is read. ValueError or KeyError: no such file
    (https://huggingface.co/docs/safetensors), a gap or an overlap in it, or numbers of a kind that no weight has."""
    import torch

    (length,) = HEAD.unpack(pieces.take(HEAD.size))
    if length > LONGEST_HEAD:
        raise ValueError(f"a head of {length:,} bytes")
    told: dict[str, Any] = vault.read_json(pieces.take(length), "safetensors", LONGEST_HEAD)
    told.pop("__metadata__", None)
    found: dict[str, Tensor] = {}
    place, kinds = 0, _kinds()
    for name, facts in sorted(told.items(), key=lambda entry: tuple(entry[1]["data_offsets"])):
        dtype, shape, (start, end) = kinds[facts["dtype"]], _sizes(facts["shape"]), _sizes(facts["data_offsets"])
        if start != place or end - start != prod(shape) * dtype.itemsize or end - start > pieces.left:
            raise ValueError(f"{name} does not lie where the one before it ends")
        tensor = torch.empty(shape, dtype=dtype)
        pieces.fill(tensor.flatten().view(torch.uint8).numpy().data)
        found[name] = stored(name, tensor)
        place = end
    if pieces.left:
        raise ValueError(f"{pieces.left:,} bytes behind the last tensor")
    return {name: found[name] for name in sorted(found)}


def _sizes(told: Any) -> list[int]:
    if not isinstance(told, list) or not all(type(size) is int and size >= 0 for size in told):  # pyright: ignore
        raise ValueError(f"{told} is no list of sizes")
    return told  # pyright: ignore[reportUnknownVariableType]


def _kinds() -> dict[str, torch.dtype]:
    import torch

    return {
        "F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16, "I64": torch.int64,
        "I32": torch.int32, "I16": torch.int16, "I8": torch.int8, "U8": torch.uint8, "BOOL": torch.bool,
    }  # fmt: skip
