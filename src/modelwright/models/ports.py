"""Which ports a family reads and writes."""

from __future__ import annotations

from modelwright.nouns import Classes, Family, Numbers, Port, Refused
from modelwright.reader import kind
from modelwright.wording import say


def only(reads: tuple[Port, ...], family: Family) -> Port:
    """The one port that is read. Refused: none or several."""
    if len(reads) != 1:
        names = ", ".join(port.name for port in reads)
        facts = {"model": kind(type(family)), "n": len(reads), "names": names}
        raise Refused(say("model {model} reads one port, but the codec makes {n}: {names}.", **facts))
    return reads[0]


def refuse_unread(reads: tuple[Port, ...], family: Family) -> None:
    """Refused: a port of a kind that the family cannot read."""
    for port in reads:
        if not isinstance(port.kind, family.accepts):
            able = ", ".join(one.__name__ for one in family.accepts)
            facts = {"model": kind(type(family)), "port": type(port.kind).__name__, "able": able}
            raise Refused(say("model {model} cannot read {port}, which the codec makes; it reads {able}.", **facts))


def writable(family: type[Family]) -> tuple[type, ...]:
    """Port kinds that the family can write: labels, where it names none."""
    return getattr(family, "writes", (Classes, Numbers))


def refuse_unwritten(writes: tuple[Port, ...], family: Family) -> None:
    """Refused: a port of a kind that the family cannot write."""
    for port in writes:
        if not isinstance(port.kind, able := writable(type(family))):
            names = ", ".join(one.__name__ for one in able)
            facts = {"model": kind(type(family)), "port": type(port.kind).__name__, "able": names}
            raise Refused(say("model {model} cannot write {port}, which the codec asks for; it writes {able}.", **facts))
