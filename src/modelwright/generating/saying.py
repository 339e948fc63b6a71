"""One text as it is said: tokens in, text out up to a stop word, in a form where one is ordered.

What could be the beginning of a stop word is held back until it is none: nobody is shown a part of one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelwright.data.codecs.documents.passages import Spelling

if TYPE_CHECKING:
    from torch import Tensor

    from modelwright.generating.grammars import Grammar


class Saying:
    """A guide (models/guiding.py), and what may be shown of what it was told."""

    def __init__(self, pieces: tuple[bytes, ...], stops: tuple[str, ...] = (), grammar: Grammar | None = None) -> None:
        self.pieces, self.stops, self.grammar = pieces, stops, grammar
        self.stopped = False
        """It came to a stop word."""
        self._spelling, self._held = Spelling(pieces), ""
        self._tokens: list[int] = []

    @property
    def whole(self) -> bool:
        """It has the form that was ordered; a text that stops before that has not."""
        return self.grammar is None or self.grammar.whole

    def allowed(self) -> Tensor | None:
        return None if self.grammar is None else self.grammar.allowed()

    def told(self, token: int) -> bool:
        self._tokens.append(token)
        self._hear(self._spelling.push(token))
        return (self.grammar is None or self.grammar.told(token)) and not self.stopped

    def fork(self) -> Saying:
        other = Saying(self.pieces, self.stops)
        for token in self._tokens:
            other.told(token)
        other.grammar = None if self.grammar is None else self.grammar.fork()
        return other

    def ready(self) -> str:
        """What may be shown, and was not yet."""
        back = 0 if self.stopped else max((_begun(self._held, stop) for stop in self.stops), default=0)
        cut = len(self._held) - back
        shown, self._held = self._held[:cut], self._held[cut:]
        return shown

    def finish(self) -> str:
        """What is left to show when nothing more is said."""
        if not self.stopped:
            self._hear(self._spelling.finish())
        shown, self._held = self._held, ""
        return shown

    def _hear(self, text: str) -> None:
        self._held += text
        found = [place for place in (self._held.find(stop) for stop in self.stops) if place >= 0]
        if found:
            self._held, self.stopped = self._held[: min(found)], True


def _begun(text: str, stop: str) -> int:
    """Letters at the end of a text that are the beginning of a stop word, most of them."""
    most = min(len(text), len(stop) - 1)
    return next((n for n in range(most, 0, -1) if text.endswith(stop[:n])), 0)
