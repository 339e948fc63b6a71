"""What was learned beside a base, folded into it: one artifact that leans on no other. Knows no recipe."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from modelwright import life, shelf
from modelwright.compression import Adapted
from modelwright.nouns import Artifact, Refused, Unkept, Watch
from modelwright.stages import silent
from modelwright.wording import say, say_many, together

if TYPE_CHECKING:
    from torch.nn import Module

ASKED = 64
"""Drawn vectors that each matrix answers, before and after."""
ALLOWED = 1e-5
"""Of 1 + the largest number of an answer: three products in float32 are added in another order than one."""


@dataclass(frozen=True)
class Merged:
    matrices: int
    largest: float
    """How far two answers of a matrix were apart, as a share of 1 + the largest number in them."""


def merge(artifact: Artifact, out: Path, watch: Watch = silent) -> Merged:
    """Refused: there is nothing to fold in. Unkept, and nothing is written: a matrix answers otherwise than before."""
    if not shelf.leans(artifact):
        told = say("Nothing was learned beside this artifact's weights: there is nothing to fold in.")
        raise Refused(told, say("merge is for what a recipe with model.lora made."))
    module, done = folded(artifact.module)
    edits = tuple(edit for edit in artifact.edits if not isinstance(edit, Adapted))
    line = say_many("{n} matrix folded into its base", "{n} matrices folded into their base", done.matrices)
    shelf.put(replace(artifact, module=module, edits=edits).told(line), out)
    life.sign_all((out,), watch)
    return done


def folded(module: Module) -> tuple[Module, Merged]:
    """A copy in which each matrix is one again, and proof that each answers drawn vectors as before."""
    import torch

    from modelwright.models.networks.beside import beside, folded_in

    before, after = dict(beside(module)), folded_in(deepcopy(module))
    largest = 0.0
    with torch.no_grad():
        for number, (name, layer) in enumerate(before.items()):
            x = torch.randn(ASKED, layer.columns, generator=torch.Generator().manual_seed(number))
            one, other = layer(x), after.get_submodule(name)(x)
            apart = float(((one - other).abs().amax(1) / (1 + one.abs().amax(1))).max())
            if not apart <= ALLOWED:
                facts = {"name": name, "apart": f"{apart:.1e}", "allowed": f"{ALLOWED:.0e}"}
                told = say("Folded in, {name} answers otherwise than before, by {apart}; {allowed} is allowed.", **facts)
                raise Unkept(together(told, say("Nothing was written.")))
            largest = max(largest, apart)
    return after.eval(), Merged(len(before), largest)
