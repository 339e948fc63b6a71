"""A recipe led to its end in a process of its own, as the user would."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from modelwright.folder import RunFolder
from modelwright.nouns import Refused
from modelwright.wording import say


@dataclass(frozen=True)
class Order:
    """A recipe's file, and what it takes to read it."""

    recipe: Path
    kinds: tuple[str, ...] = ()
    """Modules of the user's own kinds."""


def command(verb: str, order: Order, folder: RunFolder, *words: str) -> list[str]:
    guests = [word for kind in order.kinds for word in ("--kinds", kind)]
    line = [sys.executable, "-m", "modelwright", *guests, verb, str(order.recipe), "-o", str(folder.path)]
    return [*line, "--quiet", "--resume", *words]


def lead(line: list[str]) -> None:
    """Refused where it does not end well, with what it said."""
    done = subprocess.run(line, capture_output=True, encoding="utf-8", errors="replace", check=False)
    if done.returncode:
        raise Refused(say("The recipe does not run by itself:"), done.stderr.strip())
