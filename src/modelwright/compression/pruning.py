"""Which units stay: those that carry most to whoever reads them. U units, F inputs of a reader, R its rows.

What a unit carries is the size of its values times the size of the weights they meet, as in Wanda (https://arxiv.org/abs/2306.11695),
summed over whole units.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeAlias, cast

import torch
from torch import Tensor, nn

from modelwright.compression.edits import Cut, Kept, Ranges
from modelwright.compression.surgery import ranges, role, width
from modelwright.compression.wiring import Wires, wires
from modelwright.nouns import Batch, Refused
from modelwright.wording import say

Note: TypeAlias = Callable[[str, Tensor, int], None]
"""(name, values, the axis of the units)"""


@dataclass(frozen=True)
class Plan:
    """The layers whose units can be taken out, and those that were skipped, with the reason."""

    prunable: tuple[Wires, ...]
    skipped: dict[str, str] = field(default_factory=dict[str, str])


def plan(module: nn.Module, batch: Batch) -> Plan:
    """By the wires of one row. Refused: a model none of whose layers has units that another one reads."""
    found = wires(module, longest(batch))
    read: dict[str, Tensor] = {}
    """By reader int (F,): of how many layers' units each input is made."""
    for one in found:
        for reader, mask in one.readers.items():
            read[reader] = read.get(reader, torch.zeros(mask.shape[1], dtype=torch.int32)) + mask.any(0)
    prunable: list[Wires] = []
    skipped: dict[str, str] = {}
    for one in found:
        if one.loose == "output" and not one.readers:
            continue  # a head: its units are the answers
        if one.loose:
            skipped[one.layer] = say("its units reach {place}, which cannot be cut", place=one.loose)
        elif any(bool((mask.sum(0) > 1).any()) for mask in one.readers.values()):
            skipped[one.layer] = say("its units are mixed before they are read")
        elif any(bool((read[reader][mask.any(0)] > 1).any()) for reader, mask in one.readers.items()):
            skipped[one.layer] = say("its units are joined with another layer's")
        elif one.width > 1:
            prunable.append(one)
    known = {one.layer for one in found}
    skipped |= {name: say("no edit knows this kind of layer") for name in _strange(module) if name not in known}
    if not prunable:
        raise Refused(
            say("There is nothing to prune: no layer of this model makes units that another of its layers reads."),
            say("Leave prune out of [[compression]], or give the model a hidden layer."),
        )
    return Plan(tuple(prunable), skipped)


def fit(module: nn.Module, batches: Iterable[Batch], keep: float, plan: Plan) -> Kept:
    """The cuts that leave this share of the units of each layer, by what the units carry on these rows."""
    sizes = _sizes(module, batches, plan)
    layers = dict(module.named_modules())
    units: dict[str, Ranges] = {}
    inputs: dict[str, Tensor] = {}
    for one in plan.prunable:
        carried = _carried(layers, one, sizes)
        best = carried.argsort(descending=True, stable=True)[: max(1, round(keep * one.width))]
        units[one.layer] = ranges(best.tolist())
        gone = torch.ones(one.width, dtype=torch.bool)
        gone[best] = False
        for reader, mask in one.readers.items():
            lost = mask[gone].any(0)
            inputs[reader] = inputs[reader] & ~lost if reader in inputs else ~lost
    names = [name for name in layers if name in units or name in inputs]
    return Kept(tuple(_cut(name, layers[name], units, inputs) for name in names))


def _cut(name: str, layer: nn.Module, units: dict[str, Ranges], inputs: dict[str, Tensor]) -> Cut:
    what = role(layer)
    assert what is not None
    read = ranges(inputs[name].nonzero().flatten().tolist()) if name in inputs else None
    return Cut(name, what, width(layer), units.get(name), read)


def _carried(layers: dict[str, nn.Module], one: Wires, sizes: dict[str, Tensor]) -> Tensor:
    """float (U,): the mean square of what each unit adds to its readers."""
    total = torch.zeros(one.width, dtype=torch.float64)
    for reader, mask in one.readers.items():
        total += mask.double() @ (sizes[reader] * _meets(layers[reader]))
    maker = layers[one.layer]
    if isinstance(maker, nn.RNNBase):  # states are read by the next step too
        total += sizes[one.layer + ":made"] * cast(Tensor, maker.weight_hh_l0).detach().double().square().sum(0)
    return total


def _meets(reader: nn.Module) -> Tensor:
    """float64 (F,): the sum of squares of the weights that each input meets."""
    weight: Tensor = getattr(reader, "weight_ih_l0" if isinstance(reader, nn.RNNBase) else "weight").detach().double()
    return weight.square().sum(dim=[axis for axis in range(weight.ndim) if axis != 1])


def _sizes(module: nn.Module, batches: Iterable[Batch], plan: Plan) -> dict[str, Tensor]:
    """float64 (F,): by reader the mean square of each input; by recurrent maker, under "name:made", of each state."""
    sums: dict[str, Tensor] = {}
    counts: dict[str, int] = {}

    def note(name: str, values: Tensor, axis: int) -> None:
        others = [one for one in range(values.ndim) if one != axis % values.ndim]
        sums[name] = sums.get(name, torch.zeros(())) + values.double().square().sum(dim=others)
        counts[name] = counts.get(name, 0) + values.numel() // values.shape[axis]

    layers, hooks = dict(module.named_modules()), list[Any]()
    for name in {reader for one in plan.prunable for reader in one.readers}:
        axis = 1 if role(layers[name]) == "conv" else -1
        hooks.append(layers[name].register_forward_pre_hook(partial(_given, note, name, axis)))
    for one in plan.prunable:
        if isinstance(layers[one.layer], nn.RNNBase):
            name = one.layer + ":made"
            hooks.append(layers[one.layer].register_forward_hook(partial(_made, note, name)))
    try:
        with torch.no_grad():
            for batch in batches:
                module.eval()(batch)
    finally:
        for hook in hooks:
            hook.remove()
    return {name: total / counts[name] for name, total in sums.items()}


def _given(note: Note, name: str, axis: int, part: nn.Module, given: tuple[Any, ...]) -> None:
    note(name, given[0], axis)


def _made(note: Note, name: str, part: nn.Module, given: tuple[Any, ...], made: tuple[Any, ...]) -> None:
    note(name, made[0], -1)


def _strange(module: nn.Module) -> Iterator[str]:
    """Modules that hold matrices of their own and play no known role."""
    for name, part in module.named_modules():
        if role(part) is None and any(weight.ndim > 1 for weight in part.parameters(recurse=False)):
            yield name


def longest(batch: Batch) -> Batch:
    """The one row that has most to read."""
    row = int(batch["mask"].sum(1).argmax()) if "mask" in batch else 0
    return {name: tensor[row : row + 1] for name, tensor in batch.items()}
