"""Texts that lie in one piece of memory, or in a mapped file, as a polars column without a copy. N texts.

By the Arrow C data interface (https://arrow.apache.org/docs/format/CDataInterface.html) and its capsules, which polars reads:
two structures of fixed layout that tell where the bytes lie. Nothing here knows files.
"""

from __future__ import annotations

import ctypes
from itertools import count
from typing import TYPE_CHECKING, Any

import polars as pl

if TYPE_CHECKING:
    import numpy as np

MAY_BE_NULL = 2
_numbers = count(1)
_lent: dict[int, Any] = {}
"""What polars still holds, by number: it may not go before it is released."""


class _Schema(ctypes.Structure):
    _fields_ = (
        ("format", ctypes.c_char_p), ("name", ctypes.c_char_p), ("metadata", ctypes.c_char_p), ("flags", ctypes.c_int64),
        ("n_children", ctypes.c_int64), ("children", ctypes.c_void_p), ("dictionary", ctypes.c_void_p),
        ("release", ctypes.c_void_p), ("private_data", ctypes.c_void_p),
    )  # fmt: skip


class _Array(ctypes.Structure):
    _fields_ = (
        ("length", ctypes.c_int64), ("null_count", ctypes.c_int64), ("offset", ctypes.c_int64), ("n_buffers", ctypes.c_int64),
        ("n_children", ctypes.c_int64), ("buffers", ctypes.POINTER(ctypes.c_void_p)), ("children", ctypes.c_void_p),
        ("dictionary", ctypes.c_void_p), ("release", ctypes.c_void_p), ("private_data", ctypes.c_void_p),
    )  # fmt: skip


@ctypes.CFUNCTYPE(None, ctypes.POINTER(_Schema))
def _release_schema(schema: Any) -> None:
    schema.contents.release = None


@ctypes.CFUNCTYPE(None, ctypes.POINTER(_Array))
def _release_array(array: Any) -> None:
    _lent.pop(array.contents.private_data, None)
    array.contents.release = None


class _Texts:
    """What polars asks for the two capsules."""

    def __init__(self, data: np.ndarray, ends: np.ndarray, there: np.ndarray | None) -> None:
        self.data, self.ends, self.there = data, ends, there

    def __arrow_c_array__(self, requested_schema: object = None) -> tuple[object, object]:
        number = next(_numbers)
        there = None if self.there is None else self.there.ctypes.data
        buffers = (ctypes.c_void_p * 3)(there, self.ends.ctypes.data, self.data.ctypes.data)
        self.schema = _Schema(b"U", b"", None, MAY_BE_NULL, 0, None, None, _address(_release_schema), None)
        nulls = 0 if there is None else -1  # to be counted
        self.array = _Array(len(self.ends) - 1, nulls, 0, 3, 0, buffers, None, None, _address(_release_array), number)
        _lent[number] = (self.data, self.ends, self.there, buffers)
        return _capsule(self.schema, b"arrow_schema"), _capsule(self.array, b"arrow_array")


def texts(name: str, data: np.ndarray, ends: np.ndarray, there: np.ndarray | None = None) -> pl.Series:
    """data uint8, UTF-8 that was checked: it is believed; ends int64 (N + 1,): where each text ends, from 0; there uint8, a bit
    for each text, the lowest first: 0 where there is none (None: all are there). All three must stay as they are."""
    made = _Texts(data, ends, there)
    return pl.Series(made).alias(name)


def _address(function: Any) -> int | None:
    return ctypes.cast(function, ctypes.c_void_p).value


def _capsule(structure: ctypes.Structure, name: bytes) -> object:
    new = ctypes.pythonapi.PyCapsule_New
    new.restype, new.argtypes = ctypes.py_object, [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]
    return new(ctypes.addressof(structure), name, None)
