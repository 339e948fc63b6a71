"""The recipe as a JSON schema (draft 2020-12), for editors that complete and check while one types."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, Field, fields
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any, get_args, get_origin

from modelwright.nouns import Bounds
from modelwright.reader.kinds import Where, bounded, choices, hints, is_kind, is_registry, joined, kinds, members
from modelwright.reader.writing import write

DRAFT = "https://json-schema.org/draft/2020-12/schema"
PLAIN: Mapping[Any, str] = {int: "integer", float: "number", bool: "boolean", str: "string", Path: "string"}


def schema(form: type, extra: tuple[type, ...] = ()) -> dict[str, Any]:
    """What read(form, ...) takes, as JSON; kinds from outside are in it too."""
    drawn = _Drawing(extra)
    root = drawn.table(form, (), None)
    return {"$schema": DRAFT, "title": form.__name__, **root, "$defs": dict(sorted(drawn.defs.items()))}


class _Drawing:
    def __init__(self, extra: tuple[type, ...]) -> None:
        self.extra = extra
        self.defs: dict[str, dict[str, Any]] = {}

    def any(self, wanted: Any, where: Where) -> dict[str, Any]:
        drawn = [self._plain(member, where) for member in members(wanted) if not is_kind(member)]
        drawn += [self._kinds(wanted, where)] if kinds(wanted) else []
        return drawn[0] if len(drawn) == 1 else {"anyOf": drawn}

    def table(self, cls: type, where: Where, word: str | None) -> dict[str, Any]:
        """One kind: its keys, which of them must be there, and no other."""
        wanted, told = hints(cls), remarks(cls)
        keys: dict[str, Any] = {} if word is None else {"kind": {"const": word}}
        for field in fields(cls):
            said = {"description": told[field.name]} if field.name in told else {}
            keys[field.name] = self.any(wanted[field.name], (*where, field.name)) | said | _default(field, wanted[field.name])
        needed = [field.name for field in fields(cls) if field.default is MISSING and field.default_factory is MISSING]
        head = {"description": told[""]} if told.get("") else {}
        required = [*(["kind"] if word is not None else []), *needed]
        return {"type": "object", **head, "properties": keys, "required": required, "additionalProperties": False}

    def _kinds(self, wanted: Any, where: Where) -> dict[str, Any]:
        if not is_registry(wanted):
            return self._reference(kinds(wanted)[0], where, None)
        by_word = joined(wanted, where, self.extra)
        return {"type": "object", "oneOf": [self._reference(cls, where, word) for word, cls in by_word.items()]}

    def _reference(self, cls: type, where: Where, word: str | None) -> dict[str, Any]:
        name = f"{cls.__module__.removeprefix('modelwright.')}.{cls.__name__}"
        if name not in self.defs:
            self.defs[name] = {}  # holds the place while the kinds below are drawn
            self.defs[name] = self.table(cls, where, word)
        return {"$ref": f"#/$defs/{name}"}

    def _plain(self, wanted: Any, where: Where) -> dict[str, Any]:
        if choices(wanted):
            return {"enum": list(choices(wanted))}
        if get_origin(wanted) is tuple:
            return self._list(get_args(wanted), where)
        cls, bounds = bounded(wanted)
        return {"type": PLAIN[cls], **_limits(bounds or Bounds())}

    def _list(self, inner: tuple[Any, ...], where: Where) -> dict[str, Any]:
        if inner[-1] is Ellipsis:
            return {"type": "array", "items": self.any(inner[0], (*where, 0))}
        items = [self.any(one, (*where, place)) for place, one in enumerate(inner)]
        return {"type": "array", "prefixItems": items, "items": False, "minItems": len(items)}


def _limits(bounds: Bounds) -> dict[str, float]:
    named = {
        "minimum": bounds.least, "maximum": bounds.most, "exclusiveMinimum": bounds.above, "exclusiveMaximum": bounds.below,
    }  # fmt: skip
    return {name: limit for name, limit in named.items() if limit is not None}


def _default(field: Field[Any], wanted: Any) -> dict[str, Any]:
    value = field.default if field.default_factory is MISSING else field.default_factory()
    return {} if value is MISSING or value is None else {"default": write(value, wanted)}


def remarks(cls: type) -> Mapping[str, str]:
    """The docstring of a kind under "", and the string below a field under its name, each its first paragraph."""
    told: dict[str, str] = {}
    for base in reversed(cls.__mro__):
        told |= _below_fields(base) if is_kind(base) else {}
    own = cls.__doc__ or ""
    unsaid = own.startswith(f"{cls.__name__}(")  # where there is no docstring, dataclass writes a signature
    return told if unsaid else told | {"": _first(own)}


@cache
def _below_fields(cls: type) -> Mapping[str, str]:
    import ast
    import inspect
    import textwrap

    try:
        body = ast.parse(textwrap.dedent(inspect.getsource(cls))).body[0]
    except (OSError, SyntaxError):
        return {}  # a kind made without a file, in a notebook say, has no remarks
    told: dict[str, str] = {}
    statements = body.body if isinstance(body, ast.ClassDef) else []
    for above, below in pairwise(statements):
        if isinstance(above, ast.AnnAssign) and isinstance(above.target, ast.Name) and isinstance(below, ast.Expr):
            text = below.value.value if isinstance(below.value, ast.Constant) else None
            told |= {above.target.id: _first(text)} if isinstance(text, str) else {}
    return told


def _first(text: str) -> str:
    """The first paragraph, on one line."""
    return " ".join(text.strip().partition("\n\n")[0].split())
