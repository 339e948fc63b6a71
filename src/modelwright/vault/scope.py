"""With which key the vault seals what it puts, and opens what it takes, for the length of a block.

A scope and not an argument: snapshots, cache and report are put by rooms that know no key and must not, and what one call put
that forgot an argument would lie in clear. A context variable, so that two lives in one process may have two keys; a thread
that does not carry the context is caught where it would put something into a sealed folder.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Generator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from pathlib import Path
from typing import TypeAlias

from modelwright.nouns import Refused
from modelwright.vault import disk
from modelwright.vault.refusals import reading
from modelwright.vault.sealing import MAGIC, Seal, close, is_sealed, open_
from modelwright.wording import say

_putting: ContextVar[Seal | None] = ContextVar("putting", default=None)
Key: TypeAlias = Callable[[], Seal | None]
_taking: ContextVar[Key | None] = ContextVar("taking", default=None)
_folders: Counter[Path] = Counter()
"""Folders that are being sealed now, in any thread, and by how many."""
_marks: set[bytes] = set()
"""Of the keys that this process has held."""


@contextmanager
def sealed(seal: Seal | None, folder: Path) -> Generator[None, None, None]:
    """All that is put in the block is sealed, and all that is taken from the folder must be. None: nothing of that kind.

    Whoever puts into the folder meanwhile without this scope is at fault."""
    if seal is None:
        yield
        return
    folder = folder.resolve()
    before = _putting.set(seal), _taking.set(lambda: seal)
    _folders[folder] += 1
    _marks.add(seal.mark)
    try:
        yield
    finally:
        _folders[folder] -= 1
        _putting.reset(before[0])
        _taking.reset(before[1])


@contextmanager
def unsealing(key: Key | None) -> Generator[None, None, None]:
    """What is sealed is opened in the block with this key, which is asked for at the first such file, and once: somebody may
    have to type a word for it."""
    before = _taking.set(cache(key) if key else None)
    try:
        yield
    finally:
        _taking.reset(before)


def key() -> Seal | None:
    """The key for reading that is at hand, read now."""
    asked = _taking.get()
    return asked() if asked else None


def key_at_hand() -> bool:
    """Whether there is a key to ask for; it is not read here."""
    return _taking.get() is not None


def seals_now() -> bool:
    """Whether what is put now is sealed."""
    return _putting.get() is not None


def lies_sealed(path: Path) -> bool:
    """Whether the file there is a sealed one."""
    with reading(path):
        return is_sealed(disk.read(path.resolve(), len(MAGIC)))


def ever_sealed() -> bool:
    """Whether this process has held a key: then its faults are told without the values they stumbled over."""
    return bool(_marks)


def closed(data: bytes, path: Path) -> bytes:
    """What is to lie there: the bytes themselves, or sealed."""
    seal = _putting.get()
    if seal is not None:
        return close(data, path.name, seal)
    if _below_sealed(path):
        raise RuntimeError(f"{path} would lie in clear in a sealed folder: its thread does not carry the scope")
    return data


def opened(data: bytes, path: Path, sealed: bool) -> bytes:
    """What lay there, in clear. Refused: sealed and no key, another key, not as it was sealed, or not sealed but should be."""
    if sealed:
        seal = key()
        if seal is None:
            raise Refused(
                say("{path} is sealed: it can only be read with its key.", path=path),
                say("Name the key's file with --key FILE, or a command that prints it in MODELWRIGHT_KEY_COMMAND."),
            )
        _marks.add(seal.mark)
        return open_(data, path, seal)
    if seals_now() and _below_sealed(path):
        raise Refused(
            say("{path} is not sealed, and everything of this run must be.", path=path),
            say("Give this run a folder of its own with -o FOLDER, or begin again there with --fresh."),
        )
    return data


def _below_sealed(path: Path) -> bool:
    return any(_folders[folder] for folder in path.resolve().parents)
