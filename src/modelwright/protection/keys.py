"""Ed25519 keys: the user's own, made at its first use, and the public halves by which others know it.

Keys lie in `keys/` of the configuration folder as PEM, the spelling that every other tool reads (RFC 5958, RFC 8410).
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from modelwright import vault
from modelwright.nouns import Refused
from modelwright.wording import say

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

LARGEST = 1 << 14
"""Bytes of a key file."""
NAME = re.compile(r"ed25519:[0-9a-f]{32}")
"""128 bits of the SHA-256 of the public key: too many for anyone to make another key of the same name."""


@dataclass(frozen=True)
class PublicKey:
    """The half that everybody may know."""

    raw: bytes
    """32 bytes (RFC 8032)."""

    @property
    def name(self) -> str:
        return f"ed25519:{sha256(self.raw).hexdigest()[:32]}"

    @property
    def short(self) -> str:
        """For the eye: enough to tell one's own keys apart, too little to trust by."""
        return self.name[:16]

    def pem(self) -> bytes:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

        key = Ed25519PublicKey.from_public_bytes(self.raw)
        return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    def signed(self, signature: bytes, message: bytes) -> bool:
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

        try:
            Ed25519PublicKey.from_public_bytes(self.raw).verify(signature, message)
        except (InvalidSignature, ValueError):
            return False
        return True


@dataclass(frozen=True)
class Signer:
    """A private key that is ready to sign. It never shows itself."""

    private: Ed25519PrivateKey = field(repr=False)

    @property
    def public(self) -> PublicKey:
        return PublicKey(self.private.public_key().public_bytes_raw())

    def sign(self, message: bytes) -> bytes:
        return self.private.sign(message)


def keys_folder() -> Path:
    return vault.config_folder() / "keys"


def own_path() -> Path:
    return keys_folder() / "signing.pem"


def own_key() -> Signer:
    """The user's own key; made here and now where there is none yet. Refused: unreadable, not ours, or open to others."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    path = own_path()
    if not path.exists():
        fresh = Ed25519PrivateKey.generate()
        vault.put_secret(path, fresh.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return _read_private(path)


def export() -> PublicKey | None:
    """The public half of the user's key; None where no key was made yet."""
    return _read_private(own_path()).public if own_path().exists() else None


def _read_private(path: Path) -> Signer:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    if sys.platform != "win32" and path.stat().st_mode & 0o077:
        raise Refused(
            say("{path} may be read by others on this machine: a key must be its owner's alone.", path=path),
            say("Run: chmod 600 {path}", path=path),
        )
    try:
        private = load_pem_private_key(vault.read_bytes(path, LARGEST), password=None)
    except (ValueError, TypeError):  # its words are not repeated: they might quote the file
        private = None
    if not isinstance(private, Ed25519PrivateKey):
        raise Refused(
            say("{path} is no Ed25519 private key: it is damaged, or cut short.", path=path),
            say("Put it back from a copy, or move it away: a new key is made at the next signing."),
        )
    return Signer(private)


def read_public(path: Path) -> PublicKey:
    """The public key in this file. Refused: not there, a private key, cut short, of another kind."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    data = vault.read_bytes(path, LARGEST)
    if b"PRIVATE KEY" in data:
        raise Refused(
            say("{path} is a private key: it must never leave its owner.", path=path),
            say("Its owner gives you the public half with: modelwright keys export -o FILE"),
        )
    try:
        key = load_pem_public_key(data)
    except ValueError:
        key = None
    if not isinstance(key, Ed25519PublicKey):
        raise Refused(
            say("{path} is no Ed25519 public key: it is damaged, cut short, or of another kind.", path=path),
            say("A public key is written with: modelwright keys export -o FILE"),
        )
    return PublicKey(key.public_bytes_raw())

