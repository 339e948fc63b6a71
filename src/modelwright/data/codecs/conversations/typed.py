"""Text of which a part was typed by people, as a chat template sees it: to ask, cut and join like any other.

What a template writes of it is only a mark, so that nothing typed is ever read as the template's own words.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any, SupportsIndex, TypeAlias

OPEN, CLOSE = "\ue000", "\ue001"
MARK = re.compile(f"{OPEN}([0-9]+){CLOSE}")
Runs: TypeAlias = "tuple[tuple[int | None, str], ...]"
"""Parts of a text in their order: the number of the message in which it was typed, or None for the template's own words."""


class Ledger:
    """What each mark stands for."""

    def __init__(self) -> None:
        self.lines: list[tuple[int, str]] = []

    def text(self, runs: Runs) -> Typed:
        """A text of these parts."""
        marks: list[str] = []
        for message, part in runs:
            if message is not None:
                self.lines.append((message, part))
                part = f"{OPEN}{len(self.lines) - 1}{CLOSE}"
            marks.append(part)
        made = Typed("".join(marks))
        made._ledger, made._runs = self, runs  # pyright: ignore[reportPrivateUsage]
        return made

    def parts(self, rendered: str) -> Iterator[tuple[int | None, str]]:
        """What was rendered, piece by piece."""
        end = 0
        written = str(rendered)
        for found in MARK.finditer(written):
            if int(found[1]) >= len(self.lines):
                continue
            yield None, written[end : found.start()]
            yield self.lines[int(found[1])]
            end = found.end()
        yield None, written[end:]


class Typed(str):
    """To the template a text like any other; in what it writes, marks. Names with _ are closed to templates."""

    _ledger: Ledger
    _runs: Runs

    @property
    def _text(self) -> str:
        return "".join(part for _, part in self._runs)

    def __len__(self) -> int:
        return sum(len(part) for _, part in self._runs)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, str) and self._text == bare(other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash(self._text)

    def __contains__(self, part: object) -> bool:
        return isinstance(part, str) and bare(part) in self._text

    def __add__(self, other: str) -> Typed:
        return joined(self._ledger, (self, other))

    def __radd__(self, other: str) -> Typed:
        return joined(self._ledger, (other, self))

    def __iter__(self) -> Iterator[str]:
        return (self._between(place, place + 1) for place in range(len(self)))

    def __getitem__(self, key: SupportsIndex | slice) -> Typed:  # pyright: ignore[reportIncompatibleMethodOverride]
        signs = [(message, sign) for message, part in self._runs for sign in part]
        return self._ledger.text(tuple(signs[key]) if isinstance(key, slice) else (signs[key],))

    def strip(self, chars: str | None = None, /) -> Typed:
        return self.lstrip(chars).rstrip(chars)

    def lstrip(self, chars: str | None = None, /) -> Typed:
        return self._between(len(self) - len(self._text.lstrip(chars)), len(self))

    def rstrip(self, chars: str | None = None, /) -> Typed:
        return self._between(0, len(self._text.rstrip(chars)))

    def lower(self) -> Typed:
        return self._each(str.lower)

    def upper(self) -> Typed:
        return self._each(str.upper)

    def title(self) -> Typed:
        return self._each(str.title)

    def capitalize(self) -> Typed:
        return self[:1].upper() + self[1:].lower()

    def replace(self, old: str, new: str, count: SupportsIndex = -1, /) -> Typed:
        whole, most = self._text, count.__index__()
        return joined(self._ledger, self._around(whole, old, most, new))

    def split(self, sep: str | None = None, maxsplit: SupportsIndex = -1) -> list[str]:
        return self._found(self._text.split(sep, maxsplit), len(sep or ""))

    def rsplit(self, sep: str | None = None, maxsplit: SupportsIndex = -1) -> list[str]:
        return self._found(self._text.rsplit(sep, maxsplit), len(sep or ""))

    def splitlines(self, keepends: bool = False) -> list[str]:
        return self._found(self._text.splitlines(keepends), 0)

    def startswith(self, prefix: Any, *places: Any) -> bool:
        return self._text.startswith(prefix, *places)

    def endswith(self, suffix: Any, *places: Any) -> bool:
        return self._text.endswith(suffix, *places)

    def find(self, sub: str, *places: Any) -> int:
        return self._text.find(sub, *places)

    def count(self, sub: str, *places: Any) -> int:  # pyright: ignore[reportIncompatibleMethodOverride]
        return self._text.count(sub, *places)

    def _each(self, make: Callable[[str], str]) -> Typed:
        return self._ledger.text(tuple((message, make(part)) for message, part in self._runs))

    def _between(self, start: int, end: int) -> Typed:
        found: list[tuple[int | None, str]] = []
        at = 0
        for message, part in self._runs:
            some = part[max(start - at, 0) : max(end - at, 0)]
            found += [(message, some)] if some else []
            at += len(part)
        return self._ledger.text(tuple(found))

    def _around(self, whole: str, old: str, most: int, new: str) -> Iterator[str]:
        """What stands between the places of a text, and the new one in each."""
        at = 0
        while old and most and (place := whole.find(old, at)) >= 0:
            yield self._between(at, place)
            yield new
            at, most = place + len(old), most - 1
        yield self._between(at, len(whole))

    def _found(self, parts: list[str], apart: int) -> list[str]:
        """The same parts of this text, which lie in it one after the other and so many signs apart; 0: blanks, however many."""
        whole, found, at = self._text, list[str](), 0
        for part in parts:
            start = at if apart else whole.find(part, at)
            found.append(self._between(start, start + len(part)))
            at = start + len(part) + apart
        return found


def joined(ledger: Ledger, texts: Iterable[str]) -> Typed:
    return ledger.text(tuple(run for text in texts for run in runs(text)))


def runs(text: str) -> Runs:
    return text._runs if isinstance(text, Typed) else ((None, str(text)),)  # pyright: ignore[reportPrivateUsage]


def bare(text: str) -> str:
    """The text itself, typed or not."""
    return text._text if isinstance(text, Typed) else text  # pyright: ignore[reportPrivateUsage]


def ledger_of(texts: Iterable[object]) -> Ledger | None:
    """That of the first that was typed in part."""
    return next((text._ledger for text in texts if isinstance(text, Typed)), None)  # pyright: ignore[reportPrivateUsage]


def spelled(text: Typed, spell: Callable[[str], str]) -> Typed:
    """The text in another spelling, as typed as its first part is."""
    return ledger_of([text]).text(((text._runs[0][0] if text._runs else None, spell(bare(text))),))  # pyright: ignore
