"""What each file of a shape states: which models it is, how its config reads, and the table of its tensors."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelwright.exchange.huggingface.fields import Fields
from modelwright.exchange.huggingface.heads import Head
from modelwright.exchange.renaming import Row, Tensors
from modelwright.models import Decoder, Encoder, EncoderDecoder, Family
from modelwright.nouns import Refused
from modelwright.reader import read, write
from modelwright.wording import say

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Described:
    """What a config says of a model."""

    family: Encoder | Decoder | EncoderDecoder
    alphabet: int
    longest: int
    """Places that the model has, or may look back on."""
    extra: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    """Shapes of tensors that are theirs alone."""
    notes: tuple[str, ...] = ()
    """What is to be told of it."""
    start: int | None = None
    """The number before a reply."""
    head: Head = Head()
    """What stands on an encoder."""


def same(tensors: Tensors) -> Tensors:
    return tensors


def as_they_are(tensors: Tensors, family: Any) -> Tensors:
    return tensors


@dataclass(frozen=True)
class Shape:
    types: tuple[str, ...]
    """As model_type names them."""
    prefix: str
    """What their names begin with where a head stands beside the model."""
    read: Callable[[Fields], Described]
    write: Callable[[Any, int, int], dict[str, Any]]
    """(family, alphabet, longest) -> config.json. Refused: a family that has not this shape."""
    table: tuple[Row, ...]
    idle: tuple[str, ...] = ()
    """Regular expressions: tensors of theirs that take no part in our answers."""
    beside: tuple[str, ...] = ()
    """What names begin with that stand beside an encoder, not under the prefix."""
    copies: Mapping[str, str] = field(default_factory=dict)
    """Tensors of theirs that may stand there once more, under another name."""
    folded: Callable[[Tensors], Tensors] = same
    """Theirs alone, worked into those of the table."""
    unfolded: Callable[[Tensors, Any], Tensors] = as_they_are
    """And made again, for the way back: (theirs as the table gives them, family). What theirs has no value for is worked into
    weights, so that answers are the same."""


def refuse_impossible(described: Described, file: Path) -> None:
    """Refused: numbers that a family cannot have, as a share of 7."""
    try:
        read(Family, write(described.family), "model")
    except Refused as refusal:
        fault = refusal.sentences[0].splitlines()[0]
        raise Refused(say("{file} describes no model that could be: {fault}.", file=file, fault=fault)) from refusal


def shapes_of(tensors: Mapping[str, Tensor]) -> dict[str, tuple[int, ...]]:
    return {name: tuple(tensor.shape) for name, tensor in tensors.items()}
