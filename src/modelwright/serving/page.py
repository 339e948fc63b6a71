"""The pages of a server: one to try each model, one for the OpenAPI text. No outside address, no style or script but ours."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Mapping
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from modelwright import __version__
from modelwright.serving.house import House, Model
from modelwright.wording import say, spoken

HERE = Path(__file__).parent
WIDE = 88
LONG = 400
"""Characters of an example that a page shows as a command; longer ones are files to send."""


def first(house: House, base: str) -> str:
    """A form for each model: an example in every column, or a place for a prompt."""
    commands = {name: _command(model, base) for name, model in house.models.items()}
    commands |= {name: _asked(f"{base}/generate/{name}", _wish(one.chats)) for name, one in house.speaking.items()}
    prompts = {"beginning": _beginning(), "request": _request()}
    return _page("first.html.j2", house=house, commands=commands, script=_read("first.js"), **prompts)


def _wish(chats: bool) -> dict[str, Any]:
    """An example of what such a model is asked."""
    return {"messages": [{"role": "user", "content": _request()}]} if chats else {"prompt": _beginning()}


def _beginning() -> str:
    return say("Once upon a time")


def _request() -> str:
    return say("What can you do?")


def docs(openapi: Mapping[str, Any]) -> str:
    """The OpenAPI text for the eye."""
    return _page("docs.html.j2", openapi=openapi, shown=_linked)


def _linked(value: Any) -> Any:
    """As markup: JSON, and where it names a schema the way to it."""
    from markupsafe import Markup, escape

    told = re.sub(r"&#34;(#/components/schemas/([\w.-]+))&#34;", r'"<a href="#\2">\1</a>"', str(escape(narrow(value))))
    return Markup(told)


def narrow(value: Any, within: int = 0) -> str:
    """JSON in lines of WIDE characters where it can be: what fits in one stands in one. within: that it is indented by."""
    whole = json.dumps(value, ensure_ascii=False)
    if within + len(whole) <= WIDE or not isinstance(value, (dict, list)) or not value:
        return whole
    deeper = within + 2
    if isinstance(value, dict):
        parts = [f"{json.dumps(name, ensure_ascii=False)}: {narrow(inner, deeper)}" for name, inner in value.items()]
    else:
        parts = [narrow(inner, deeper) for inner in value]
    begin, end = "{}" if isinstance(value, dict) else "[]"
    inside = f",\n{' ' * deeper}".join(parts)
    return f"{begin}\n{' ' * deeper}{inside}\n{' ' * within}{end}"


@cache
def policy() -> str:
    """What a browser lets these pages do: nothing but our own style and script, and questions to this server."""
    style, script = (_digest(_read(name)) for name in ("pages.css", "first.js"))
    allowed = f"style-src {style}; script-src {script}; connect-src 'self'; img-src blob:; media-src blob:"
    return f"default-src 'none'; {allowed}; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"


def _command(model: Model, base: str) -> str:
    """The same question from a terminal."""
    address = f"{base}/predict/{model.name}"
    row = {field.name: field.example for field in model.fields}
    if model.wanted.raw:
        return f"curl {address} -H 'Content-Type: {model.wanted.media}/*' --data-binary @FILE"
    told = json.dumps(row, ensure_ascii=False)
    if len(told) > LONG or "'" in told:
        return f"curl {address} -H 'Content-Type: text/csv' --data-binary @rows.csv"
    return _asked(address, row)


def _asked(address: str, facts: Mapping[str, Any]) -> str:
    told = json.dumps(facts, ensure_ascii=False)
    return f"curl {address} -H 'Content-Type: application/json' -d '{told}'"


def _page(template: str, **facts: Any) -> str:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    files = FileSystemLoader(HERE, encoding="utf-8")
    templates = Environment(loader=files, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    words: dict[str, Any] = {"say": say, "style": _read("pages.css"), "version": __version__}
    return templates.get_template(template).render(language=spoken().replace("_", "-"), **words, **facts)


@cache
def _read(name: str) -> str:
    return (HERE / name).read_text(encoding="utf-8")


def _digest(text: str) -> str:
    """As a Content-Security-Policy names what it allows."""
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"
