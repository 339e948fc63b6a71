"""The manifest of a folder: the size and SHA-256 of every file in it, in one spelling only."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from modelwright.nouns import Refused
from modelwright.vault.reading import read_json
from modelwright.wording import say

NAME = "manifest.json"
SIGNATURE = "signature.json"
"""The one other file that no manifest lists: it is made from the manifest."""
FORMAT = 1
LARGEST = 1 << 24
"""Bytes of a manifest: room for about 100,000 files."""
PLAIN = re.compile(r"(?!(?i:con|prn|aux|nul|com\d|lpt\d)(\.|$))[A-Za-z0-9]([A-Za-z0-9._-]{0,98}[A-Za-z0-9_-])?", re.ASCII)
"""File names that every system keeps as they are; none has a folder in it."""


@dataclass(frozen=True)
class Entry:
    size: int
    digest: str
    sealed: bool = False
    """Told here and not guessed from the bytes: a file in clear may begin with anything."""

    def plain(self) -> dict[str, Any]:
        return {"bytes": self.size, "sha256": self.digest, **({"sealed": True} if self.sealed else {})}


def digest(data: bytes) -> str:
    return sha256(data).hexdigest()


def spell(files: Mapping[str, bytes], sealed: bool = False) -> bytes:
    """The manifest of these files, as they lie there. ValueError for names that are not plain, or alike but for their case."""
    if not plain(files):
        raise ValueError(f"not plain, or alike but for their case: {sorted(files)}")
    return _spelled({name: Entry(len(data), digest(data), sealed) for name, data in files.items()})


def plain(names: Iterable[str]) -> bool:
    """Letters, digits, dots, dashes; no two alike but for their case, none the manifest's own or its signature's."""
    names = list(names)
    lowered = {name.lower() for name in names} | {NAME, SIGNATURE}
    return len(lowered) == len(names) + 2 and all(PLAIN.fullmatch(name) for name in names)


def understand(data: bytes, path: Path) -> dict[str, Entry]:
    """What a manifest lists. Refused unless spelled exactly as spell() does: no flipped bit in it goes unseen."""
    told = read_json(data, str(path), LARGEST)
    entries = _entries(told)
    if entries is None or not plain(entries) or _spelled(entries) != data:
        raise Refused(
            say("{path} is damaged, or not a manifest that modelwright wrote.", path=path),
            say("Make the folder again, or take it from a copy."),
        )
    return entries


def _spelled(entries: Mapping[str, Entry]) -> bytes:
    listed = {name: entries[name].plain() for name in sorted(entries)}
    return (json.dumps({"format": FORMAT, "files": listed}, indent=1) + "\n").encode()


def _entries(told: Any) -> dict[str, Entry] | None:
    try:
        files = told["files"].items()
        listed = {str(name): Entry(entry["bytes"], entry["sha256"], "sealed" in entry) for name, entry in files}
    except (AttributeError, KeyError, TypeError):
        return None
    sound = all(type(entry.size) is int and type(entry.digest) is str for entry in listed.values())
    return listed if sound else None
