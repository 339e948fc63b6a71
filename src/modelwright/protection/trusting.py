"""Whom this user trusts: a folder of public keys, and what it says of a signature."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Literal

from modelwright import vault
from modelwright.nouns import Refused
from modelwright.protection.keys import NAME, PublicKey, export, keys_folder, read_public
from modelwright.protection.signing import Signature, stated
from modelwright.wording import say


@dataclass(frozen=True)
class Standing:
    """What a signature is worth to this user."""

    who: Literal["nobody", "own", "trusted", "named", "unknown"]
    """nobody: not signed. named: the signer that was asked for."""
    key: str = ""

    @property
    def sentence(self) -> str:
        words = {
            "nobody": say("not signed: nobody's word stands for it"),
            "own": say("signed with your key {key}", key=self.key),
            "trusted": say("signed with {key}, which you trust", key=self.key),
            "named": say("signed with {key}, the signer you named", key=self.key),
            "unknown": say("intact, signer unknown: {key}; trust a key with: modelwright keys trust FILE", key=self.key),
        }
        return words[self.who]


def trust(path: Path) -> PublicKey:
    """From now on signatures of the public key in this file are trusted."""
    key = read_public(path)
    vault.put_file(_trusted_folder() / f"{key.name.partition(':')[2]}.pem", key.pem())
    return key


def known_keys() -> dict[str, Literal["own", "trusted"]]:
    """The names of all keys whose signatures this user trusts. Refused: a file in the store that is no public key."""
    found: dict[str, Literal["own", "trusted"]] = {}
    if _trusted_folder().is_dir():
        found = {read_public(path).name: "trusted" for path in sorted(_trusted_folder().glob("*.pem"))}
    try:
        own = export()
    except Refused:  # whoever only checks needs no key of his own
        own = None
    return found if own is None else {own.name: "own", **{name: how for name, how in found.items() if name != own.name}}


def judge(signature: bytes | None, manifest: bytes, content: str | None, where: Path, asked: str | None = None) -> Standing:
    """What the signature of the artifact in `where` is worth. asked: a file or a name, and only that signer will do. content:
    its digest; None where nobody could open it, and then that part of what was signed is not compared.

    Refused: it does not fit this manifest and content, or is not of the signer asked for."""
    wanted = None if asked is None else _named(asked)
    if signature is None:
        if wanted is not None:
            raise Refused(say("{path} is not signed, and a signature of {key} was asked for.", path=where, key=wanted))
        return Standing("nobody")
    path = f"{where}/signature.json"
    found = stated(signature, path)
    _refuse_wrong(found, manifest, content, path)
    name = found.public.name
    if wanted is not None:
        if name != wanted:
            raise Refused(say("{path} is signed by {key}, not by {wanted}.", path=where, key=name, wanted=wanted))
        return Standing("named", name)
    return Standing(known_keys().get(name, "unknown"), name)


def _refuse_wrong(found: Signature, manifest: bytes, content: str | None, path: str) -> None:
    again = say("Do not use this artifact: ask whoever made it for a new copy.")
    if not found.holds:
        raise Refused(say("{path} is forged or damaged: {key} did not sign it.", path=path, key=found.public.name), again)
    if found.manifest != sha256(manifest).hexdigest() or content not in (None, found.content):
        other = say("{path} is the signature of another artifact, or of this one before it was changed.", path=path)
        raise Refused(other, again)


def _named(asked: str) -> str:
    """A key's full name, from that name or from its file."""
    if not asked.startswith("ed25519:"):
        return read_public(Path(asked)).name
    if not NAME.fullmatch(asked):
        raise Refused(
            say("{name} is not the whole name of a key: others could make a key that begins so.", name=asked),
            say("Give all 32 signs after ed25519:, as modelwright keys list shows them, or the file of the public key."),
        )
    return asked


def _trusted_folder() -> Path:
    return keys_folder() / "trusted"
