"""What every room's suite asks, and how a broken promise is told."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from modelwright.reader import kind, read, write
from modelwright.wording import say

C = TypeVar("C")


def told(where: str, promise: Callable[[C], Iterator[str]], case: C) -> list[str]:
    """Sentences of a broken promise with the place in front; whatever foreign code raises is one of them."""
    broken: list[str] = []
    try:
        broken.extend(promise(case))  # keeps what was found before the promise broke off
    except Exception as error:
        problem = f"{type(error).__name__}: {error}".splitlines()[0]
        broken.append(say("{promise} broke off with {problem}", promise=promise.__name__, problem=problem))
    return [f"{where}: {sentence}" for sentence in broken]


def orders(value: Any, registry: Any, room: str) -> Iterator[str]:
    """A kind is its own configuration: what a recipe writes of it is read back as the same value."""
    word = kind(type(value))
    guests = () if isinstance(value, registry) else (type(value),)
    try:
        back = read(registry, write(value), where=room, extra=guests)
    except Exception as error:
        yield say("{kind} cannot be ordered by a recipe: {problem}", kind=word, problem=str(error).splitlines()[0])
        return
    if back != value:
        yield say("{kind} is read back from its own recipe as {back}.", kind=word, back=back)
