"""One micro-batch's loss and slopes as a graph: traced once through autograd, then replayed without it, or compiled.

Small networks spend a third of their time in Python and in autograd's bookkeeping. A replay runs the very kernels that eager
code runs, in their order, so its bits are the same; a compiled graph has bits of its own. Knows no optimizer.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import torch
from torch import Tensor
from torch.func import functional_call
from torch.fx import GraphModule

from modelwright.nouns import Batch

if TYPE_CHECKING:
    from torch.nn import Module

Slopes: TypeAlias = "tuple[Tensor, Sequence[Tensor]]"
"""() a share of the loss, and its gradient by weight in their order, each laid out as its weight."""
Loss: TypeAlias = "Callable[[Callable[[Batch], Batch], Sequence[Tensor], Batch, Mapping[str, Tensor]], Tensor]"
"""(model, weights, batch, counts) -> () a share of the loss."""
Counts: TypeAlias = "Mapping[str, Tensor]"


class Graph:
    """Loss and slopes for batches of one shape: graph(batch, counts). It reads the module's own weights and buffers."""

    def __init__(self, module: Module, loss: Loss, batch: Batch, counts: Counts, compiled: bool) -> None:
        self.weights = {name: weight for name, weight in module.named_parameters() if weight.requires_grad}
        rest = {name: weight for name, weight in module.named_parameters() if not weight.requires_grad}
        self.fixed = {**rest, **dict(module.named_buffers())}
        self.held = [weight.detach() for weight in self.weights.values()] + list(self.fixed.values())
        self.names, self.terms = tuple(batch), tuple(counts)
        example = (*self.held, *batch.values(), *counts.values())
        with _undisturbed(self.fixed.values()):
            graph = _traced(self._plain(module, loss), example)
            self._run: Callable[..., Any] = torch.compile(graph, fullgraph=True, dynamic=False) if compiled else _replay(graph, example)
            self(batch, counts)  # compilers work when they are first called

    def __call__(self, batch: Batch, counts: Counts) -> Slopes:
        with torch.no_grad():
            loss, *slopes = self._run(*self.held, *[batch[name] for name in self.names], *[counts[term] for term in self.terms])
        return loss, slopes

    def _plain(self, module: Module, loss: Loss) -> Callable[..., tuple[Tensor, ...]]:
        """The step as a function of tensors alone."""
        weights, fixed, names, terms = tuple(self.weights), tuple(self.fixed), self.names, self.terms

        def step(*tensors: Tensor) -> tuple[Tensor, ...]:
            given = iter(tensors)
            own = {name: next(given).detach().requires_grad_() for name in weights}
            bound = {**own, **{name: next(given) for name in fixed}}
            batch = {name: next(given) for name in names}
            counts = {term: next(given) for term in terms}
            with torch.enable_grad():
                value = loss(lambda batch: functional_call(module, bound, (batch,)), list(own.values()), batch, counts)
                slopes = torch.autograd.grad(value, list(own.values()), allow_unused=True, materialize_grads=True)
            return value.detach(), *laid_out(slopes, list(own.values()))

        return step


def laid_out(slopes: Sequence[Tensor], weights: Sequence[Tensor]) -> list[Tensor]:
    """Slopes in the memory order of their weights: torch's fused optimizers walk both side by side and do not look."""
    return [
        slope if slope.stride() == weight.stride() else torch.empty_like(weight).copy_(slope)
        for slope, weight in zip(slopes, weights, strict=True)
    ]


def _traced(step: Callable[..., tuple[Tensor, ...]], example: Sequence[Tensor]) -> GraphModule:
    from torch.fx.experimental.proxy_tensor import make_fx

    graph = make_fx(step)(*example)
    for node in list(graph.graph.nodes):
        if node.target is torch.ops.aten.detach.default:  # no gradient flows here any more
            node.replace_all_uses_with(node.args[0])
            graph.graph.erase_node(node)
    graph.graph.eliminate_dead_code()
    graph.recompile()
    return graph


def _replay(graph: GraphModule, example: Sequence[Tensor]) -> Callable[..., Any]:
    """TorchScript's interpreter walks the graph without Python."""
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return torch.jit.trace(lambda *tensors: graph(*tensors), tuple(example), check_trace=False)


class _undisturbed:
    """Torch's generator and these tensors are afterwards as they were before."""

    def __init__(self, tensors: Any) -> None:
        self.tensors = list(tensors)

    def __enter__(self) -> None:
        self.generator = torch.get_rng_state()
        self.before = [tensor.clone() for tensor in self.tensors]

    def __exit__(self, *_: object) -> None:
        torch.set_rng_state(self.generator)
        with torch.no_grad():
            for tensor, before in zip(self.tensors, self.before, strict=True):
                tensor.copy_(before)
