"""Who reads which unit of a layer, found by poisoning: unit u of row u becomes NaN, and a reader's inputs tell where it went.

So no network has to describe itself: what joins, mixes or leaves the network is seen for what it does. U units, F inputs.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from modelwright.compression.surgery import role, width
from modelwright.nouns import Batch


@dataclass(frozen=True)
class Wires:
    """Where the units of one layer go."""

    layer: str
    width: int
    readers: dict[str, Tensor]
    """By reading layer: bool (U, F), true where input f is made of unit u."""
    loose: str = ""
    """Where they go that no cut can follow: the name of a module, or the output."""


def wires(module: nn.Module, batch: Batch) -> list[Wires]:
    """Of every layer of a known role, in the order of the module. The batch gives one row that has something to read."""
    layers = {name: part for name, part in module.named_modules() if role(part) is not None}
    return [_traced(module, layers, name, batch) for name in layers]


def _traced(module: nn.Module, layers: dict[str, nn.Module], maker: str, batch: Batch) -> Wires:
    units = width(layers[maker])
    rows = {name: tensor[:1].expand(units, *tensor.shape[1:]) for name, tensor in batch.items()}
    readers: dict[str, Tensor] = {}
    loose: list[str] = []

    def read(name: str, part: nn.Module, given: tuple[Any, ...]) -> None:
        poison = [tensor for tensor in given if isinstance(tensor, torch.Tensor) and tensor.is_floating_point()]
        hit = [tensor.isnan() for tensor in poison if tensor.isnan().any()]
        if not hit:
            return
        if name == maker or name not in layers or len(hit) > 1 or len(hit[0]) != units:
            loose.append(name)
            return
        axis = 1 if role(part) == "conv" else hit[0].ndim - 1
        others = [one for one in range(1, hit[0].ndim) if one != axis]
        readers[name] = hit[0].any(dim=others) if others else hit[0]

    with _hooked(module, layers[maker], units, read), torch.no_grad():
        written = module.eval()(rows)
    if not readers or any(bool(tensor.isnan().any()) for tensor in written.values()):
        loose.append("output")
    return Wires(maker, units, readers, loose[0] if loose else "")


@contextmanager
def _hooked(module: nn.Module, maker: nn.Module, units: int, read: Any) -> Generator[None, None, None]:
    """While this lasts, the maker's output is poisoned, and whoever holds weights tells what reaches it.

    A reader's own output is made clean again: what counts is who reads first."""
    hooks: list[Any] = []

    def poison(part: nn.Module, given: Any, made: Any) -> Any:
        axis = 1 if role(part) == "conv" else -1
        first: Tensor = (made[0] if isinstance(made, tuple) else made).clone()
        which = torch.eye(units, dtype=torch.bool)
        shape = [units] + [1] * (first.ndim - 1)
        shape[axis] = units
        first.masked_fill_(which.reshape(shape), float("nan"))
        if not isinstance(made, tuple):
            return first
        state: Any = made[1]  # whoever reads the last state beside the steps reads all units at once, which no cut follows
        return first, tuple(one * float("nan") for one in state) if isinstance(state, tuple) else state * float("nan")

    def clean(part: nn.Module, given: Any, made: Any) -> Any:
        return (made[0].nan_to_num(), made[1]) if isinstance(made, tuple) else made.nan_to_num()

    for name, part in module.named_modules():
        if any(True for _ in part.parameters(recurse=False)):
            hooks.append(part.register_forward_pre_hook(lambda one, given, name=name: read(name, one, given)))
            hooks.append(part.register_forward_hook(poison if part is maker else clean))
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()
