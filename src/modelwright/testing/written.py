"""What a family may write of what it reads: in which shape, and what judges it. B batch, T time, P words."""

from __future__ import annotations

from dataclasses import replace

from modelwright import models
from modelwright.models.ports import writable
from modelwright.nouns import Classes, Family, Port, PortKind, Refused, Reply, Series, Tagged, Tokens, Vector
from modelwright.objectives import Contrastive, CrossEntropy, NextToken, Objective, SquaredError, WordTag
from modelwright.testing.case import NAME, Case
from modelwright.testing.samples import REPLIES, ROWS, TAGS, VECTORS, WRITTEN

WIDEST = 2048
"""Numbers of a vector that a family may insist on."""


def written(family: Family, port: PortKind) -> list[PortKind]:
    """Words have tags, and texts vectors, where there are steps."""
    found: list[PortKind] = [*WRITTEN, *REPLIES]
    if isinstance(port, (Tokens, Series)):
        found += [TAGS, *(_as_wide(family, port, vector) for vector in VECTORS)]
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
    """(B, units); of a reply (B, T, alphabet), of tags (P, tags)."""
    from modelwright.models.networks.heads import units

    if isinstance(case.written, Reply):
        return ROWS, case.batch["before"].shape[1], case.written.alphabet
    if isinstance(case.written, Tagged):
        return int(case.batch["bears"].sum()), len(case.written.tags)
    return ROWS, case.written.width if isinstance(case.written, Vector) else units(case.writes[0])


def natural(port: PortKind) -> Objective:
    """What judges it."""
    match port:
        case Classes():
            return CrossEntropy()
        case Reply():
            return NextToken()
        case Tagged():
            return WordTag()
        case Vector():
            return Contrastive()
        case _:
            return SquaredError()
