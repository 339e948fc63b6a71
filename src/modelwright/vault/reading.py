"""Bytes and JSON that came from outside, read strictly: limits first, nothing that two readers could understand differently."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Callable, Iterable
from hashlib import sha256
from pathlib import Path
from typing import Any, NoReturn

from modelwright.nouns import Refused
from modelwright.vault import disk, scope
from modelwright.vault.refusals import reading
from modelwright.vault.sealing import is_sealed
from modelwright.wording import say

LARGEST = 1 << 26
"""Bytes."""
BLOCK = 1 << 23
DEEPEST = 64
ESCAPED = b"\\u"
"""How half a character is written; UTF-8 itself can hold none."""
PLAINLY = 300
"""Digits that without an exponent are always a finite float64."""
LONGEST_NUMBER = 400
"""Digits: every float64 has fewer, and longer integers take a time that grows with their square."""


def read_bytes(path: Path, most: int) -> bytes:
    """A regular file's bytes, a link to one followed. Refused: not there, no right to read it, more than `most`."""
    with reading(path):
        data = disk.read(path.resolve(), most)
    if len(data) > most:
        raise _too_large(str(path), len(data), most)
    return data


def take_file(path: Path, most: int = 1 << 37) -> bytes:
    """What put_file put there. Refused as read_bytes, or where it is sealed and the scope's key does not open it."""
    data = read_bytes(path, most)
    return scope.opened(data, path.resolve(), is_sealed(data))


def digest(path: Path) -> str:
    """SHA-256, in hex, of a file that is too large to be read at once: one that is to be mapped."""
    found = sha256()
    with reading(path), path.open("rb", buffering=0) as file:
        while block := file.read(BLOCK):
            found.update(block)
    return found.hexdigest()


def read_json(data: bytes, what: str, most: int = LARGEST) -> Any:
    """The value, or Refused for too large, too deep, not UTF-8, NaN, infinities, a key twice or half a character.

    `what` is what the sentence calls it: a path, or "the request"."""
    return _read(data, what, most, _finite, _whole)


def read_written(data: bytes, what: str, most: int = LARGEST) -> Any:
    """The same, but every number stays the text in which it is written: 1.50 is "1.50"."""
    return _read(data, what, most, _written_finite, _written_whole)


def _read(data: bytes, what: str, most: int, fraction: Callable[[str], Any], whole: Callable[[str], Any]) -> Any:
    if len(data) > most:
        raise _too_large(what, len(data), most)
    try:
        value = json.loads(
            data.decode("utf-8"), object_pairs_hook=_once, parse_constant=_not_json, parse_float=fraction, parse_int=whole
        )
        if ESCAPED in data:
            _whole_characters(value)
        if _deeper(value, DEEPEST):
            raise RecursionError
    except RecursionError:
        raise Refused(say("{what} is nested too deep: more than {most} levels.", what=what, most=DEEPEST)) from None
    except ValueError as error:  # UnicodeDecodeError and JSONDecodeError are kinds of it
        raise Refused(say("{what} is not valid JSON ({problem}).", what=what, problem=error)) from None
    return value


def _too_large(what: str, size: int, most: int) -> Refused:
    facts = {"size": f"{size:,}", "most": f"{most:,}"}
    return Refused(say("{what} is too large: {size} bytes, and at most {most} are read.", what=what, **facts))


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(say("the key {name} stands twice", name=json.dumps(_repeated(names))))
    return found


def _repeated(names: list[str]) -> str:
    return next(name for name, times in Counter(names).items() if times > 1)


def _not_json(word: str) -> NoReturn:
    raise ValueError(say("{word} is not a number", word=word))


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(say("{number} is too large", number=text[:40]))
    return number


def _whole(text: str) -> int:
    return int(_written_whole(text))


def _written_finite(text: str) -> str:
    if len(text) > PLAINLY or "e" in text or "E" in text:
        _finite(text)
    return text


def _written_whole(text: str) -> str:
    if len(text) > LONGEST_NUMBER:
        raise ValueError(say("a number has {n} digits", n=len(text)))
    return text


def _whole_characters(value: Any) -> None:
    """Half a character (a lone surrogate) could be read but never be written again."""
    json.dumps(value, ensure_ascii=False).encode("utf-8")


def _deeper(value: Any, most: int) -> bool:
    level = _nests([value])
    for _ in range(most):
        level = [nest for outer in level for nest in _nests(outer.values() if isinstance(outer, dict) else outer)]
    return bool(level)


def _nests(values: Iterable[Any]) -> list[Any]:
    return [value for value in values if isinstance(value, (dict, list))]
