"""A frozen matrix with two thin ones beside it, put into a module in a linear layer's place. K rank, R rows, C columns."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from modelwright.data.chance import chance
from modelwright.models.lora import Lora, Stored
from modelwright.models.networks import four_bits, narrow
from modelwright.nouns import Refused
from modelwright.wording import say

ADDED = ("down", "up")
PAIRS, SCALE = "_nf4", "_scale"
"""What is added to the name of a matrix in four bits."""


class Beside(nn.Module):
    """W x + b + alpha / rank * up (down x): down (K, C) and up (R, K) learn, W (R, C) and b (R,) do not.

    No nn.Linear, so that nobody takes its weight for all that it does."""

    def __init__(self, layer: nn.Linear, rank: int, alpha: float, stored: Stored) -> None:
        super().__init__()
        self.rows, self.columns, self.share, self.stored = layer.out_features, layer.in_features, alpha / rank, stored
        kept = stored_in_four_bits("weight", layer.weight) if stored == "nf4" else {"weight": layer.weight}
        for name, tensor in kept.items():
            self.register_parameter(name, nn.Parameter(tensor.detach(), requires_grad=False))
        self.bias = None if layer.bias is None else nn.Parameter(layer.bias.detach(), requires_grad=False)  # pyright: ignore
        where = layer.weight.device
        self.down = nn.Parameter(torch.zeros(rank, layer.in_features, device=where))
        self.up = nn.Parameter(torch.zeros(layer.out_features, rank, device=where))

    def forward(self, x: Tensor) -> Tensor:
        added = F.linear(F.linear(x, self.down), self.up)
        return torch.add(self._frozen(x), added, alpha=self.share)

    def _frozen(self, x: Tensor) -> Tensor:
        """W x + b"""
        if self.stored != "nf4":
            return narrow.product(x, self.get_parameter("weight"), self.bias)
        found = four_bits.product(x, *self._in_four_bits(), self.rows)
        return found if self.bias is None else found + self.bias

    def whole(self) -> Tensor:
        """(R, C): the one matrix that does what the three do."""
        if self.stored != "nf4":
            kept = self.get_parameter("weight")
        else:
            kept = four_bits.unfolded(*self._in_four_bits(), self.rows, self.columns)
        return (kept.double() + self.share * (self.up.double() @ self.down.double())).float()

    def _in_four_bits(self) -> tuple[Tensor, Tensor]:
        return self.get_parameter("weight" + PAIRS), self.get_parameter("weight" + SCALE)


def stored_in_four_bits(name: str, weight: Tensor) -> dict[str, Tensor]:
    """A frozen matrix, named so, as it lies in four bits."""
    return dict(zip((name + PAIRS, name + SCALE), four_bits.folded(weight)))


def beside(module: nn.Module) -> Iterator[tuple[str, Beside]]:
    """Those that are in it, by name."""
    return ((name, layer) for name, layer in module.named_modules() if isinstance(layer, Beside))


def chosen(module: nn.Module, lora: Lora, heads: tuple[str, ...]) -> tuple[str, ...]:
    """The names of the frozen layers that get two thin matrices. Refused: an ending that the name of none has."""
    linear = [
        name for name, layer in module.named_modules()
        if isinstance(layer, nn.Linear) and not name.startswith(heads) and not layer.weight.requires_grad
    ]  # fmt: skip
    for wanted in lora.layers:
        if not any(_ends(name, wanted) for name in linear):
            known = ", ".join(dict.fromkeys(name.rpartition(".")[2] for name in linear))
            told = say('model.lora.layers names "{wanted}", and the name of no matrix ends so.', wanted=wanted)
            raise Refused(told, say("There are: {names}", names=known or "-"))
    found = tuple(name for name in linear if not lora.layers or any(_ends(name, wanted) for wanted in lora.layers))
    if not found:
        raise Refused(say("This model has no matrix that model.lora could stand beside."))
    return found


def _ends(name: str, wanted: str) -> bool:
    """blocks.1.feed.up ends with feed.up and with up, not with p."""
    return f".{name}".endswith(f".{wanted.lstrip('.')}")


def put_beside(module: nn.Module, layers: Iterable[str], lora: Lora) -> nn.Module:
    """Its structure, in place or on the meta device; what was added is zero."""
    for name in layers:
        layer = module.get_submodule(name)
        if not isinstance(layer, nn.Linear):
            raise ValueError(f"{name} is no linear layer")
        _replace(module, name, Beside(layer, lora.rank, lora.alpha, lora.stored))
    return module


def draw(module: nn.Module, seed: int) -> None:
    """down is drawn as a linear layer's weight is, from the seed and the layer's name; up stays zero."""
    for name, layer in beside(module):
        source = torch.Generator().manual_seed(chance(seed, "beside", name))
        with torch.no_grad():
            layer.down.copy_(torch.empty(layer.down.shape).uniform_(-1, 1, generator=source) / layer.columns**0.5)


def folded_in(module: nn.Module) -> nn.Module:
    """Each matrix with what was learned beside it added to it: linear layers again, in place."""
    for name, layer in list(beside(module)):
        linear = nn.Linear(layer.columns, layer.rows, bias=layer.bias is not None, device="meta")
        linear.weight = nn.Parameter(layer.whole())
        if layer.bias is not None:
            linear.bias = nn.Parameter(layer.bias.detach())
        _replace(module, name, linear)
    return module


def _replace(module: nn.Module, name: str, layer: nn.Module) -> None:
    above, _, last = name.rpartition(".")
    setattr(module.get_submodule(above), last, layer)
