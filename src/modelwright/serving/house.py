"""All models of a server, each at its desk. Knows no web."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from modelwright.nouns import Artifact
from modelwright.serving.asking import Question, Wanted
from modelwright.serving.describing import Field, example, fields, wanted
from modelwright.serving.desk import Desk


@dataclass(frozen=True)
class Model:
    """What a route needs of one model."""

    name: str
    artifact: Artifact
    desk: Desk
    wanted: Wanted
    fields: tuple[Field, ...]
    example: Question | None


def opened(artifacts: Mapping[str, Artifact]) -> dict[str, Model]:
    """A desk for each; close them when done."""
    return {name: _opened(name, artifact) for name, artifact in artifacts.items()}


def _opened(name: str, artifact: Artifact) -> Model:
    codec = artifact.codec
    return Model(name, artifact, Desk(artifact), wanted(codec), fields(codec), example(codec))


def closed(models: Mapping[str, Model]) -> None:
    """Every desk answers what waits, and ends."""
    for model in models.values():
        model.desk.close()
