"""On which line of a TOML text every key stands. tomllib gives no lines, so this walks the text once more.

Only for text that tomllib has read without a fault: nothing is checked here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from modelwright.reader.kinds import Where
from modelwright.reader.toml import loads

SPACE = re.compile(r"[ \t]*")
BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
STRING = re.compile(r'"""(?:[^\\]|\\.)*?"{3,5}|\'{3}.*?\'{3,5}|"(?:[^"\\\n]|\\.)*"|\'[^\'\n]*\'', re.DOTALL)
BARE = re.compile(r"[A-Za-z0-9_-]+")
PLAIN = re.compile(r"[^,\]}#\n]+")


@dataclass(frozen=True)
class Lines:
    """Where what was read came from: a name (mostly a file), and the line of every path in it."""

    name: str = ""
    at: Mapping[Where, int] = field(default_factory=dict[Where, int])
    base: Path | None = None
    """The folder at which relative paths start; None leaves them as they are."""
    given: frozenset[Where] = frozenset()
    """Paths that --set put there; relative ones start at the current folder, as in any command."""

    def place(self, where: Where) -> str:
        """recipes/mine.toml:14, from the nearest table that has a line; --set for what was set."""
        if self.was_given(where):
            return "--set"
        line = self._line(where)
        made = any(path[:1] == where[:1] for path in self.given)  # a section that stands nowhere in the text
        return f"{self.name}:{line}" if line else "--set" if made else self.name

    def order(self, where: Where) -> tuple[bool, int]:
        """What faults are sorted by: the text from top to bottom, then what was set."""
        return self.was_given(where), self._line(where)

    def start(self, where: Where) -> Path | None:
        """The folder at which a relative path that stands here starts."""
        return Path.cwd() if self.was_given(where) else self.base

    def was_given(self, where: Where) -> bool:
        return any(where[:length] in self.given for length in range(1, len(where) + 1))

    def _line(self, where: Where) -> int:
        known = (self.at[where[:length]] for length in range(len(where), 0, -1) if where[:length] in self.at)
        return next(known, 0)

    def with_given(self, where: Where) -> Lines:
        return replace(self, given=self.given | {where})


def scan(text: str) -> dict[Where, int]:
    """The line, counted from 1, of every path that tomllib finds in the text."""
    return _Scanner(text.replace("\r\n", "\n")).walk()


class _Scanner:
    def __init__(self, text: str) -> None:
        self.text = text
        self.spot = 0
        self.line = 1
        self.counted = 0
        """Line ends up to here are in self.line."""
        self.at: dict[Where, int] = {}
        self.items: dict[Where, int] = {}
        """How many tables [[path]] has opened so far."""

    def walk(self) -> dict[Where, int]:
        table: Where = ()
        self._skip(BLANK)
        while self.spot < len(self.text):
            if self.text.startswith("[", self.spot):
                table = self._header()
            else:
                self._pair(table)
            self._skip(BLANK)
        return self.at

    def _header(self) -> Where:
        """[a.b] or [[a.b]]; the table that the lines below belong to."""
        many = self.text.startswith("[[", self.spot)
        self.spot += 2 if many else 1
        line = self._line()
        table: Where = ()
        *outer, (last, last_line) = self._key()
        for name, _ in outer:
            table = (*table, name)
            self.at.setdefault(table, line)
            table = self._newest(table)
        table = (*table, last)
        if many:
            self.at.setdefault(table, last_line)
            self.items[table] = self.items.get(table, 0) + 1
            table = self._newest(table)
        self.at[table] = last_line
        self._skip(SPACE)
        self.spot += 2 if many else 1
        return table

    def _newest(self, table: Where) -> Where:
        return (*table, self.items[table] - 1) if table in self.items else table

    def _pair(self, table: Where) -> None:
        """key = value, with its keys' lines and those inside of the value."""
        keys = self._key()
        where = table
        for name, line in keys:
            where = (*where, name)
            self.at.setdefault(where, line)
        self._skip(SPACE)
        self.spot += 1
        self._skip(SPACE)
        self._value(where)

    def _key(self) -> list[tuple[str, int]]:
        """a."b c".d -> its names, each with its line."""
        names: list[tuple[str, int]] = []
        while True:
            self._skip(SPACE)
            quoted = self.text[self.spot] in "\"'"
            raw = self._take(STRING if quoted else BARE)
            names.append((str(loads(f"k = {raw}")["k"]) if quoted else raw, self._line()))
            self._skip(SPACE)
            if not self.text.startswith(".", self.spot):
                return names
            self.spot += 1

    def _value(self, where: Where) -> None:
        opening = self.text[self.spot]
        if opening == "[":
            self._list(where)
        elif opening == "{":
            self._inline_table(where)
        else:
            self._take(STRING if opening in "\"'" else PLAIN)

    def _list(self, where: Where) -> None:
        count = 0
        while not self._closes("]"):
            self.at[(*where, count)] = self._line()
            self._value((*where, count))
            count += 1

    def _inline_table(self, where: Where) -> None:
        while not self._closes("}"):
            self._pair(where)

    def _closes(self, mark: str) -> bool:
        """Steps over the opening bracket or the comma; whether the closing bracket comes next."""
        self._skip(BLANK)
        if not self.text.startswith(mark, self.spot):
            self.spot += 1
            self._skip(BLANK)
        closes = self.text.startswith(mark, self.spot)
        self.spot += closes
        return closes

    def _skip(self, pattern: re.Pattern[str]) -> None:
        match = pattern.match(self.text, self.spot)
        self.spot = match.end() if match else self.spot

    def _take(self, pattern: re.Pattern[str]) -> str:
        match = pattern.match(self.text, self.spot)
        if match is None:
            raise ValueError(f"no TOML at {self.text[self.spot : self.spot + 20]!r}")
        self.spot = match.end()
        return match.group()

    def _line(self) -> int:
        self.line += self.text.count("\n", self.counted, self.spot)
        self.counted = self.spot
        return self.line
