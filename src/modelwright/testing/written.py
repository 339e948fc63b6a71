"""What a family may write of what it reads: in which shape, and what judges it. B batch, T time, P words."""

from __future__ import annotations

from dataclasses import replace

from modelwright import models
from modelwright.models.ports import writable
from modelwright.nouns import Classes, Family, Hidden, Port, PortKind, Refused, Series, Tagged, Tokens, Vector
from modelwright.objectives import Contrastive, CrossEntropy, MaskedToken, NextToken, Objective, SquaredError, WordTag
from modelwright.testing.case import NAME, Case
from modelwright.testing.samples import FOLLOWING, HIDDEN, REPLIES, ROWS, TAGS, VECTORS, WRITTEN

WIDEST = 2048
"""Numbers of a vector that a family may insist on."""


def written(family: Family, port: PortKind) -> list[PortKind]:
    """Words have tags, and texts vectors, where there are steps; and of tokens more tokens are written."""
    found: list[PortKind] = [*WRITTEN, *REPLIES]
    if isinstance(port, (Tokens, Series)):
        found += [TAGS, *(_as_wide(family, port, vector) for vector in VECTORS)]
    if isinstance(port, Tokens):
        found += [FOLLOWING, HIDDEN]
    return [one for one in found if type(one) in writable(type(family))]


def _as_wide(family: Family, port: PortKind, vector: Vector) -> Vector:
    """The vector in the first width that the family does not refuse; where it refuses all, as it is."""
    for width in range(vector.width, WIDEST + 1) if Vector in writable(type(family)) else ():
        asked = replace(vector, width=width)
        try:
            models.build(family, (Port("inputs", port),), (Port(NAME, asked),), seed=0)
        except Refused:
            continue
        except Exception:  # a promise will tell of it
            return asked
        return asked
    return vector


def shape(case: Case) -> tuple[int, ...]:
    """(B, units); of a text (B, T, alphabet), of tags (P, tags) and of hidden tokens (P, alphabet)."""
    from modelwright.models.networks.heads import units

    match case.written:
        case Hidden(alphabet):
            return int(case.batch["bears"].sum()), alphabet
        case Tagged(tags):
            return int(case.batch["bears"].sum()), len(tags)
        case Tokens(alphabet):
            return ROWS, case.batch[case.said[0]].shape[1], alphabet
        case Vector(width):
            return ROWS, width
        case _:
            return ROWS, units(case.writes[0])


def natural(port: PortKind) -> Objective:
    """What judges it."""
    match port:
        case Classes():
            return CrossEntropy()
        case Hidden():
            return MaskedToken()
        case Tokens():
            return NextToken()
        case Tagged():
            return WordTag()
        case Vector():
            return Contrastive()
        case _:
            return SquaredError()
