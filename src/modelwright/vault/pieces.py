"""A file's bytes from the first to the last, each read once: what is made of them need not lie beside them."""

from __future__ import annotations

from hashlib import sha256
from typing import BinaryIO

BLOCK = 1 << 20
"""Bytes that are read at a time where nobody wants them."""


class Pieces:
    """The first `size` bytes of an open file; what they digest to is known at the end."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self.left = size
        self._file, self._found = file, sha256()

    def fill(self, room: memoryview) -> None:
        """The next bytes, as many as there is room for. ValueError: there are fewer."""
        if len(room) > self.left:
            raise ValueError(f"{len(room)} bytes are wanted and {self.left} are left")
        while len(room):
            count = self._file.readinto(room)  # pyright: ignore[reportAttributeAccessIssue]
            if not count:
                raise ValueError("the file ends before its last byte")
            self._found.update(room[:count])
            self.left -= count
            room = room[count:]

    def take(self, count: int) -> bytes:
        """The next bytes. ValueError: there are fewer."""
        if count > self.left:
            raise ValueError(f"{count} bytes are wanted and {self.left} are left")
        room = bytearray(count)
        self.fill(memoryview(room))
        return bytes(room)

    def rest(self) -> str:
        """SHA-256, in hex, over all that was read, those that are left and nobody wanted among it, as far as there are any."""
        while block := self._file.read(min(BLOCK, self.left)):
            self._found.update(block)
            self.left -= len(block)
        return self._found.hexdigest()
