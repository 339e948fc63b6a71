"""The OpenAPI text of a server, drawn from its models' codecs. Every address is in it, and nothing else."""

from __future__ import annotations

from typing import Any

from modelwright import __version__
from modelwright.nouns import Classes, Tagged, Vector
from modelwright.reader import schema
from modelwright.serving.describing import Field
from modelwright.serving.house import House, Model, Speaking
from modelwright.serving.prompting import Wish
from modelwright.wording import say

ERROR = {"type": "object", "properties": {"error": {"type": "string"}}, "required": ["error"]}


def openapi(house: House, keys: bool) -> dict[str, Any]:
    """OpenAPI 3.1. keys: whether a key is needed, for every address alike."""
    told: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {"title": "modelwright", "version": __version__},
        "paths": {
            **{f"/predict/{name}": {"post": _predict(model)} for name, model in house.models.items()},
            **{f"/explain/{name}": {"post": _explain(one)} for name, one in house.models.items() if one.answers != "vector"},
            **{f"/generate/{name}": {"post": _generate(one)} for name, one in house.speaking.items()},
            "/health": {"get": _plain(say("Whether the server lives"), "application/json")},
            "/ready": {"get": _plain(say("Whether every model answers a row now"), "application/json", "503")},
            "/metrics": {"get": _plain(say("What happened so far, for Prometheus"), "text/plain")},
            "/openapi.json": {"get": _plain(say("This text"), "application/json")},
            "/docs": {"get": _plain(say("This text, as a page"), "text/html")},
            "/": {"get": _plain(say("A page to try the models"), "text/html")},
        },
        "components": {"schemas": {**_schemas(house), "Error": ERROR}},
    }
    if keys:
        told["components"]["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
        told["security"] = [{"key": []}]
    return told


def _schemas(house: House) -> dict[str, Any]:
    """What rows and answers are, each under a name of its own, so that a program's types have one."""
    rows = {f"{name}.row": _row(model) for name, model in house.models.items()}
    return rows | {f"{name}.answer": _answer(model) for name, model in house.models.items()}


def _called(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


def _plain(about: str, media: str, *others: str) -> dict[str, Any]:
    return {"summary": about, "responses": {"200": {"description": about, "content": {media: {}}}, **_errors(*others)}}


def _errors(*statuses: str) -> dict[str, Any]:
    sentences = {
        "408": say("The request did not come in time"),
        "413": say("Too many bytes, or too many rows"),
        "415": say("A Content-Type that is not read"),
        "422": say("Not what the Content-Type says, or a column is not there"),
        "503": say("Too many rows are waiting, or a model is not ready: come back"),
    }
    schema = {"application/json": {"schema": _called("Error")}}
    return {status: {"description": sentences[status], "content": schema} for status in statuses}


def _predict(model: Model) -> dict[str, Any]:
    about = say("Answers of the model {name}, one a row", name=model.name)
    every = {"type": "array", "items": _called(f"{model.name}.answer")}
    post = _post(model, about, {"type": "object", "properties": {"answers": every}, "required": ["answers"]})
    post["responses"]["200"]["content"]["text/csv"] = {"schema": {"type": "string"}}
    return post


def _explain(model: Model) -> dict[str, Any]:
    """Of the first row; the schema says what is always there."""
    value = {"type": "object", "properties": {"feature": {"type": "string"}, "value": {"type": "number"}}}
    told = {"answer": {"type": "string"}, "values": {"type": "array", "items": value}}
    about = say("Why {name} answers the first row as it does; the other rows are what it is compared with", name=model.name)
    post = _post(model, about, {"type": "object", "properties": told, "required": ["answer", "values"]})
    if model.answers == "tags":
        which = say("Which word's tag, counted from 0; without it the first that is not outside")
        post["parameters"] = [{"name": "word", "in": "query", "schema": {"type": "integer"}, "description": which}]
    return post


def _post(model: Model, about: str, answers: dict[str, Any]) -> dict[str, Any]:
    """What both read is the same."""
    row = _called(f"{model.name}.row")
    several = {"type": "array", "items": row}
    rows = {"type": "object", "properties": {"rows": several}, "required": ["rows"]}
    bodies: dict[str, Any] = {"application/json": {"schema": {"anyOf": [row, several, rows]}}}
    if model.wanted.raw:
        bodies[f"{model.wanted.media}/*"] = {"schema": {"type": "string", "format": "binary"}}
    else:
        bodies["text/csv"] = {"schema": {"type": "string"}}
    return {
        "summary": about,
        "requestBody": {"required": True, "content": bodies},
        "responses": {
            "200": {"description": about, "content": {"application/json": {"schema": answers}}},
            **_errors("408", "413", "415", "422", "503"),
        },
    }


def _row(model: Model) -> dict[str, Any]:
    row: dict[str, Any] = {"type": "object", "properties": {field.name: _cell(field) for field in model.fields}}
    if model.fields:
        row["example"] = {field.name: field.example for field in model.fields}
    return row


def _generate(one: Speaking) -> dict[str, Any]:
    """What is read is told by the kind that reads it."""
    about = say("What {name} says: all at once, or piece by piece as server-sent events", name=one.name)
    wish = {key: told for key, told in schema(Wish).items() if key not in ("$schema", "$defs")}
    (wish["properties"]["messages"]["items"],) = schema(Wish)["$defs"].values()
    wish["properties"]["schema"] = {"type": "object", "description": say("A JSON schema that the answer is an instance of")}
    facts = {
        "text": {"type": "string"}, "tokens": {"type": "integer"}, "prompt_tokens": {"type": "integer"},
        "ended": {"enum": ["end", "stop", "tokens"]}, "whole": {"type": "boolean"},
        "notes": {"type": "array", "items": {"type": "string"}},
    }  # fmt: skip
    whole = {"schema": {"type": "object", "properties": facts, "required": list(facts)}}
    pieces = {"schema": {"type": "string"}}
    answers = {"200": {"description": about, "content": {"application/json": whole, "text/event-stream": pieces}}}
    bodies = {"application/json": {"schema": wish}}
    errors = _errors("408", "413", "415", "422", "503")
    return {"summary": about, "requestBody": {"required": True, "content": bodies}, "responses": {**answers, **errors}}


def _cell(field: Field) -> dict[str, Any]:
    types = {"number": ["number", "string", "null"], "category": ["string", "number", "boolean", "null"]}
    if field.kind in ("picture", "sound"):
        return {"type": "string", "contentEncoding": "base64"}
    if field.kind == "words":
        return {"type": ["array", "null"], "items": {"type": "string"}, "examples": [field.example]}
    return {"type": types.get(field.kind, ["string", "null"]), "examples": [field.example]}


def _answer(model: Model) -> dict[str, Any]:
    told = {
        "row": {"type": "integer", "description": say("Its place in the request, from 0")},
        **_said(model),
        "fault": {"type": "string", "description": say("Why there is no answer, or no label")},
        "overlong": {"type": "string", "description": say("What of a long text or recording was not taken in")},
    }
    return {"type": "object", "properties": told, "required": ["row", "answer"]}


def _said(model: Model) -> dict[str, Any]:
    """The answer, and what goes with it."""
    match kind := model.artifact.codec.writes[0].kind:
        case Classes():
            chance = {"type": "number", "minimum": 0, "maximum": 1}
            chances = {"type": "object", "properties": dict.fromkeys(kind.names, chance)}
            return {"answer": {"enum": [*kind.names, None]}, "probability": chance, "chances": chances}
        case Vector():
            vector = {"type": ["array", "null"], "items": {"type": "number"}, "minItems": kind.width, "maxItems": kind.width}
            about = say("Of a row that is a pair of texts: how alike they are, the cosine of their vectors")
            return {"answer": vector, "likeness": {"type": "number", "description": about}}
        case Tagged():
            return _tags(kind)
        case _:
            return {"answer": {"type": ["number", "null"]}}


def _tags(kind: Tagged) -> dict[str, Any]:
    """A word beyond what is read has no tag."""
    word = {"type": "object", "properties": {"word": {"type": "string"}, "tag": {"enum": [*kind.tags, None]}}}
    answer = {"answer": {"type": ["array", "null"], "items": word}}
    if kind.scheme == "none":
        return answer
    place = {"type": "integer", "description": say("Words are counted from 0; stop is the first one after the entity")}
    words = {"type": "array", "items": {"type": "string"}}
    entity = {"name": {"type": "string"}, "start": place, "stop": place, "words": words}
    return {**answer, "entities": {"type": "array", "items": {"type": "object", "properties": entity}}}
