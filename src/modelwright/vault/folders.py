"""A folder of files with a manifest: put in place whole, and taken whole or not at all."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from io import BytesIO
from pathlib import Path

from modelwright.nouns import Refused
from modelwright.vault import disk, intact, manifest, scope
from modelwright.vault.files import LEFTOVER, beside, drop, settled
from modelwright.vault.intact import UNLISTED, Made, checked
from modelwright.vault.pieces import Pieces
from modelwright.vault.refusals import reading, writing
from modelwright.vault.sealing import Seal, refuse_unsealed
from modelwright.wording import say

LARGEST = 1 << 37
"""Bytes of a folder's files together, unless the caller sets another limit."""
LONGEST_SIGNATURE = 4096
"""Bytes."""
STALE = 3600.0
"""Seconds after which an unfinished folder is thought to be a killed writer's."""


def put_folder(folder: Path, files: Mapping[str, bytes]) -> str:
    """The folder holds these files and their manifest, whose digest is returned; where Refused, what it held before.

    It takes the place of a folder that put_folder made, of an empty one, and of nothing else. In a sealed scope the files lie
    sealed, and the manifest is that of the sealed ones: whoever has no key can still check every byte."""
    folder = folder.resolve()
    files = {name: scope.closed(data, folder / name) for name, data in files.items()}
    table = manifest.spell(files, scope.seals_now())
    with writing(folder):
        disk.make_folders(folder.parent)
        _refuse_strangers(folder)
        sweep(folder.parent, age=STALE)
        new = beside(folder)
        try:
            disk.make_folder(new)
            for name, data in {**files, manifest.NAME: table}.items():
                disk.write(new / name, data)
                disk.settle(new / name)
            disk.settle_folder(new)
            for _ in checked(new, LARGEST):  # read back before it takes the place of anything
                pass
            _into_place(new, folder)
        except BaseException:
            drop(new)
            raise
    return manifest.digest(table)


def take_folder(folder: Path, most: int = LARGEST) -> dict[str, bytes]:
    """The files but for the manifest, every byte of them checked. Refused, with nothing returned, for a link, a folder, a
    file too many or missing, a size or digest that differs, or more than `most` bytes together."""
    return {name: scope.opened(data, folder / name, sealed) for name, data, sealed in checked(_standing(folder), most)}


def take_flowing(
    folder: Path, name: str, understand: Callable[[Pieces], Made], most: int = LARGEST
) -> tuple[dict[str, bytes], Made | None]:
    """take_folder, but of the file of this name only what is made of its bytes while they are read: they lie in memory beside
    it where they are sealed, and else never. None: there is none of that name. Refused as take_folder does."""
    folder, files, made = _standing(folder), dict[str, bytes](), None
    with reading(folder):
        for file, entry in intact.listed(folder, most).items():
            if file == name and not entry.sealed:
                made = intact.flowing(folder / file, entry, understand)
                continue
            data = scope.opened(intact.whole(folder / file, entry), folder / file, entry.sealed)
            if file == name:
                made = understand(Pieces(BytesIO(data), len(data)))
            else:
                files[file] = data
    return files, made


def survey(folder: Path, most: int = LARGEST) -> set[str]:
    """The names of the files, every byte checked against the manifest and none unsealed: what can be done without a key.

    Refused as take_folder does, and where a file that is said to lie sealed cannot be a sealed one."""
    folder, found = _standing(folder), set[str]()
    for name, data, sealed in checked(folder, most):
        if sealed:
            refuse_unsealed(data, folder / name)
        found.add(name)
    return found


def tells_of_seals(folder: Path) -> bool:
    """Whether the manifest lists anything sealed; nothing else is looked at. Without a manifest nothing is told."""
    path = _standing(folder) / manifest.NAME
    if not path.exists():
        return False
    with reading(path):
        data = disk.read(path, manifest.LARGEST)
    return any(entry.sealed for entry in manifest.understand(data, path).values())


def seal_of(folder: Path) -> Seal | None:
    """The key at hand, where this folder lies sealed: for what is made of it; None where it lies in clear."""
    return scope.key() if tells_of_seals(folder) else None


def attest(folder: Path, signature: bytes) -> None:
    """Lays a signature beside the manifest. It is written outside the folder first: a kill leaves no stranger in it."""
    folder = folder.resolve()
    with writing(folder):
        new = beside(folder)
        try:
            disk.write(new, signature)
            settled(new, signature, folder / manifest.SIGNATURE)
            disk.move(new, folder / manifest.SIGNATURE)
            disk.settle_folder(folder)
        except BaseException:
            drop(new)
            raise


def attested(folder: Path) -> tuple[bytes, bytes | None]:
    """The manifest as it is spelled, and the signature that lies beside it, neither of them judged; None: there is none."""
    folder = _standing(folder)
    with reading(folder):
        table = disk.read(folder / manifest.NAME, manifest.LARGEST)
        path = folder / manifest.SIGNATURE
        return table, disk.read(path, LONGEST_SIGNATURE) if os.path.lexists(path) else None


def clear(folder: Path, names: Collection[str]) -> None:
    """Removes what lies in the folder under these names, and nothing else: a user's own files are not in our list."""
    with writing(folder):
        for name in names:
            if os.path.lexists(folder / name):
                discard(folder / name)


def discard(path: Path) -> None:
    """Removes it, out of sight first: half of it is never seen under its name."""
    gone = beside(path)
    disk.move(path, gone)
    disk.remove(gone)


def sweep(folder: Path, age: float) -> None:
    """Removes what killed writers left in this folder `age` seconds ago or earlier; 0 only where nobody else writes."""
    for entry in folder.iterdir():
        if LEFTOVER.fullmatch(entry.name):
            with suppress(OSError):  # another may have moved or removed it just now, or own it
                if time.time() - entry.lstat().st_mtime >= age:
                    disk.remove(entry)


# --- taking a place ------------------------------------------------------------------------------------------------------


def _former(folder: Path) -> Path:
    """Where an older folder waits while a newer one takes its place."""
    return folder.with_name(f".{folder.name}.former")


def _standing(folder: Path) -> Path:
    """The folder, or the older one where a kill fell between the two renames of a replacement."""
    return _former(folder) if not folder.exists() and _former(folder).exists() else folder


def _into_place(new: Path, folder: Path) -> None:
    """No system renames a folder over another in one step: the older one steps aside, and is removed last."""
    former = _former(folder)
    if folder.exists():
        if former.exists():
            disk.remove(former)
        disk.move(folder, former)
    disk.move(new, folder)
    disk.settle_folder(folder.parent)
    if former.exists():
        disk.remove(former)


def _refuse_strangers(folder: Path) -> None:
    """What put_folder did not write, it does not remove."""
    if not os.path.lexists(folder):
        return
    names = {entry.name for entry in folder.iterdir()}
    path = folder / manifest.NAME
    listed = manifest.understand(disk.read(path, manifest.LARGEST), path) if manifest.NAME in names else {}
    strangers = sorted(names - listed.keys() - UNLISTED)
    if strangers:
        foreign = say("{folder} would be replaced, but holds {name}, which is not ours.", folder=folder, name=strangers[0])
        raise Refused(foreign, say("Name another place with -o, or move what lies there."))
