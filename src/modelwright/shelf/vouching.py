"""What an artifact holds, and whose word stands for it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

from modelwright import protection, vault
from modelwright.shelf.label import read_label, refuse_incomplete

ABOUT = frozenset({"made_by", "story", "tolerance"})
"""What the label tells about the making and not about the model: who, when, how fast, how exact on this machine."""


def content(files: Mapping[str, bytes], folder: Path) -> str:
    """SHA-256, in hex, of what the artifact holds: weights, codec, row ids and label. Times, versions and the card are not
    content, nor is the recipe as ordered: the same data, kinds and weights have the same digest wherever they were made."""
    held = {key: value for key, value in read_label(files, folder).items() if key not in ABOUT}
    held["fingerprints"] = {**held.get("fingerprints", {}), "recipe": ""}
    digests = {name: sha256(data).hexdigest() for name, data in files.items() if name not in ("label.json", "README.md")}
    spelled = json.dumps({"label": held, "files": digests}, sort_keys=True, ensure_ascii=False)
    return sha256(spelled.encode()).hexdigest()


def sign(folder: Path, signer: protection.Signer) -> None:
    """Signs what lies in the folder, after checking every byte of it."""
    held = content(vault.take_folder(folder), folder)
    manifest, _ = vault.attested(folder)
    vault.attest(folder, protection.sign(signer, manifest, held))


def standing(folder: Path, asked: str | None = None) -> tuple[str, protection.Standing]:
    """The content digest, and what the signature is worth. Refused: it does not fit, or is not of the signer asked for."""
    held = content(vault.take_folder(folder), folder)
    manifest, signature = vault.attested(folder)
    return held, protection.judge(signature, manifest, held, folder, asked)


def closed(folder: Path) -> bool:
    """Whether an artifact lies there sealed, by its manifest, and nobody has handed over a key."""
    return not vault.key_at_hand() and vault.tells_of_seals(folder)


def standing_outside(folder: Path, asked: str | None = None) -> protection.Standing:
    """What a sealed artifact is worth to somebody who has not its key, after checking every byte of it as it lies there: that
    of the signature over the manifest. The content digest that was signed with it is compared with nothing."""
    refuse_incomplete(vault.survey(folder), folder)
    manifest, signature = vault.attested(folder)
    return protection.judge(signature, manifest, None, folder, asked)
