"""A recipe led to its end in a process of its own, as the user would."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from modelwright.folder import RunFolder
from modelwright.nouns import Refused
from modelwright.wording import say


def command(verb: str, order: Path, folder: RunFolder, *words: str) -> list[str]:
    return [sys.executable, "-m", "modelwright", verb, str(order), "-o", str(folder.path), "--quiet", "--resume", *words]


def lead(line: list[str]) -> None:
    """Refused where it does not end well, with what it said."""
    done = subprocess.run(line, capture_output=True, encoding="utf-8", errors="replace", check=False)
    if done.returncode:
        raise Refused(say("The recipe does not run by itself:"), done.stderr.strip())
