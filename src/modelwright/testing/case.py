"""A family before one pair of ports, and how its answers are compared. B batch."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from modelwright import models
from modelwright.nouns import Batch, Family, Hidden, Port, PortKind, Reply, Tagged, Tokens
from modelwright.testing.samples import WRITTEN, sample

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module

NAME = "label"
CLOSE = (1e-6, 2e-6)
"""Across batch shapes an answer may move by CLOSE[0] + CLOSE[1] * max|answers|, in float32: of all rows, since a wide sum
may come out near zero by chance and is rounded like its neighbours."""


@dataclass(frozen=True)
class Case:
    """A family with one port to read and one to write."""

    family: Family
    port: PortKind
    written: PortKind = WRITTEN[0]

    @property
    def reads(self) -> tuple[Port, ...]:
        inputs = Port("inputs", self.port)
        if not isinstance(self.written, Reply):
            return (inputs,)
        return inputs, Port("before", Tokens(self.written.alphabet, self.written.longest, self.written.padding))

    @property
    def writes(self) -> tuple[Port, ...]:
        return (Port(NAME, self.written),)

    @cached_property
    def batch(self) -> Batch:
        return sample(self.port, self.writes[0])

    @cached_property
    def module(self) -> Module:
        """In evaluation, and not as it was born: biases of zero would hide what they do."""
        return stirred(self.fresh(0)).eval()

    def fresh(self, seed: int) -> Module:
        return models.build(self.family, self.reads, self.writes, seed)

    def answers(self, module: Module, batch: Batch) -> Tensor:
        """(B, units), or of what is written step by step (B, T, units), zeros where none is asked for; without a gradient."""
        import torch

        with torch.no_grad():
            return self.real(module(batch), batch)

    def real(self, found: Batch, batch: Batch) -> Tensor:
        """Of what was written, what means something, row by row."""
        if isinstance(self.written, (Tagged, Hidden)):
            laid = found[NAME].new_zeros(*batch["bears"].shape, found[NAME].shape[1])
            laid[batch["bears"]] = found[NAME]
            return laid[:, : self.batch["bears"].shape[1]]
        if not isinstance(self.written, Tokens):
            return found[NAME]
        said, mask = self.said
        return (found[NAME] * batch[mask].unsqueeze(-1))[:, : self.batch[said].shape[1]]

    @property
    def said(self) -> tuple[str, str]:
        """Of what is gone on with: the names of its tokens and of their mask."""
        return ("before", "before_mask") if isinstance(self.written, Reply) else ("inputs", "mask")

    def read_alone(self, batch: Batch) -> Batch:
        """What a model may look at."""
        asked = ("bears",) if isinstance(self.written, (Tagged, Hidden)) else ("before", "before_mask")
        return {name: tensor for name, tensor in batch.items() if name in ("inputs", "mask", *asked)}


def stirred(module: Module) -> Module:
    """The module, each of its weights moved a little; the zero vector of padding stays zero."""
    import torch

    chance = torch.Generator().manual_seed(7)
    with torch.no_grad():
        for weight in module.parameters():
            weight += 0.1 * torch.randn(weight.shape, generator=chance) * (weight.ndim < 2 or weight.any(1, keepdim=True))
    return module


def form(tensor: Tensor) -> str:
    return f"{str(tensor.dtype).removeprefix('torch.')} {tuple(tensor.shape)}"


def same(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    """Bit for bit."""
    import torch

    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def moved(one: Tensor, other: Tensor) -> float:
    """The largest difference between two answers (B, units), measured in what rounding may do."""
    return ((one - other).abs().max() / (CLOSE[0] + CLOSE[1] * one.abs().max())).item()
