"""Whose weights lie in a folder: their name, licence and base as the card's head tells, the commit as the hub's cache does."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from modelwright import vault
from modelwright.nouns import Origin

CARD = 1 << 22
"""Bytes of a card that are read."""
HEAD = re.compile(r"\A---\s*\n(.*?)\n---\s*(?:\n|\Z)", re.DOTALL)
CACHED = re.compile(r"models--(.+)")
HUB = re.compile(r"[\w-][\w.-]*/[\w.-]+")
"""A name in the hub: whose, then what."""
COMMIT = re.compile(r"[0-9a-f]{40}")
SHOWN = 200
"""Characters that are kept of what a card says."""


def origin(folder: Path, config: Mapping[str, Any], digest: str) -> Origin:
    name, revision = cached(folder)
    said = head(folder)
    before = str(config.get("_name_or_path") or "")
    base = said.get("base_model") or (before if HUB.fullmatch(before) else "")
    licence = said.get("license") or said.get("license_name") or ""
    return Origin(
        model=name or folder.resolve().name, format="huggingface", digest=digest, licence=licence, revision=revision,
        base="" if base == name else base,
    )  # fmt: skip


def cached(folder: Path) -> tuple[str, str]:
    """The name and the commit of a snapshot in the hub's cache: models--org--name/snapshots/COMMIT; else nothing."""
    place = folder.absolute()
    named = CACHED.fullmatch(place.parent.parent.name)
    if place.parent.name != "snapshots" or not named or not COMMIT.fullmatch(place.name):
        return "", ""
    return named[1].replace("--", "/"), place.name


def head(folder: Path) -> dict[str, str]:
    """The plain lines of the card's head (YAML between two ---): of a list its first entry."""
    file = folder / "README.md"
    if not file.is_file() or file.stat().st_size > CARD:
        return {}
    found = HEAD.match(vault.read_bytes(file, CARD).decode("utf-8", "replace"))
    lines = found[1].split("\n") if found else []
    said: dict[str, str] = {}
    for line, after in zip(lines, [*lines[1:], ""]):
        key, colon, value = line.partition(":")
        if not colon or not re.fullmatch(r"[a-z_]+", key):
            continue
        value = value.strip() or (after.strip().removeprefix("-") if after.strip().startswith("-") else "")
        said[key] = value.strip().strip("'\"")[:SHOWN]
    return said
