"""A model that learned from texts goes on with one: prompt in, text out, piece by piece. Knows no training."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

from modelwright.nouns import Artifact, Refused
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
    from modelwright.data.codecs.tokenizing import UNKNOWN
    from modelwright.models.generation import kept

    codec = _passages(artifact)
    tokens, longest = codec.begin(prompt), codec.encoding.longest
    read = kept(tokens, longest)
    return Begun(read, tokens.count(UNKNOWN), len(tokens) - len(read), longest)


def generate(artifact: Artifact, begun: Begun, how: Sampling) -> Iterator[str]:
    """What the model says, piece by piece, until it ends the text or has said enough."""
    from modelwright.data.codecs.tokenizing import END, PADDING, UNKNOWN
    from modelwright.models.generation import onward

    how = replace(how, stop=(*how.stop, END), never=(*how.never, PADDING, UNKNOWN))
    spelling = _passages(artifact).decoder()
    for token in onward(cast("Decoding", artifact.module), begun.tokens, how):
        if piece := spelling.push(token):
            yield piece
    yield spelling.finish()


def _passages(artifact: Artifact) -> Passages:
    """The codec of a model that goes on with texts. Refused: any other."""
    if artifact.codec.encoding.label is not None:
        told = say("This model answers {label} and does not go on with texts.", label=artifact.codec.encoding.label)
        raise Refused(told, say("Give it rows: modelwright predict ARTIFACT rows.csv -o answers.csv"))
    return cast("Passages", artifact.codec)
