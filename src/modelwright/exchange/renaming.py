"""Their tensors and ours, by one table for both directions. Knows no file and no family.

A row of a table names layers: {n} is the number of a block, and weight or bias follows. Of theirs that hold several of ours
(queries, keys and values side by side) a row names all of ours in their order.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

Tensors = dict[str, "Tensor"]
PARTS = ("weight", "bias")
BLOCKS = ("blocks.", "reader.", "writer.")
"""What our names of blocks begin with; a number follows."""


@dataclass(frozen=True)
class Row:
    theirs: str
    ours: tuple[str, ...]
    turned: bool = False
    """Whether they keep a kernel as (in, out)."""


@dataclass(frozen=True)
class Place:
    """One tensor of theirs, and which of ours lie in it, one below the other."""

    theirs: str
    ours: tuple[str, ...]
    turned: bool


def row(theirs: str, *ours: str, turned: bool = False) -> Row:
    return Row(theirs, ours, turned)


def places(table: Iterable[Row], wanted: Iterable[str]) -> list[Place]:
    """Where each of our tensors lies in theirs. wanted: the names of ours."""
    names = set(wanted)
    depth = 1 + max((int(name.split(".")[1]) for name in names if name.startswith(BLOCKS)), default=-1)
    found = [place for line in table for place in _expanded(line, depth) if names.issuperset(place.ours)]
    covered = {name for place in found for name in place.ours}
    assert covered == names, f"the table has no place for {sorted(names - covered)}"
    return found


def _expanded(line: Row, depth: int) -> Iterator[Place]:
    for n in range(depth if "{n}" in line.theirs else 1):
        for part in PARTS:
            ours = tuple(f"{name.format(n=n)}.{part}" for name in line.ours)
            yield Place(f"{line.theirs.format(n=n)}.{part}", ours, line.turned and part == "weight")


def taken(place: Place, theirs: Tensor, wanted: Mapping[str, Tensor]) -> Tensors:
    """Ours, of the shapes that are wanted, out of one of theirs."""
    whole = theirs.T if place.turned else theirs
    return dict(zip(place.ours, whole.split([len(wanted[name]) for name in place.ours]), strict=True))


def given(found: Iterable[Place], ours: Mapping[str, Tensor]) -> Tensors:
    """Theirs out of ours; on the meta device, their shapes."""
    import torch

    whole = {place: torch.cat([ours[name] for name in place.ours]) for place in found}
    return {place.theirs: (tensor.T if place.turned else tensor).contiguous() for place, tensor in whole.items()}
