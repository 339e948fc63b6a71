"""Layers made narrower, in place or on the meta device. V tokens, D width, G gates (1 but for recurrent layers)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import cast

import torch
from torch import Tensor, nn

from modelwright.compression.edits import Cut, Edit, Ranges, Role


def role(layer: nn.Module) -> Role | None:
    """What a layer's weights do; None where they do something else, or in a way that no edit knows."""
    if isinstance(layer, nn.Linear):
        return "matmul"
    if isinstance(layer, nn.Conv2d) and layer.groups == 1:
        return "conv"
    if isinstance(layer, nn.RNNBase) and layer.num_layers == 1 and not layer.bidirectional and not layer.proj_size:
        return "recurrent"
    return "embedding" if isinstance(layer, nn.Embedding) else None


def width(layer: nn.Module) -> int:
    """How many units a layer of a known role makes."""
    if isinstance(layer, nn.Linear):
        return layer.out_features
    if isinstance(layer, nn.Conv2d):
        return layer.out_channels
    return layer.hidden_size if isinstance(layer, nn.RNNBase) else cast(nn.Embedding, layer).embedding_dim


def places(kept: Ranges) -> Tensor:
    """int64 (kept,): ((0, 2), (5, 6)) -> 0, 1, 5"""
    return torch.cat([torch.arange(first, last) for first, last in kept])


def ranges(kept: Iterable[int]) -> Ranges:
    """0, 1, 5 -> ((0, 2), (5, 6))"""
    found: list[tuple[int, int]] = []
    for place in sorted(kept):
        if found and found[-1][1] == place:
            found[-1] = (found[-1][0], place + 1)
        else:
            found.append((place, place + 1))
    return tuple(found)


def sliced(tensor: str, weight: Tensor, cut: Cut) -> Tensor:
    """What stays of one tensor of a layer: rows (G * width, ...) by units, columns by inputs, or by units where states
    read states; an embedding table (V, D) has its units side by side."""
    if cut.role == "embedding":
        return weight if cut.units is None else _picked(weight, 1, places(cut.units))
    if cut.units is not None:
        units, gates = places(cut.units), weight.shape[0] // cut.width
        weight = _picked(weight, 0, torch.cat([units + gate * cut.width for gate in range(gates)]))
    columns = cut.units if tensor.startswith("weight_hh") else cut.inputs
    return weight if columns is None or weight.ndim < 2 else _picked(weight, 1, places(columns))


def _picked(weight: Tensor, axis: int, kept: Tensor) -> Tensor:
    return weight.index_select(axis, kept.to(weight.device))


def narrow(layer: nn.Module, cut: Cut) -> None:
    """The layer, with what the cut keeps of its tensors and its sizes told anew."""
    for name, weight in list(layer.named_parameters(recurse=False)):
        setattr(layer, name, nn.Parameter(sliced(name, weight.detach(), cut).contiguous(), weight.requires_grad))
    units = None if cut.units is None else sum(last - first for first, last in cut.units)
    inputs = None if cut.inputs is None else sum(last - first for first, last in cut.inputs)
    if isinstance(layer, nn.Linear):
        layer.out_features, layer.in_features = units or layer.out_features, inputs or layer.in_features
    elif isinstance(layer, nn.Conv2d):
        layer.out_channels, layer.in_channels = units or layer.out_channels, inputs or layer.in_channels
    elif isinstance(layer, nn.RNNBase):
        layer.hidden_size, layer.input_size = units or layer.hidden_size, inputs or layer.input_size
    elif isinstance(layer, nn.Embedding):
        layer.embedding_dim = units or layer.embedding_dim


def converted(edits: Iterable[Edit], weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """All weights of a module as they are after these edits, one at a time."""
    found = dict(weights)
    for edit in edits:
        found = {name: tensor for old, weight in found.items() for name, tensor in edit.convert(old, weight).items()}
    return found
