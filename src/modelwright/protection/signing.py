"""A signature over an artifact's manifest and content digest: made, spelled, and read back strictly. Knows no folder.

What is signed is text that any tool can make again: "modelwright artifact 1", then the two digests, a line each.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256

from modelwright import vault
from modelwright.nouns import Refused
from modelwright.protection.keys import PublicKey, Signer
from modelwright.wording import say

FORMAT = 1
LARGEST = 4096
"""Bytes of a signature file."""
SHAPE = {"content": r"[0-9a-f]{64}", "key": r"ed25519:[0-9a-f]{32}", "manifest": r"[0-9a-f]{64}",
         "public": r"[0-9a-f]{64}", "signature": r"[0-9a-f]{128}"}  # fmt: skip


@dataclass(frozen=True)
class Signature:
    """Who signed what: the digests of the manifest and of the content, SHA-256 in hex."""

    public: PublicKey
    manifest: str
    content: str
    proof: bytes
    """64 bytes."""

    def spelled(self) -> bytes:
        told = {"content": self.content, "key": self.public.name, "manifest": self.manifest}
        told |= {"public": self.public.raw.hex(), "signature": self.proof.hex()}
        return (json.dumps({"format": FORMAT, **told}, indent=1) + "\n").encode()

    @property
    def holds(self) -> bool:
        return self.public.signed(self.proof, message(self.manifest, self.content))


def message(manifest: str, content: str) -> bytes:
    return f"modelwright artifact {FORMAT}\nmanifest {manifest}\ncontent {content}\n".encode()


def sign(signer: Signer, manifest: bytes, content: str) -> bytes:
    """The signature file of the artifact that has this manifest and this content digest."""
    digest = sha256(manifest).hexdigest()
    return Signature(signer.public, digest, content, signer.sign(message(digest, content))).spelled()


def stated(data: bytes, path: str) -> Signature:
    """What a signature file says, not yet believed. Refused unless spelled exactly as sign() does."""
    told = vault.read_json(data, path, LARGEST)
    found = _understood(told) if isinstance(told, Mapping) else None
    if found is None or found.spelled() != data:
        raise Refused(
            say("{path} is damaged, or not a signature that modelwright wrote.", path=path),
            say("Take the artifact from a copy, or remove that file to use it unsigned."),
        )
    return found


def _understood(told: Mapping[str, object]) -> Signature | None:
    """The fields, each of its own shape; None where one is not."""
    fields = {name: str(told.get(name, "")) for name in SHAPE}
    if not all(re.fullmatch(shape, fields[name]) for name, shape in SHAPE.items()):
        return None
    public = PublicKey(bytes.fromhex(fields["public"]))
    return Signature(public, fields["manifest"], fields["content"], bytes.fromhex(fields["signature"]))
