"""What a stage tells while it works."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True)
class Note:
    """What a stage tells whoever watches: progress while total is above 0, else its last word."""

    stage: str
    text: str = ""
    done: int = 0
    total: int = 0
    seconds: float | None = None


Watch: TypeAlias = Callable[[Note], None]
