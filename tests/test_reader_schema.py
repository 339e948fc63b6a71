"""The JSON schema lets in what the reader lets in. Its judge here is a small validator of the words that we use."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

from hypothesis import given, settings
from hypothesis import strategies as st

from modelwright.nouns import Count, NotNegative, Positive, Share
from modelwright.reader import attempt, schema
from modelwright.reader.schema import remarks


@dataclass(frozen=True)
class SGD:
    """Plain descent,
    with momentum.

    A second paragraph that editors need not show."""

    rate: Positive = 0.1
    """How far one step goes."""
    momentum: Share = 0.0


@dataclass(frozen=True)
class Adam:
    betas: tuple[NotNegative, Share] = (0.9, 0.999)
    flags: tuple[bool, ...] = ()


@dataclass(frozen=True)
class Stopping:
    patience: Count


@dataclass(frozen=True)
class Form:
    optimizer: SGD | Adam
    path: Path = Path("rows.csv")
    threads: Literal["auto"] | Count = "auto"
    stopping: Stopping | None = None
    chain: tuple[SGD | Adam, ...] = ()
    name: str = ""


DRAWN = schema(Form)


def allows(rule: dict[str, Any], value: object) -> bool:
    """A validator of the part of JSON schema that reader.schema writes; any other word is a fault of the test."""
    rule = {word: told for word, told in rule.items() if word not in ("$schema", "title", "description", "default", "$defs")}
    types = {"object": dict, "array": list, "string": str, "boolean": bool, "integer": int, "number": (int, float)}
    for word, told in rule.items():
        numeric = isinstance(value, (int, float)) and not isinstance(value, bool)
        match word:
            case "$ref":
                fits = allows(DRAWN["$defs"][told.removeprefix("#/$defs/")], value)
            case "type":
                fits = isinstance(value, types[told]) and (not isinstance(value, bool) or told == "boolean")
            case "const" | "enum":
                fits = any(type(value) is type(one) and value == one for one in (told if word == "enum" else [told]))
            case "anyOf":
                fits = any(allows(one, value) for one in told)
            case "oneOf":
                fits = sum(allows(one, value) for one in told) == 1
            case "properties":
                fits = not isinstance(value, dict) or all(allows(told[key], value[key]) for key in value if key in told)
            case "required":
                fits = not isinstance(value, dict) or all(key in value for key in told)
            case "additionalProperties":
                fits = told is not False or not isinstance(value, dict) or set(value) <= set(rule["properties"])
            case "items":
                start = len(rule.get("prefixItems", ()))
                rest = value[start:] if isinstance(value, list) else []
                fits = not rest if told is False else all(allows(told, item) for item in rest)
            case "prefixItems":
                fits = not isinstance(value, list) or all(map(allows, told, value))
            case "minItems":
                fits = not isinstance(value, list) or len(value) >= told
            case "minimum":
                fits = not numeric or value >= told
            case "maximum":
                fits = not numeric or value <= told
            case "exclusiveMinimum":
                fits = not numeric or value > told
            case "exclusiveMaximum":
                fits = not numeric or value < told
            case _:
                raise AssertionError(f"the validator does not know {word}")
        if not fits:
            return False
    return True


plain = st.sampled_from(
    [0, 1, -1, 0.5, 1.5, "auto", "x", True, [], [0.5, 0.5], [0.5], [True], {}, {"patience": 2}, {"patience": 0}]
)
words = st.sampled_from(["sgd", "adam", "sdg", 1])
keys = st.dictionaries(st.sampled_from(["rate", "momentum", "betas", "flags", "other"]), plain, max_size=2)
optimizers = st.builds(lambda word, rest: {"kind": word, **rest}, words, keys)
good = st.fixed_dictionaries({"kind": st.just("sgd")}, optional={"rate": st.just(0.5), "momentum": st.just(0.5)})
some = st.one_of(good, good, good, optimizers, plain)
trees = st.fixed_dictionaries(
    {},
    optional={
        "optimizer": some,
        "path": st.just("a") | plain,
        "threads": st.just(2) | plain,
        "stopping": st.just({"patience": 1}) | plain,
        "chain": st.lists(some, max_size=2) | plain,
        "name": st.just("n") | plain,
        "extra": plain,
    },
)


@settings(max_examples=500)
@given(trees)
def test_schema_and_reader_agree(tree):
    assert allows(DRAWN, tree) == (not attempt(Form, tree)[1]), attempt(Form, tree)[1]


def test_both_answers_occur():
    """The test above means something only if it sees both."""
    seen = {True: 0, False: 0}

    @settings(max_examples=300, database=None, derandomize=True)
    @given(trees)
    def count(tree):
        seen[not attempt(Form, tree)[1]] += 1

    count()
    assert min(seen.values()) >= 10, seen


def test_the_shape_of_a_schema():
    assert DRAWN["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert DRAWN["required"] == ["optimizer"]
    assert DRAWN["additionalProperties"] is False
    chosen = DRAWN["properties"]["optimizer"]["oneOf"]
    kinds = [DRAWN["$defs"][one["$ref"].removeprefix("#/$defs/")] for one in chosen]
    assert [one["properties"]["kind"] for one in kinds] == [{"const": "sgd"}, {"const": "adam"}]
    assert kinds[0]["description"] == "Plain descent, with momentum."
    assert kinds[0]["properties"]["rate"] == {
        "type": "number", "exclusiveMinimum": 0, "description": "How far one step goes.", "default": 0.1,
    }  # fmt: skip
    assert "description" not in kinds[1], "a signature is no description"
    assert DRAWN["properties"]["threads"]["anyOf"] == [{"enum": ["auto"]}, {"type": "integer", "minimum": 1}]
    assert json.loads(json.dumps(DRAWN)) == DRAWN


def test_remarks_are_inherited_with_their_fields():
    @dataclass(frozen=True)
    class Nesterov(SGD):
        """Looks ahead."""

    assert remarks(Nesterov) == {"": "Looks ahead.", "rate": "How far one step goes."}


def test_kinds_from_outside_are_in_the_schema():
    @dataclass(frozen=True)
    class MyStep:
        size: Count = 1
        room: ClassVar[str] = "optimizer"

    drawn = schema(Form, (MyStep,))
    assert [one["$ref"].rpartition(".")[2] for one in drawn["properties"]["optimizer"]["oneOf"]] == ["SGD", "Adam", "MyStep"]
    assert len(drawn["properties"]["chain"]["items"]["oneOf"]) == 2
