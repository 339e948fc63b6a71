"""Whether a folder is what its manifest says: names, sizes, digests, and nothing that is no plain file."""

from __future__ import annotations

import stat
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TypeVar

from modelwright.nouns import Refused
from modelwright.vault import disk, manifest
from modelwright.vault.pieces import Pieces
from modelwright.vault.refusals import reading
from modelwright.wording import say

Made = TypeVar("Made")
UNLISTED = frozenset({manifest.NAME, manifest.SIGNATURE})
"""What may lie there though no manifest lists it."""


def checked(folder: Path, most: int) -> Iterator[tuple[str, bytes, bool]]:
    """Each file after its bytes were found to be those of the manifest, and whether they are sealed; names and sizes of all
    before the first."""
    with reading(folder):
        for name, entry in listed(folder, most).items():
            yield name, whole(folder / name, entry), entry.sealed


def listed(folder: Path, most: int) -> dict[str, manifest.Entry]:
    """What the manifest lists, after names and sizes of all that lies in the folder were found to be those."""
    if manifest.NAME not in {entry.name for entry in folder.iterdir()}:
        raise _unmarked(folder)
    sizes = _sizes(folder)
    path = folder / manifest.NAME
    entries = manifest.understand(disk.read(path, manifest.LARGEST), path)
    _compare(folder, sizes, entries, most)
    return entries


def whole(path: Path, entry: manifest.Entry) -> bytes:
    """A file's bytes, found to be those of the manifest."""
    data = disk.read(path, entry.size)
    if len(data) != entry.size:
        raise _changed(path, say("its size changed while it was read"))
    if manifest.digest(data) != entry.digest:
        raise _other_digest(path, entry)
    return data


def flowing(path: Path, entry: manifest.Entry, understand: Callable[[Pieces], Made]) -> Made:
    """What is made of a file's bytes while they are read, which are then found to be those of the manifest: where they are
    not, it is thrown away, and whatever it was that they broke is not what is told."""
    with disk.opened(path) as file:
        pieces = Pieces(file, entry.size)
        try:
            made = understand(pieces)
        except Exception:
            _compare_digest(path, entry, pieces)
            raise
        _compare_digest(path, entry, pieces)
    return made


def _compare_digest(path: Path, entry: manifest.Entry, pieces: Pieces) -> None:
    if pieces.rest() != entry.digest:
        raise _other_digest(path, entry)


def _unmarked(folder: Path) -> Refused:
    """Whoever names the folder around the one that was meant is told so, before anything in it is found fault with."""
    partial = say("{folder} has no manifest.json: modelwright did not write it, or not to its end.", folder=folder)
    within = sorted(entry for entry in folder.iterdir() if (entry / manifest.NAME).exists())
    return Refused(partial, *(say("There is one in {path}: name that.", path=entry) for entry in within[:1]))


def _sizes(folder: Path) -> dict[str, int]:
    """Every name in the folder with its size. Refused where one is not a plain file."""
    sizes: dict[str, int] = {}
    for entry in sorted(folder.iterdir()):
        facts = entry.lstat()
        if stat.S_ISLNK(facts.st_mode):
            link = say("{path} is a link: links are not followed here.", path=entry)
            raise Refused(link, say("Put the file itself in its place."))
        if stat.S_ISDIR(facts.st_mode):
            raise _extra(entry)
        if not stat.S_ISREG(facts.st_mode):
            raise Refused(say("{path} is not a file but a pipe or a device.", path=entry), say("Remove it."))
        sizes[entry.name] = facts.st_size
    return sizes


def _compare(folder: Path, sizes: Mapping[str, int], listed: Mapping[str, manifest.Entry], most: int) -> None:
    for name in sizes:
        if name not in listed and name not in UNLISTED:
            raise _extra(folder / name)
    for name, entry in listed.items():
        if name not in sizes:
            raise Refused(say("{path} is missing, and the manifest lists it.", path=folder / name), _again())
        if sizes[name] != entry.size:
            found = say("it has {found} bytes, not {wanted}", found=f"{sizes[name]:,}", wanted=f"{entry.size:,}")
            raise _changed(folder / name, found)
    total = sum(entry.size for entry in listed.values())
    if total > most:
        size, limit = f"{total:,}", f"{most:,}"
        large = say("{what} is too large: {size} bytes, and at most {most} are read.", what=folder, size=size, most=limit)
        raise Refused(large)


def _changed(path: Path, difference: str) -> Refused:
    fact = say("{path} does not match its manifest: {difference}. Nothing was read from it.", path=path, difference=difference)
    return Refused(fact, _again())


def _other_digest(path: Path, entry: manifest.Entry) -> Refused:
    return _changed(path, say("its {n} bytes have another SHA-256", n=f"{entry.size:,}"))


def _extra(path: Path) -> Refused:
    extra = say("{path} lies where only the files of the manifest may lie.", path=path)
    return Refused(extra, say("Remove it, or move it elsewhere."))


def _again() -> str:
    return say("Make the folder again, or take it from a copy.")
