"""All models of a server, each at its desk. Knows no web."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from modelwright import generating
from modelwright.data.codecs.tags.schemes import OUTSIDE
from modelwright.nouns import Artifact, Tagged, Vector
from modelwright.serving.asking import Question, Wanted
from modelwright.serving.describing import Field, example, fields, wanted
from modelwright.serving.desk import Desk
from modelwright.serving.speaker import Speaker


@dataclass(frozen=True)
class Model:
    """What a route needs of a model that answers rows."""

    name: str
    artifact: Artifact
    desk: Desk
    wanted: Wanted
    fields: tuple[Field, ...]
    example: Question | None

    @property
    def answers(self) -> Literal["label", "vector", "tags"]:
        """What; of vectors there are no reasons."""
        kind = self.artifact.codec.writes[0].kind
        return "vector" if isinstance(kind, Vector) else "tags" if isinstance(kind, Tagged) else "label"

    @property
    def names(self) -> list[str]:
        """Of all that its tags spell: entities, or where they spell none the tags themselves."""
        kind = self.artifact.codec.writes[0].kind
        assert isinstance(kind, Tagged)
        return list(dict.fromkeys(tag if kind.scheme == "none" else tag[2:] for tag in kind.tags if tag != OUTSIDE))


@dataclass(frozen=True)
class Speaking:
    """What a route needs of a model that says texts."""

    name: str
    artifact: Artifact
    speaker: Speaker
    chats: bool
    """It can be asked in messages."""


@dataclass(frozen=True)
class House:
    """By name."""

    models: Mapping[str, Model]
    speaking: Mapping[str, Speaking]

    @property
    def names(self) -> list[str]:
        return [*self.models, *self.speaking]


def opened(artifacts: Mapping[str, Artifact]) -> House:
    """A desk for each; close them when done."""
    speaking = {name: one for name, one in artifacts.items() if generating.speaks(one.codec.encoding)}
    models = {name: _model(name, one) for name, one in artifacts.items() if name not in speaking}
    return House(models, {name: Speaking(name, one, Speaker(one), generating.chats(one)) for name, one in speaking.items()})


def _model(name: str, artifact: Artifact) -> Model:
    codec = artifact.codec
    return Model(name, artifact, Desk(artifact), wanted(codec), fields(codec), example(codec))


def closed(house: House) -> None:
    """Every desk answers what waits, and ends."""
    for model in house.models.values():
        model.desk.close()
    for one in house.speaking.values():
        one.speaker.close()
