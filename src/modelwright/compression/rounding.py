"""Which weights are stored in eight bits: every matrix of a layer whose role is known."""

from __future__ import annotations

from torch import nn

from modelwright.compression.edits import Rounded
from modelwright.compression.surgery import role
from modelwright.nouns import Refused
from modelwright.wording import say


def fit(module: nn.Module) -> tuple[Rounded, dict[str, str]]:
    """The edit, and the weights that it skips with the reason. Refused: no weight that it knows."""
    chosen: list[str] = []
    skipped: dict[str, str] = {}
    for layer, part in module.named_modules():
        for name, weight in part.named_parameters(recurse=False):
            whole = f"{layer}.{name}" if layer else name
            if weight.ndim < 2:
                continue  # biases: few, and worth their digits
            if role(part) is None:
                skipped[whole] = say("no edit knows this kind of layer")
            else:
                chosen.append(whole)
    if not chosen:
        raise Refused(say("There is nothing to store in eight bits: no layer of this model has weights that are known."))
    return Rounded(tuple(chosen)), skipped
