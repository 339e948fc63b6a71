"""Snapshots: numbered folders and a file `latest` that names the newest. Where training can come back to.

A new one is whole, flushed and read back before `latest` names it, and older ones go only after that.
One writer at a time: whoever keeps snapshots holds the run folder's lock.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from modelwright.nouns import Refused
from modelwright.vault import disk
from modelwright.vault.files import put_plain
from modelwright.vault.folders import discard, put_folder, sweep, take_folder
from modelwright.vault.manifest import NAME, digest
from modelwright.vault.refusals import reading, writing
from modelwright.wording import say

POINTER = "latest"


def keep_snapshot(folder: Path, files: Mapping[str, bytes], keep: int = 2) -> Path:
    """One more snapshot; the newest `keep` stay. Returns its own folder. Refused: those before it are as they were."""
    if keep < 1:
        raise ValueError("keep at least one snapshot")
    with writing(folder):
        disk.make_folders(folder)
        sweep(folder, age=0)
        older = _numbers(folder)
    name = f"{older[-1] + 1 if older else 1:08d}"
    told = put_folder(folder / name, files)
    put_plain(folder / POINTER, f"{name} {told}\n".encode())
    with writing(folder):
        for number in older[: len(older) + 1 - keep]:
            discard(folder / f"{number:08d}")
    return folder / name


def latest_snapshot(folder: Path) -> dict[str, bytes] | None:
    """The files of the newest snapshot that is whole; None where there never was one.

    A damaged one is passed over with a warning in the log, for the one before it. Refused where none is whole."""
    faults: list[str] = []
    for place, seal in _candidates(folder):
        try:
            files = take_folder(place)
            if seal is not None and digest(disk.read(place / NAME, 1 << 24)) != seal:
                other = say("{path} is whole, but not the snapshot that {pointer} names.", path=place, pointer=folder / POINTER)
                raise Refused(other)
        except Refused as refusal:
            faults.append(refusal.sentences[0])
            continue
        for fault in faults:
            logging.getLogger("modelwright").warning(say("{fault} Going on from {path}.", fault=fault, path=place))
        return files
    if not faults:
        return None
    raise Refused(*faults, say("No snapshot in {folder} is whole. Begin again with --fresh.", folder=folder))


def _candidates(folder: Path) -> Iterator[tuple[Path, str | None]]:
    """The one that `latest` names, with the digest it must have, then the others, newest first."""
    if not folder.exists():
        return
    with reading(folder):
        named = _named(folder)
        numbers = _numbers(folder)
    if named is not None:
        yield folder / f"{named[0]:08d}", named[1]
    for number in reversed(numbers):
        if named is None or number != named[0]:
            yield folder / f"{number:08d}", None


def _named(folder: Path) -> tuple[int, str] | None:
    """What the pointer says; None where it is not there or unreadable: the snapshots speak for themselves."""
    try:
        found = re.fullmatch(rb"(\d{8}) ([0-9a-f]{64})\n", disk.read(folder / POINTER, 100))
    except OSError:
        return None
    return (int(found[1]), found[2].decode()) if found else None


def _numbers(folder: Path) -> list[int]:
    return sorted(int(entry.name) for entry in folder.iterdir() if re.fullmatch(r"[0-9]{8}", entry.name))
