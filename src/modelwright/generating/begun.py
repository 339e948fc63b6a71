"""A prompt as a model reads it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Begun:
    """A prompt as a model reads it."""

    tokens: list[int]
    unknown: int
    """Characters that the model does not know."""
    dropped: int
    """Tokens at its beginning that are not read."""
    longest: int
    """Tokens that the model looks back on."""
    reply: tuple[int, ...] = ()
    """What a reply to it begins with; none: the text itself is gone on with. What is dropped is then at its end."""

    @property
    def spoken(self) -> list[int]:
        """What the first new token follows."""
        return list(self.reply) or self.tokens
