"""A model that learned from texts goes on with one: prompt in, text out, piece by piece. Knows no training."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

from modelwright.nouns import Artifact, Refused, Vector
from modelwright.wording import say

if TYPE_CHECKING:
    from modelwright.data.codecs.passages import Passages
    from modelwright.models.networks.decoding import Decoding
    from modelwright.models.sampling import Sampling


@dataclass(frozen=True)
class Begun:
    """A prompt as a model reads it."""

    tokens: list[int]
    unknown: int
    """Characters that the model does not know."""
    dropped: int
    """Tokens at its beginning that are not read."""
    longest: int
    """Tokens that the model looks back on."""


def begin(artifact: Artifact, prompt: str) -> Begun:
    """Refused: a model that does not go on with texts."""
    from modelwright.models.generation import kept

    codec = _passages(artifact)
    tokens, longest = codec.begin(prompt), codec.encoding.longest
    read = kept(tokens, longest)
    unknown = codec.controls.unknown
    return Begun(read, 0 if unknown is None else tokens.count(unknown), len(tokens) - len(read), longest)


def generate(artifact: Artifact, begun: Begun, how: Sampling) -> Iterator[str]:
    """What the model says, piece by piece, until it ends the text or has said enough."""
    from modelwright.models.generation import onward

    codec = _passages(artifact)
    how = replace(how, stop=(*how.stop, *codec.controls.stops), never=(*how.never, *codec.controls.never))
    spelling = codec.decoder()
    for token in onward(cast("Decoding", artifact.module), begun.tokens, how):
        if piece := spelling.push(token):
            yield piece
    yield spelling.finish()


def _passages(artifact: Artifact) -> Passages:
    """The codec of a model that goes on with texts. Refused: any other."""
    if artifact.codec.encoding.wants is Vector:
        told = say("This model answers each text with a vector and does not go on with it.")
        raise Refused(told, say("Let it answer: modelwright predict ARTIFACT rows.csv -o vectors.parquet"))
    if artifact.codec.encoding.label is not None:
        told = say("This model answers {label} and does not go on with texts.", label=artifact.codec.encoding.label)
        raise Refused(told, say("Give it rows: modelwright predict ARTIFACT rows.csv -o answers.csv"))
    return cast("Passages", artifact.codec)
