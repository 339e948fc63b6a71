"""The edits: fitted, plain values that change a module from outside; an artifact's label carries them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from modelwright.models.lora import Lora

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module

Role: TypeAlias = Literal["matmul", "conv", "recurrent", "embedding"]
Ranges: TypeAlias = tuple[tuple[int, int], ...]
"""Places kept, as (first, after the last) pairs in ascending order."""


@dataclass(frozen=True)
class Cut:
    """One layer and what stays of it; None is all."""

    layer: str
    role: Role
    width: int
    """Units it had: rows of a matrix, filters, states, columns of an embedding table."""
    units: Ranges | None = None
    inputs: Ranges | None = None
    """Of what it reads: columns of a matrix, channels of filters."""


@dataclass(frozen=True)
class Kept:
    """Structured pruning: every tensor loses the places of the units that were taken out."""

    cuts: tuple[Cut, ...]

    def shape(self, module: Module) -> Module:
        from modelwright.compression import surgery

        for cut in self.cuts:
            surgery.narrow(module.get_submodule(cut.layer), cut)
        return module

    def convert(self, name: str, weight: Tensor) -> Mapping[str, Tensor]:
        from modelwright.compression import surgery

        layer, _, tensor = name.rpartition(".")
        cut = next((cut for cut in self.cuts if cut.layer == layer), None)
        return {name: weight if cut is None else surgery.sliced(tensor, weight, cut)}


@dataclass(frozen=True)
class Rounded:
    """Weights of these names are stored as int8 with one float32 scale a row: w = scale * q, |q| <= 127.

    They are unfolded once, when the weights arrive, and computed with in float32: no row changes another's answer."""

    weights: tuple[str, ...]

    def shape(self, module: Module) -> Module:
        from modelwright.compression import eight_bits

        for name in self.weights:
            layer, _, tensor = name.rpartition(".")
            eight_bits.fold(module.get_submodule(layer), tensor)
        return module

    def convert(self, name: str, weight: Tensor) -> Mapping[str, Tensor]:
        from modelwright.compression import eight_bits

        return eight_bits.rounded(name, weight) if name in self.weights else {name: weight}


@dataclass(frozen=True)
class Adapted:
    """Two thin matrices beside each of these layers' own, which stays that of the base: only what was learned is stored."""

    layers: tuple[str, ...]
    lora: Lora
    also: tuple[str, ...] = ()
    """Names of the other tensors that were learned: those of a new head, say."""

    def shape(self, module: Module) -> Module:
        from modelwright.models.networks.beside import put_beside

        return put_beside(module, self.layers, self.lora)

    def convert(self, name: str, weight: Tensor) -> Mapping[str, Tensor]:
        from modelwright.models.networks import beside, narrow

        layer, _, tensor = name.rpartition(".")
        if self.lora.stored == "bfloat16" and narrow.narrows(name, weight, self.also):
            return {name: narrow.rounded(weight)}  # half the memory is for learning: here it is as fast as the base
        return beside.stored_in_four_bits(name, weight) if self._in_four_bits(layer, tensor) else {name: weight}

    def learned(self, weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Those of a module's weights that are not the base's."""
        from modelwright.models.networks.beside import ADDED

        own = {*self.also, *(f"{layer}.{name}" for layer in self.layers for name in ADDED)}
        return {name: weight for name, weight in weights.items() if name in own}

    def _in_four_bits(self, layer: str, tensor: str) -> bool:
        return self.lora.stored == "nf4" and tensor == "weight" and layer in self.layers


Edit: TypeAlias = Kept | Rounded | Adapted
