"""Chat templates: foreign text that says how a conversation becomes one. Rendered in jinja2's sandbox, with bounds of our own.

The sandbox keeps a template from everything but what it is given. It does not keep it from going on for ever or from filling
the memory; so filters and methods that make much of little are not there, products and joined texts are measured, and a clock
runs: each line that Python executes meanwhile looks at it.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

from modelwright.data.codecs.conversations import typed
from modelwright.data.codecs.conversations.typed import Ledger, Typed, bare
from modelwright.nouns import Refused
from modelwright.wording import say

LONGEST = 1 << 16
"""Characters of a template."""
LARGEST = 1 << 20
"""Characters of what it makes, of any part of that, and items of a list."""
SECONDS = 1.0
KNOWN = 8
"""Templates that are kept compiled."""
HIGHEST = 1 << 53
FILTERS = (
    "abs", "capitalize", "count", "default", "d", "dictsort", "first", "float", "int", "items", "last", "length", "list",
    "lower", "map", "max", "min", "reject", "rejectattr", "reverse", "round", "safe", "select", "selectattr", "sort", "string",
    "title", "trim", "unique", "upper",
)  # fmt: skip
METHODS = frozenset({
    "capitalize", "count", "endswith", "find", "isalpha", "isdigit", "isspace", "join", "lower", "lstrip", "replace", "rsplit",
    "rstrip", "split", "splitlines", "startswith", "strip", "title", "upper",
})  # fmt: skip
"""Of texts."""


class _TooMuch(Exception):
    """What a template made is more than a conversation can be."""


def rendered(
    template: str, messages: Sequence[Mapping[str, str]], onward: bool, **names: str
) -> Iterator[tuple[int | None, str]]:
    """What the template makes of these messages (role, content), piece by piece: None and its own words, or a message's number
    and what of it was typed. onward: up to where the assistant's next answer begins. names: bos_token, eos_token.

    Refused: a template that is too long, is none, refuses these messages itself, or makes too much or for too long."""
    if len(template) > LONGEST:
        raise Refused(say("The chat template has {n} characters; {most} are read at most.", n=len(template), most=LONGEST))
    ledger = Ledger()
    told = [{**one, "content": ledger.text(((place, one["content"]),))} for place, one in enumerate(messages)]
    try:
        with _clock(SECONDS):
            found = _understood(template).render(messages=told, add_generation_prompt=onward, **names)
    except Exception as error:  # foreign text fails in any way
        raise Refused(say("The chat template cannot be rendered: {problem}", problem=str(error)[:200])) from error
    return _bounded(ledger.parts(found), LARGEST + 2 * sum(len(one["content"]) for one in messages))


def _bounded(parts: Iterable[tuple[int | None, str]], most: int) -> Iterator[tuple[int | None, str]]:
    """Refused: what was typed is written so often that it is more than so many characters."""
    size = 0
    for message, text in parts:
        size += len(text)
        if size > most:
            raise Refused(say("The chat template cannot be rendered: {problem}", problem=_long()))
        yield message, text


def _long() -> str:
    return say("it makes more than {most} characters", most=LARGEST)


@lru_cache(maxsize=KNOWN)
def _understood(template: str) -> Any:
    """The template as jinja2 has compiled it, which takes thirty times as long as to render it. Renderings share nothing else:
    what a template sets lies in its own context, and what it is given it cannot change."""
    return _environment().from_string(template)


def _environment() -> Any:
    from jinja2 import nodes
    from jinja2.sandbox import ImmutableSandboxedEnvironment
    from jinja2.visitor import NodeTransformer

    class Measured(NodeTransformer):
        """a ~ b becomes a filter, which counts."""

        def visit_Concat(self, node: Any) -> Any:  # noqa: N802
            inner: Any = self.generic_visit(node)
            return nodes.Filter(nodes.List(inner.nodes), "joined", [], [], None, None, lineno=node.lineno)

    class Bounded(ImmutableSandboxedEnvironment):
        intercepted_binops = frozenset({"+", "-", "*", "/", "//", "%", "**"})
        concat = staticmethod(joined)

        def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
            texts = [one for one in (left, right) if not isinstance(one, (int, float))]
            if operator == "**" or (operator != "+" and texts):
                raise _TooMuch(say("{operator} is not computed in a template", operator=operator))
            return _measured(super().call_binop(context, operator, left, right))

        def wrap_str_format(self, value: Any) -> None:
            """A format may be as wide as it likes: there is none, and the method is closed like others."""

        def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
            return super().is_safe_attribute(obj, attr, value) and (not isinstance(obj, str) or attr in METHODS)

        def call(self, context: Any, obj: Any, *given: Any, **named: Any) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]
            whose, name = getattr(obj, "__self__", None), getattr(obj, "__name__", "")
            if isinstance(whose, str) and name in ("replace", "join"):
                return (_replaced if name == "replace" else _between)(whose, *given, **named)
            return super().call(context, obj, *given, **named)

        def _parse(self, source: str, name: Any, filename: Any) -> Any:
            return Measured().visit(super()._parse(source, name, filename))

    made: Any = Bounded(trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols"])
    own: dict[str, Callable[..., Any]] = {
        "joined": joined, "join": lambda parts, d="", attribute=None: _between(d, _of(parts, attribute)),
        "replace": _replaced, "tojson": _json,
    }  # fmt: skip
    made.filters = {name: made.filters[name] for name in FILTERS} | own
    made.globals = {"range": _range, "namespace": made.globals["namespace"], "dict": dict, "raise_exception": _refuse}
    return made


# --- measured -----------------------------------------------------------------------------------------------------------


def joined(parts: Iterable[Any]) -> str:
    """All of them, one after the other. _TooMuch where that is long."""
    found, size = [part if isinstance(part, str) else str(part) for part in _few(parts)], 0
    for text in found:
        size += len(text)
        if size > LARGEST:
            raise _TooMuch(_long())
    ledger = typed.ledger_of(found)
    return "".join(found) if ledger is None else typed.joined(ledger, found)


def _few(parts: Iterable[Any]) -> Iterator[Any]:
    for place, part in enumerate(parts):
        if place >= LARGEST:
            raise _TooMuch(_long())
        yield part


def _measured(found: Any) -> Any:
    if isinstance(found, (int, float)):
        if abs(found) > HIGHEST:
            raise _TooMuch(say("it makes numbers above {most}", most=HIGHEST))
    elif len(found) > LARGEST:
        raise _TooMuch(_long())
    return found


def _between(separator: str, parts: Iterable[Any]) -> str:
    return joined(text for place, part in enumerate(parts) for text in ((separator, part) if place else (part,)))


def _of(parts: Iterable[Any], attribute: str | None) -> Iterable[Any]:
    return parts if attribute is None else (part[attribute] for part in parts)


def _replaced(text: str, old: str, new: str, count: int = -1) -> str:
    times = bare(text).count(bare(old))
    if times * len(new) + len(text) > LARGEST:
        raise _TooMuch(_long())
    return text.replace(bare(old), new, count)


def _json(value: Any, indent: int | None = None) -> str:
    if isinstance(value, Typed):
        return typed.spelled(value, lambda text: json.dumps(text, ensure_ascii=False))
    return str(_measured(json.dumps(value, ensure_ascii=False, indent=None if indent is None else min(indent, 8))))


def _range(*bounds: int) -> range:
    found = range(*bounds)
    if len(found) > LONGEST:
        raise _TooMuch(say("it counts further than {most}", most=LONGEST))
    return found


def _refuse(problem: object) -> None:
    raise _TooMuch(str(problem))


@contextmanager
def _clock(seconds: float) -> Generator[None]:
    """Whatever Python runs inside is ended after so many seconds of this thread's own time."""
    end, before = time.thread_time() + seconds, sys.gettrace()

    def look(frame: Any, event: str, argument: Any) -> Any:
        if time.thread_time() > end:
            raise _TooMuch(say("it goes on for more than {seconds} s", seconds=seconds))
        return look

    sys.settrace(look)
    try:
        yield
    finally:
        sys.settrace(before)
