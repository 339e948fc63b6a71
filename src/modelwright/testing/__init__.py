"""The conformance suite of kinds, ours and yours. Verb: conforms. What passes here goes through the whole life.

    from modelwright.testing import conforms

    def test_my_net():
        conforms(MyNet)
"""

from __future__ import annotations

from typing import Any

from modelwright.machine import tuned
from modelwright.nouns import Family, Objective, Tuning
from modelwright.testing.families import check_family
from modelwright.testing.objectives import check_objective
from modelwright.wording import say

__all__ = ["conforms"]


def conforms(kind: Any) -> None:
    """Holds a family or an objective against each promise of its room: a class whose fields all have defaults, or a value.

    AssertionError: one sentence for each promise that is broken. Takes seconds; changes nothing outside itself."""
    value = kind() if isinstance(kind, type) else kind
    with tuned(Tuning(threads=1)):  # tensors are tiny here, and threads that wait for one another are slow
        broken = _broken(value)
    if broken:
        raise AssertionError("\n".join(broken))


def _broken(value: Any) -> list[str]:
    if isinstance(value, Family):
        return check_family(value)
    if isinstance(value, Objective):
        return check_objective(value)
    return [say("{kind} is neither a family (accepts, build) nor an objective (fits, ready).", kind=type(value).__name__)]
