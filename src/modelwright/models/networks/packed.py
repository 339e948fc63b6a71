"""A decoder of Llama's shape laid out for saying one token at a time on a processor. B texts, D width, H heads, G groups of
them, E width of each, A alphabet.

A product of few rows is bound by reading its weights. oneDNN reads them in an order of its own, in which float32 takes two
thirds of the time for one text and half for eight; so each weight lies here once more in that order, those that are multiplied
with the same vector as one. The same numbers are multiplied: only the order of their sums is another.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from modelwright.models.networks.attention import Attention, Memory
from modelwright.models.networks.blocks import Block, Gated
from modelwright.models.networks.decoding import Decoding
from modelwright.models.networks.views import View
from modelwright.models.shapes import Attending

FEW = 32
"""Rows of a product that are few: with more of them the plain order is as quick."""
KINDS = (torch.float32, torch.bfloat16)
WEIGHTS = {
    *(f"attention.{name}.weight" for name in ("query", "key", "value", "out")), "norms.0.weight", "norms.1.weight",
    *(f"feed.{name}.weight" for name in ("gate", "up", "down")),
}  # fmt: skip
"""All that a block has learned; one that has more, like norms of its queries, is not known here."""


class Saying:
    """What generation reads with (models/reading.py): the decoder itself, but for steps of one token."""

    def __init__(self, module: Decoding) -> None:
        self.module = module

    @property
    def longest(self) -> int:
        return self.module.longest

    def parameters(self) -> Iterator[Tensor]:
        return self.module.parameters()

    def memories(self) -> list[Memory]:
        return self.module.memories()

    def states(self, tokens: Tensor, mask: Tensor, memories: Sequence[Memory] | None = None) -> Tensor:
        if tokens.shape[1] > 1 or len(tokens) > FEW or memories is None:
            return self.module.states(tokens, mask, memories)
        view = View.back(mask, 1)
        seen = None if mask.all() else view.seen
        x = self.module.steps(tokens, mask[:, -1:])[:, 0]
        for block, memory in zip(self._blocks, memories, strict=True):
            x = block.step(x, view, seen, memory)
        return self.module.end(x).unsqueeze(1)

    def logits(self, states: Tensor) -> Tensor:
        """(B, T, A), float32 at least."""
        if states.shape[:2].numel() > FEW:
            return self.module.logits(states)
        found = times(states, self._table)
        return found.to(torch.promote_types(found.dtype, torch.float32))

    @cached_property
    def _blocks(self) -> list[Step]:
        return [Step(cast(Block, block)) for block in self.module.blocks]

    @cached_property
    def _table(self) -> Tensor:
        return ordered(self.module.table)


class Step:
    """A block, for one token of each text."""

    def __init__(self, block: Block) -> None:
        attention, feed = block.attention, cast(Gated, block.feed)
        self.shape, self.each, self.scale = attention.shape, attention.each, attention.scale
        self.norms = [cast(nn.RMSNorm, norm).weight for norm in block.norms]
        self.mixing = ordered(torch.cat([layer.weight for layer in (attention.query, attention.key, attention.value)]))
        self.out = ordered(attention.out.weight)
        self.gate, self.up, self.down = (ordered(layer.weight) for layer in (feed.gate, feed.up, feed.down))

    def step(self, x: Tensor, view: View, seen: Tensor | None, memory: Memory) -> Tensor:
        """(B, D) -> (B, D); seen bool (B, 1, 1, S), None: all."""
        x = times(self._look(self._even(x, 0), view, seen, memory), self.out, add=x)
        even = self._even(x, 1)
        gate = torch.ops.mkldnn._linear_pointwise(even, self.gate, None, "swish", [], "")
        return times(times(even, self.up, by=gate), self.down, add=x)

    def _look(self, x: Tensor, view: View, seen: Tensor | None, memory: Memory) -> Tensor:
        """(B, H * E)"""
        heads, groups = self.shape.heads, self.shape.groups
        all_heads = times(x, self.mixing).view(len(x), heads + 2 * groups, self.each)
        cos, sin = _whole(view, self.shape, x.dtype)
        pairs, value = all_heads[:, : heads + groups], all_heads[:, heads + groups :]
        turned = torch.addcmul(pairs * cos, pairs.roll(self.each // 2, -1), sin)
        key, value = memory.kept(turned[:, heads:].unsqueeze(2), value.unsqueeze(2))
        query = turned[:, :heads].reshape(len(x), groups, heads // groups, self.each)
        return F.scaled_dot_product_attention(query, key, value, seen, scale=self.scale).reshape(len(x), -1)

    def _even(self, x: Tensor, which: int) -> Tensor:
        """x / sqrt(mean(x ** 2) + epsilon) * weight; the root in float32."""
        length = torch.linalg.vector_norm(x, dim=-1, keepdim=True, dtype=torch.float32)
        return (x * (length.square() / x.shape[-1] + self.shape.epsilon).rsqrt() * self.norms[which]).to(x.dtype)


def _whole(view: View, shape: Attending, numbers: torch.dtype) -> tuple[Tensor, Tensor]:
    """Cosines and sines (B, 1, E) for heads as they lie, the sine of the first half with its sign; told once for all blocks."""
    key = (-shape.head, shape.base, shape.scaling)
    if key not in view._turns:  # pyright: ignore[reportPrivateUsage]
        cos, sin = (part[:, 0] for part in view.turns(shape.head, shape.base, shape.scaling))
        whole = torch.cat([cos, cos], -1).to(numbers), torch.cat([-sin, sin], -1).to(numbers)
        view._turns[key] = whole  # pyright: ignore[reportPrivateUsage]
    return view._turns[key]  # pyright: ignore[reportPrivateUsage]


def ordered(weight: Tensor) -> Tensor:
    """(O, I) in the order in which oneDNN reads it for few rows."""
    return torch.ops.mkldnn._reorder_linear_weight(weight.detach(), FEW)


def times(x: Tensor, weight: Tensor, add: Tensor | None = None, by: Tensor | None = None) -> Tensor:
    """x (..., I) times an ordered weight: (..., O), to which something is added or by which it is multiplied."""
    if add is not None:
        return torch.ops.mkldnn._linear_pointwise.binary(x, add, weight, None, "add")
    if by is not None:
        return torch.ops.mkldnn._linear_pointwise.binary(x, by, weight, None, "mul")
    return torch.ops.mkldnn._linear_pointwise(x, weight, None, "none", [], "")


def packable(module: nn.Module) -> bool:
    """Whether this torch has oneDNN, and the module is a decoder of Llama's plain shape whose weights it multiplies."""
    if not isinstance(module, Decoding) or module.training or not torch.backends.mkldnn.is_available():
        return False
    numbers = {weight.dtype for weight in module.parameters()}
    if len(numbers) != 1 or not numbers <= set(KINDS) or any(weight.device.type != "cpu" for weight in module.parameters()):
        return False
    return all(_plain(cast(Block, block)) for block in module.blocks) and _known()


def _plain(block: Block) -> bool:
    """Nothing was cut out of it, nothing learned beside it, and no layer is of another kind."""
    shape, attention = block.attention.shape, block.attention
    if not shape.base or shape.norm != "rms" or shape.feed != "swiglu" or shape.bias or shape.order != "pre":
        return False
    if type(attention) is not Attention or type(block.feed) is not Gated:
        return False
    layers = (attention.query, attention.key, attention.value, attention.out, block.feed.gate, block.feed.up, block.feed.down)
    return all(type(layer) is nn.Linear for layer in layers) and {name for name, _ in block.named_parameters()} == WEIGHTS


def _known() -> bool:
    """Whether the operations are there: torch's compiler writes them too, but they are no part of its public face."""
    one, two = torch.eye(2), torch.full((2, 2), 2.0)
    try:
        with torch.inference_mode():
            found = [times(two, ordered(one)), times(two, ordered(one), add=one), times(two, ordered(one), by=two)]
            return all(torch.equal(*pair) for pair in zip(found, (two, two + one, two * two), strict=True))
    except (AttributeError, RuntimeError):
        return False
