"""One micro-batch's loss and slopes as a straight line of kernels: recorded once through autograd, then replayed without it.

A small network spends a third of its time in Python and in autograd's bookkeeping. A replay runs the very kernels that eager
code runs, in their order, so its bits are the same. A compiled graph has bits of its own. Knows no optimizer.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeAlias, cast

import torch
from torch import Tensor
from torch.func import functional_call
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten, tree_unflatten

from modelwright.nouns import Batch
from modelwright.objectives.piecewise import fixed_shapes

if TYPE_CHECKING:
    from torch.nn import Module

Slopes: TypeAlias = "tuple[Tensor, Sequence[Tensor]]"
"""() a share of the loss, and its gradient by weight in their order, each laid out as its weight."""
Counts: TypeAlias = "Mapping[str, Tensor]"
Loss: TypeAlias = "Callable[[Callable[[Batch], Batch], Sequence[Tensor], Batch, Counts], Tensor]"
"""(model, weights, batch, counts) -> () a share of the loss."""

_script = cast(Any, torch.jit)


class NotOneLineError(Exception):
    """What happens in a step depends on the numbers in it, so that it cannot be replayed."""


class Graph:
    """graph(batch, counts) -> Slopes, for batches of one shape. It reads the module's own weights and buffers."""

    def __init__(self, module: Module, loss: Loss, batch: Batch, counts: Counts, compiled: bool) -> None:
        trained = {name: weight for name, weight in module.named_parameters() if weight.requires_grad}
        rest = {name: weight for name, weight in module.named_parameters() if not weight.requires_grad}
        fixed = {**rest, **dict(module.named_buffers())}
        self.fixed = tuple(fixed.values())
        self.held = (*[weight.detach() for weight in trained.values()], *self.fixed)
        self.names, self.terms = tuple(batch), tuple(counts)
        example = (*self.held, *batch.values(), *counts.values())
        step = _plain(module, loss, (tuple(trained), tuple(fixed), self.names, self.terms))
        with undisturbed(self.fixed):
            self._run = _compiled(step, example) if compiled else _replay(step, example)
            self(batch, counts)  # compilers work when they are first called

    def __call__(self, batch: Batch, counts: Counts) -> Slopes:
        with torch.no_grad(), _script.optimized_execution(False):  # as recorded: TorchScript's rewriting changes bits
            loss, *slopes = self._run(*self.held, *[batch[name] for name in self.names], *[counts[term] for term in self.terms])
        return loss, slopes


def laid_out(slopes: Sequence[Tensor], weights: Sequence[Tensor]) -> list[Tensor]:
    """Slopes in the memory order of their weights: torch's fused optimizers walk both side by side and do not look."""
    pairs = zip(slopes, weights)
    return [slope if slope.stride() == weight.stride() else torch.empty_like(weight).copy_(slope) for slope, weight in pairs]


@contextmanager
def undisturbed(tensors: Iterable[Tensor]) -> Generator[None, None, None]:
    """Torch's generator and these tensors are afterwards as they were before."""
    generator, before = torch.get_rng_state(), [(tensor, tensor.clone()) for tensor in tensors]
    try:
        yield
    finally:
        torch.set_rng_state(generator)
        with torch.no_grad():
            for tensor, was in before:
                tensor.copy_(was)


def _plain(module: Module, loss: Loss, order: tuple[tuple[str, ...], ...]) -> Callable[..., tuple[Tensor, ...]]:
    """The step as a function of tensors alone: weights, what is fixed, batch, counts, in this order."""
    trained, fixed, names, terms = order

    def step(*tensors: Tensor) -> tuple[Tensor, ...]:
        given = iter(tensors)
        own = {name: next(given).detach().requires_grad_() for name in trained}
        bound = {**own, **{name: next(given) for name in fixed}}
        batch, counts = {name: next(given) for name in names}, {term: next(given) for term in terms}
        with torch.enable_grad(), fixed_shapes():
            value = loss(lambda batch: functional_call(module, bound, (batch,)), list(own.values()), batch, counts)
            slopes = torch.autograd.grad(value, list(own.values()), allow_unused=True, materialize_grads=True)
        return value.detach(), *laid_out(slopes, list(own.values()))

    return step


def _compiled(step: Callable[..., tuple[Tensor, ...]], example: Sequence[Tensor]) -> Callable[..., Any]:
    """Inductor called at once: torch.compile would look at all arguments again in every step, a tenth of a small one's time."""
    from torch import _inductor as inductor
    from torch.fx.experimental.proxy_tensor import make_fx

    with torch.no_grad():
        return cast(Any, inductor).compile(make_fx(step)(*example), list(example))


def _replay(step: Callable[..., tuple[Tensor, ...]], example: Sequence[Tensor]) -> Callable[..., Any]:
    """TorchScript's interpreter walks the recorded line without Python."""
    with _Recorder(example) as recorder:
        results = step(*example)
    line = recorder.line(results)
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns of what the recorder has made sure of
        return _script.trace(line, tuple(example), check_trace=False)


class _Recorder(TorchDispatchMode):
    """Writes down each kernel that runs below autograd, and which earlier result each of its arguments is."""

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # else torch loads its compiler, which takes a second, to tell it to keep away

    def __init__(self, example: Sequence[Tensor]) -> None:
        super().__init__()
        self.places = {id(tensor): place for place, tensor in enumerate(example)}
        self.alive: list[Tensor] = list(example)  # so that no id comes twice
        self.calls: list[tuple[Any, list[Any], Any, list[int | None]]] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        given, shape = tree_flatten((args, kwargs or {}))
        self._allow(func, args)
        leaves = [_Place(self.places[id(leaf)]) if id(leaf) in self.places else leaf for leaf in given]
        result = func(*args, **(kwargs or {}))
        places = [self._placed(leaf) for leaf in tree_flatten(result)[0]]
        if func is torch.ops.aten.detach.default:  # no gradient flows in a replay
            self.places[id(result)] = self.places.get(id(args[0]), self.places[id(result)])
            if id(args[0]) in self.places:
                return result
        self.calls.append((func, leaves, shape, places))
        return result

    def _placed(self, leaf: Any) -> int | None:
        if not isinstance(leaf, Tensor):
            return None
        if id(leaf) not in self.places:
            self.places[id(leaf)] = len(self.alive)
            self.alive.append(leaf)
        return self.places[id(leaf)]

    def _allow(self, func: Any, args: Any) -> None:
        tags = {torch.Tag.data_dependent_output, torch.Tag.dynamic_output_shape}
        if tags & set(func.tags):
            raise NotOneLineError(str(func))
        for argument, value in zip(func._schema.arguments, args):
            written = argument.alias_info is not None and argument.alias_info.is_write
            if written and isinstance(value, Tensor) and id(value) not in self.places:
                raise NotOneLineError(str(func))

    def line(self, results: Sequence[Tensor]) -> Callable[..., tuple[Tensor, ...]]:
        """All calls one after another, as a function of what the example stood for."""
        calls, total, wanted = self.calls, len(self.alive), [self.places[id(result)] for result in results]

        def run(*tensors: Tensor) -> tuple[Tensor, ...]:
            values: list[Any] = [*tensors, *[None] * (total - len(tensors))]
            for func, leaves, shape, places in calls:
                args, kwargs = tree_unflatten([values[leaf.at] if isinstance(leaf, _Place) else leaf for leaf in leaves], shape)
                for place, made in zip(places, tree_flatten(func(*args, **kwargs))[0]):
                    if place is not None:
                        values[place] = made
            return tuple(values[place] for place in wanted)

        return run


class _Place:
    """Stands for the tensor at this place of the line."""

    def __init__(self, at: int) -> None:
        self.at = at
