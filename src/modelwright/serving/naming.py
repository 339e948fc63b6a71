"""What the models of a server are called: by their run, or as the user says. Knows no artifact."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from modelwright.nouns import Refused
from modelwright.wording import say

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)
"""What stands in an address as it is."""


def named(words: Sequence[str]) -> dict[str, Path]:
    """runs/digits/artifact is digits, price=runs/mine/artifact is price. Refused: a name twice, or one unfit for an address."""
    found: dict[str, Path] = {}
    for word in words:
        name, path = _parted(word)
        if not NAME.fullmatch(name):
            raise Refused(
                say("{name} cannot be the name of a model in an address.", name=name),
                say("Give it one, of letters, digits, dots and dashes: NAME={path}", path=path),
            )
        if name in found:
            raise Refused(
                say("Two models would be called {name}.", name=name),
                say("Give one of them another name: NAME={path}", path=path),
            )
        found[name] = path
    return found


def _is_path(word: str) -> bool:
    return "/" in word or "\\" in word


def _parted(word: str) -> tuple[str, Path]:
    before, equals, after = word.partition("=")
    if equals and after and (NAME.fullmatch(before) or not _is_path(before)):
        return before, Path(after)
    path = Path(word)
    whole = path.absolute()
    return (whole.parent.name if whole.name == "artifact" else whole.name), path
