"""Weights that learn later than the rest: which of them from which step on, and how many updates each of them has seen."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module


@dataclass(frozen=True)
class Later:
    """Weights that stay as they are until the run is at this step."""

    step: int
    names: frozenset[str]

    @property
    def updates(self) -> str:
        """Under which name the state counts the updates that they have seen: moments that begin late are young late."""
        return f"updates_from_{self.step}"


@dataclass(frozen=True)
class Cohort:
    """Weights that have learned equally long, by their places among all that learn now."""

    updates: str
    names: tuple[str, ...]
    places: tuple[int, ...]


def asleep(later: Iterable[Later], step: int) -> frozenset[str]:
    """The names of the weights that do not learn yet."""
    return frozenset().union(*(one.names for one in later if one.step > step))


def wake(module: Module, later: Sequence[Later], step: int) -> None:
    """Of those that learn some time, only those that learn in this step have a gradient."""
    ever, sleeping = frozenset().union(*(one.names for one in later)), asleep(later, step)
    for name, weight in module.named_parameters():
        if name in ever:
            weight.requires_grad_(name not in sleeping)


def cohorts(weights: Collection[str], later: Sequence[Later]) -> tuple[Cohort, ...]:
    """The weights that learn now, apart by when they began: the first are those that always did."""
    since = {name: one.updates for one in later for name in one.names}
    counts = dict.fromkeys(since.get(name, "updates") for name in weights)
    found: list[Cohort] = []
    for updates in counts:
        mine = [(place, name) for place, name in enumerate(weights) if since.get(name, "updates") == updates]
        places, names = zip(*mine)
        found.append(Cohort(updates, names, places))
    return tuple(found)


def told_as_all(state: Mapping[str, Tensor], cohort: Cohort) -> dict[str, Tensor]:
    """The state as an optimizer reads it that knows one count of updates."""
    return {**state, "updates": state[cohort.updates]}
