"""Who may ask a server that others can reach: each client has a key of 256 random bits, and only its SHA-256 is kept.

One file a client, in `clients/` of the configuration folder. A key is as random as its hash, so that a slow hash (argon2, made
for passwords) would only slow the server down.
"""

from __future__ import annotations

import hmac
import re
import secrets
import time
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from modelwright import vault
from modelwright.nouns import Refused
from modelwright.wording import say

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}", re.ASCII)
DIGEST = re.compile(rb"[0-9a-f]{64}")
PREFIX = "mw_"
"""So that a key that is found where it does not belong is known for what it is."""


def folder() -> Path:
    return vault.config_folder() / "clients"


def add(name: str) -> str:
    """The new client's key: nobody can ever read it again. Refused: a name that is no name, or that somebody has."""
    if not NAME.fullmatch(name):
        raise Refused(say("{name} is no name for a client: letters, digits, - and _ make one.", name=name))
    key = PREFIX + secrets.token_urlsafe(32)
    digest = _digest(key)
    path = folder() / name
    vault.put_secret(path, digest)
    if path.read_bytes() != digest:
        raise Refused(
            say("There is a client {name} already; its key cannot be shown again.", name=name),
            say("For a new key, first: modelwright keys drop-client {name}", name=name),
        )
    return key


def names() -> tuple[str, ...]:
    return tuple(sorted(_kept()))


def drop(name: str) -> None:
    """From now on this client is a stranger, to servers that run already too. Refused: there is none of that name."""
    if name not in _kept():
        known = ", ".join(names()) or say("none")
        raise Refused(say("There is no client {name}. There are: {names}.", name=name, names=known))
    vault.clear(folder(), [name])


def _digest(key: str) -> bytes:
    return sha256(key.encode()).hexdigest().encode()


def _kept() -> dict[str, bytes]:
    """Digests by name; a file that is none of ours is nobody's key."""
    if not folder().is_dir():
        return {}
    files = {file.name: file.read_bytes() for file in folder().iterdir() if NAME.fullmatch(file.name) and file.is_file()}
    return {name: digest for name, digest in files.items() if DIGEST.fullmatch(digest)}


@dataclass
class Clients:
    """The clients as they are now: a key that was added or dropped counts at once."""

    _changed: int = 0
    _looked: float = float("-inf")
    _kept: dict[str, bytes] = field(default_factory=dict[str, bytes], repr=False)

    def named(self, key: str) -> str | None:
        """Whose key it is. Every digest is compared, each in the same time, whatever was found before."""
        self._look()
        digest = _digest(key)
        found = [name for name, kept in self._kept.items() if hmac.compare_digest(kept, digest)]
        return found[0] if found else None

    def _look(self) -> None:
        """Again where the folder has changed, and every second: a file system's clock may be too coarse to tell."""
        now, changed = time.monotonic(), folder().stat().st_mtime_ns if folder().is_dir() else -1
        if changed != self._changed or now > self._looked + 1:
            self._changed, self._looked, self._kept = changed, now, _kept()
