"""Which files of a folder are rows, by patterns as "*.txt", sub-folders too; "!notes*" leaves files out."""

from __future__ import annotations

from pathlib import Path

from modelwright.data.sources.files import a_folder, reading
from modelwright.nouns import Refused
from modelwright.wording import say


def chosen(folder: Path, key: str, patterns: tuple[str, ...]) -> list[Path]:
    """Names within the folder, in one order on every system. Refused: no folder, or no such file in it."""
    with reading(folder):
        found = [path.relative_to(folder) for path in a_folder(folder).rglob("*") if path.is_file()]
    fitting = [name for name in found if _fits(name, patterns)]
    if not fitting:
        told = ", ".join(f'"{pattern}"' for pattern in patterns)
        raise Refused(say("{path} has no file that fits {key} = [{patterns}].", path=folder, key=key, patterns=told))
    return sorted(fitting, key=lambda name: name.parts)


def _fits(name: Path, patterns: tuple[str, ...]) -> bool:
    """Whether a file is asked for and not left out; one that begins with a dot never is."""
    wanted = [pattern for pattern in patterns if pattern and not pattern.startswith("!")]
    unwanted = [pattern[1:] for pattern in patterns if pattern.startswith("!") and len(pattern) > 1]
    return any(map(name.match, wanted)) and not any(map(name.match, [".*", *unwanted]))
