"""A sealed file: AES-256-GCM in chunks that can neither be changed, cut, added, swapped nor taken from another file.

header  "mwseal", 1, line break (8 bytes) · bytes of a chunk (4) · mark of the user's key (8) · nonce (12) · wrapped key (48)
chunk   that many bytes sealed, in the last one what is left (in an empty file none), and the tag (16)

A random key for each file seals its chunks; the user's key wraps that key. A chunk's nonce is its number (11 bytes) and whether
it is the last (1 byte), as in STREAM (Hoang, Reyhanitabar, Rogaway, Vizar, CRYPTO 2015). The header and the file's name are
associated data of every chunk, so no file is taken for another. HKDF-Expand (RFC 5869) makes the wrapping key and the mark.
"""

from __future__ import annotations

import hmac
import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from modelwright.nouns import Refused
from modelwright.wording import say

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

MAGIC = b"mwseal\x01\n"
CHUNK = 1 << 20
"""Bytes sealed at a time: large enough for the processor's full speed, small enough for its cache."""
TAG = 16
LAYOUT = struct.Struct(">8sI8s12s48s")
HEADER = LAYOUT.size
TOLD = 32
"""Bytes of the header that stand before the wrapped key, and are authenticated with it."""


@dataclass(frozen=True)
class Seal:
    """The user's key, ready to seal and unseal. It never shows itself."""

    key: bytes = field(repr=False)
    """32 bytes from a good source of chance."""

    def __post_init__(self) -> None:
        if len(self.key) != 32:
            raise ValueError("a key has 32 bytes")

    @property
    def mark(self) -> bytes:
        """8 bytes that tell keys apart and tell nothing of them."""
        return self._derived(b"modelwright mark 1")[:8]

    def wrapping(self) -> AESGCM:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        return AESGCM(self._derived(b"modelwright wrap 1"))

    def _derived(self, purpose: bytes) -> bytes:
        """HKDF-Expand to one block."""
        return hmac.digest(self.key, purpose + b"\x01", "sha256")


def is_sealed(data: bytes) -> bool:
    return data.startswith(MAGIC)


def close(data: bytes, name: str, seal: Seal, chunk: int = CHUNK) -> bytes:
    """The sealed file of these bytes. Never twice the same: its key and nonce are new each time."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    key, nonce = AESGCM.generate_key(256), os.urandom(12)
    told = MAGIC + struct.pack(">I", chunk) + seal.mark
    header = told + nonce + seal.wrapping().encrypt(nonce, key, _bound(told + nonce, name))
    cipher, bound, plain = AESGCM(key), _bound(header, name), memoryview(data)
    starts = range(0, max(len(data), 1), chunk)
    sealed = (cipher.encrypt(_nonce(n, n + 1 == len(starts)), plain[at : at + chunk], bound) for n, at in enumerate(starts))
    return b"".join((header, *sealed))


def refuse_unsealed(data: bytes, path: Path) -> None:
    """As far as can be seen without a key: it is long enough to be a sealed file, and begins like one."""
    if len(data) < HEADER + TAG or not is_sealed(data):
        raise _changed(path)


def open_(data: bytes, path: Path, seal: Seal) -> bytes:
    """The bytes that were sealed, all of them, or Refused: another key, or anything at all that is not as it was sealed."""
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    refuse_unsealed(data, path)
    _, chunk, mark, nonce, wrapped = LAYOUT.unpack_from(data)
    if mark != seal.mark:
        raise Refused(
            say("{path} is sealed with another key than the one given.", path=path),
            say("Name the key that it was sealed with. Without that key nobody can read it, nor can modelwright."),
        )
    try:
        cipher = AESGCM(seal.wrapping().decrypt(nonce, wrapped, _bound(data[:TOLD], path.name)))
        bound = _bound(data[:HEADER], path.name)
        return b"".join(cipher.decrypt(nonce, piece, bound) for nonce, piece in _pieces(data, chunk))
    except (InvalidTag, ValueError):
        raise _changed(path) from None


def _pieces(data: bytes, chunk: int) -> Iterator[tuple[bytes, memoryview]]:
    """Each chunk with the nonce that its place asks for."""
    sealed = memoryview(data)[HEADER:]
    starts = range(0, len(sealed), chunk + TAG)
    for number, at in enumerate(starts):
        yield _nonce(number, number + 1 == len(starts)), sealed[at : at + chunk + TAG]


def _nonce(number: int, last: bool) -> bytes:
    return number.to_bytes(11, "big") + bytes([last])


def _bound(header: bytes, name: str) -> bytes:
    return header + name.encode()


def _changed(path: Path) -> Refused:
    return Refused(
        say("{path} is not as it was sealed: changed, cut short, renamed or put together anew.", path=path),
        say("Nothing was read from it. Take it from a copy."),
    )
