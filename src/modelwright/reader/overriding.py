"""--set training.epochs=3: one value of a plain tree replaced before it is read."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from modelwright.nouns import Refused
from modelwright.reader.kinds import Where
from modelwright.reader.lines import Lines
from modelwright.reader.toml import TOMLDecodeError, loads
from modelwright.wording import say

PATH = re.compile(r"[A-Za-z0-9_-]+(\[\d+\])*(\.[A-Za-z0-9_-]+(\[\d+\])*)*")


def override(tree: Mapping[str, Any], assignments: Iterable[str], lines: Lines | None = None) -> tuple[dict[str, Any], Lines]:
    """The tree with every "path=value" in it, and lines that say --set for these paths. The tree given stays as it is.

    Values are TOML: 3, true, [64, 32], {kind = "sgd", rate = 0.1}; a bare word is text. Refused: no path, no value."""
    changed: Any = dict(tree)
    lines = lines or Lines()
    for assignment in assignments:
        where, value = _taken_apart(assignment)
        changed = _replaced(changed, where, value, assignment)
        lines = lines.with_given(where)
    return changed, lines


def _taken_apart(assignment: str) -> tuple[Where, Any]:
    path, equals, text = assignment.partition("=")
    if not equals or not PATH.fullmatch(path.strip()):
        raise Refused(say("--set {given}: write it as KEY=VALUE, for example --set training.epochs=3", given=assignment))
    where = tuple(int(part) if part.isdigit() and mark else part for mark, part in re.findall(r"(\[)?([A-Za-z0-9_-]+)", path))
    return where, _value(text.strip(), assignment)


def _value(text: str, assignment: str) -> Any:
    try:
        read = loads(f"value = {text}")
    except TOMLDecodeError as error:
        if not text or text[0] in "\"'[{":
            problem = str(error).partition(" (at")[0]
            sentence = say("--set {given}: the value is not TOML ({problem}).", given=assignment, problem=problem)
            raise Refused(sentence) from error
        return text
    return read["value"] if len(read) == 1 else text


def _replaced(node: Any, where: Where, value: Any, assignment: str) -> Any:
    """The node with the value at the path below it; tables that are not there are made, items of lists are not."""
    if not where:
        return value
    first, *others = where
    if isinstance(first, int):
        if not isinstance(node, list) or first >= len(node):
            raise Refused(say("--set {given}: the list has no item [{item}].", given=assignment, item=first))
        return [*node[:first], _replaced(node[first], tuple(others), value, assignment), *node[first + 1 :]]
    if not isinstance(node, Mapping):
        raise Refused(say("--set {given}: there is no table that {key} could stand in.", given=assignment, key=first))
    return {**node, first: _replaced(node.get(first, {}), tuple(others), value, assignment)}
