"""Keeps the catalogues in step with the sentences in the source. By hand: python scripts/catalogue.py

Finds every say() and say_many() in Python files and page templates, updates LANG/LC_MESSAGES/modelwright.po (new sentences
come in untranslated, near ones marked fuzzy, gone ones go) and compiles the .mo beside it. Then translate, and run it again.
tests/test_wording.py fails until faults() finds nothing.
"""

from __future__ import annotations

import ast
import io
import re
import string
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.mofile import read_mo, write_mo
from babel.messages.pofile import read_po, write_po

SOURCE = Path(__file__).parent.parent / "src" / "modelwright"
CALLS = {"say": 1, "say_many": 2}
"""The calls, and how many literal sentences each begins with."""
TEMPLATES = {".html", ".jinja", ".j2"}
BORN = datetime(2025, 1, 1, tzinfo=timezone.utc)
"""One date in every header, so that running this twice changes nothing."""


@dataclass(frozen=True)
class Call:
    """One say() or say_many() as it stands in the source."""

    place: str
    line: int
    forms: tuple[str, ...]
    """The sentence, or its forms for one and for many; fewer where one is not literal."""
    wanted: int
    facts: frozenset[str] | None
    """Names of the facts given; None where ** hides them."""

    def __str__(self) -> str:
        return f"{self.place}:{self.line}"


# --- finding ----------------------------------------------------------------------------------------------------------------


def calls(source: Path) -> list[Call]:
    found: list[Call] = []
    for file in sorted(source.rglob("*")):
        place = file.relative_to(source).as_posix()
        if file.suffix == ".py":
            found += in_python(file.read_text(encoding="utf-8"), place)
        elif file.suffix in TEMPLATES:
            found += in_template(file.read_text(encoding="utf-8"), place)
    return found


def in_python(text: str, place: str) -> Iterator[Call]:
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").endswith("wording"):
            for alias in node.names:
                if alias.name in CALLS and alias.asname:  # under another name nobody would find its sentences
                    yield Call(place, node.lineno, (), CALLS[alias.name], None)
        if not isinstance(node, ast.Call):
            continue
        name = getattr(node.func, "id", getattr(node.func, "attr", None))
        if name in CALLS:
            first = [a.value for a in node.args[: CALLS[name]] if isinstance(a, ast.Constant) and isinstance(a.value, str)]
            facts = {keyword.arg for keyword in node.keywords}
            yield Call(place, node.lineno, tuple(first), CALLS[name], _named(facts, name))


def in_template(text: str, place: str) -> Iterator[Call]:
    from jinja2 import Environment, nodes

    for node in Environment(extensions=["jinja2.ext.do", "jinja2.ext.loopcontrols"]).parse(text).find_all(nodes.Call):
        name = getattr(node.node, "name", getattr(node.node, "attr", None))
        if name in CALLS:
            first = [a.value for a in node.args[: CALLS[name]] if isinstance(a, nodes.Const) and isinstance(a.value, str)]
            facts = {pair.key for pair in node.kwargs} | ({None} if node.dyn_kwargs else set())
            yield Call(place, node.lineno, tuple(first), CALLS[name], _named(facts, name))


def _named(facts: set[str | None], name: str) -> frozenset[str] | None:
    given = frozenset(fact for fact in facts if fact is not None)
    return None if None in facts else given | ({"n"} if name == "say_many" else set())


# --- judging ----------------------------------------------------------------------------------------------------------------


def places(sentence: str) -> set[str]:
    """The {places} of a sentence, with their formats. ValueError for a lone brace."""
    parts = [part[1:] for part in string.Formatter().parse(sentence) if part[1] is not None]
    return {f"{name}" + (f"!{turn}" if turn else "") + (f":{form}" if form else "") for name, form, turn in parts}


def faults_of_calls(found: Iterable[Call]) -> Iterator[str]:
    """Calls whose sentences cannot be found, or whose facts are not those of the sentence."""
    for call in found:
        if len(call.forms) < call.wanted or not all(call.forms):
            yield f"{call}: say() under its own name and with a literal sentence, or nobody can translate it"
            continue
        try:
            named = {re.split(r"[!:.\[]", place)[0] for form in call.forms for place in places(form)}
        except ValueError as error:
            yield f"{call}: {error}"
            continue
        if call.facts is None:
            continue
        if call.wanted == 1 and not call.facts:
            named = set()  # say() without facts does not format: braces stay braces
        yield from (f"{call}: {{{name}}} is in the sentence but not given" for name in sorted(named - call.facts))
        yield from (f"{call}: {name} is given but not in the sentence" for name in sorted(call.facts - named - {"n"}))


def faults_of_catalogue(found: Iterable[Call], catalogue: Catalog) -> Iterator[str]:
    """Sentences without translation, translations without sentence, and those whose {places} differ."""
    used = {call.forms for call in found if len(call.forms) == call.wanted}
    ours = {_forms(message.id): message for message in catalogue if message.id}
    yield from (f"not translated: {forms[0]}" for forms in sorted(used - ours.keys()))
    yield from (f"no longer used: {forms[0]}" for forms in sorted(ours.keys() - used))
    if len({forms[0] for forms in used}) < len(used):
        yield "a sentence is said both by say() and by say_many(): gettext keeps one of the two"
    for forms in sorted(used & ours.keys()):
        yield from (f"{fault}: {forms[0]}" for fault in _faults_of(ours[forms], forms))


def _faults_of(message: Message, forms: tuple[str, ...]) -> Iterator[str]:
    translations = _forms(message.string)
    if message.fuzzy or not all(translations):
        yield "not translated"
        return
    must, may = places(forms[-1]), set[str]().union(*map(places, forms))
    for translation in translations:
        try:
            found = places(translation)
        except ValueError as error:
            yield f"{error} in the translation"
            continue
        yield from (f"{{{place}}} is not in the translation" for place in sorted(must - found))
        yield from (f"{{{place}}} is only in the translation" for place in sorted(found - may))


def faults_of_compiled(catalogue: Catalog, compiled: Catalog) -> Iterator[str]:
    """Where the .mo says something else than the .po."""
    fresh = io.BytesIO()
    write_mo(fresh, catalogue)
    fresh.seek(0)
    wanted, found = _told(read_mo(fresh)), _told(compiled)
    for forms in sorted(wanted.keys() | found.keys()):
        if wanted.get(forms) != found.get(forms):
            yield f"the .mo is not in step with the .po: {forms[0]}"


def _told(catalogue: Catalog) -> dict[tuple[str, ...], tuple[str, ...]]:
    return {_forms(message.id): _forms(message.string) for message in catalogue if message.id}


def _forms(text: str | Iterable[str] | None) -> tuple[str, ...]:
    return (text or "",) if text is None or isinstance(text, str) else tuple(text)


def faults(source: Path, folder: Path, language: str) -> list[str]:
    """All that is wrong with the sentences in source and their catalogue in folder."""
    found = calls(source)
    po = folder / language / "LC_MESSAGES" / "modelwright.po"
    told = list(faults_of_calls(found))
    if not po.exists():
        return [*told, f"{po} is not there"]
    catalogue = read(po, language)
    told += faults_of_catalogue(found, catalogue)
    mo = po.with_suffix(".mo")
    if not mo.exists():
        return [*told, f"{mo} is not there"]
    with mo.open("rb") as file:
        return [*told, *faults_of_compiled(catalogue, read_mo(file))]


# --- keeping in step --------------------------------------------------------------------------------------------------------


def read(po: Path, language: str) -> Catalog:
    with po.open("rb") as file:
        return read_po(file, locale=language)


def update(source: Path, folder: Path, language: str) -> Catalog:
    """Writes the .po and the .mo anew; what was translated stays."""
    template = Catalog(project="modelwright", charset="utf-8", creation_date=BORN)
    for call in calls(source):
        if len(call.forms) == call.wanted:
            template.add(call.forms[0] if call.wanted == 1 else call.forms, locations=[(call.place, call.line)])
    po = folder / language / "LC_MESSAGES" / "modelwright.po"
    fresh = Catalog(
        locale=language, project="modelwright", charset="utf-8", fuzzy=False, creation_date=BORN, revision_date=BORN,
        last_translator="modelwright", language_team=language, msgid_bugs_address="none", version="1",
    )  # fmt: skip
    catalogue = read(po, language) if po.exists() else fresh
    catalogue.header_comment = f"# The sentences of modelwright in {language}."
    catalogue.update(template, update_creation_date=False)
    po.parent.mkdir(parents=True, exist_ok=True)
    with po.open("wb") as file:
        write_po(file, catalogue, width=120, ignore_obsolete=True, include_lineno=False, sort_by_file=True)
    with po.with_suffix(".mo").open("wb") as file:
        write_mo(file, read(po, language))
    return read(po, language)


def main() -> int:
    catalogue = update(SOURCE, SOURCE / "wording", "zh_CN")
    left = [message for message in catalogue if message.id and (message.fuzzy or not all(_forms(message.string)))]
    print(f"zh_CN: {len(catalogue):,} sentences, {len(left):,} not translated")  # noqa: T201
    for fault in faults_of_calls(calls(SOURCE)):
        print(fault)  # noqa: T201
    return 1 if left else 0


if __name__ == "__main__":
    sys.exit(main())
