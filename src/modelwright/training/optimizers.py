"""Optimizers: numbers of a recipe, and how they change weights in place with torch's fused kernels.

State lies in a plain dict of tensors by name, so that a snapshot is exact. `divisor` () divides the gradient (clipping;
None is 1), and where `bad` () is 1 nothing changes: both are decided on the device, so that no step waits for a number.
Slopes lie in memory as their weights do. state["updates"] counts this update already, if it is not a bad one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from modelwright.nouns import Count, NotNegative, Positive, Share

if TYPE_CHECKING:
    from torch import Tensor

State: TypeAlias = "dict[str, Tensor]"
Weights: TypeAlias = "Mapping[str, Tensor]"
Slopes: TypeAlias = "Sequence[Tensor]"


@dataclass(frozen=True)
class SGD:
    """w <- w - rate * v with v <- momentum * v + gradient + decay * w. Without momentum: plain gradient descent."""

    rate: Positive = 0.1
    momentum: Share = 0.0
    nesterov: bool = False
    """Look ahead along v (https://proceedings.mlr.press/v28/sutskever13.html); only with momentum."""
    decay: NotNegative = 0.0

    def start(self, weights: Weights) -> State:
        import torch

        return {f"velocity:{name}": torch.zeros_like(weight) for name, weight in weights.items()} if self.momentum else {}

    def update(self, weights: Weights, slopes: Slopes, state: State, rate: float, divisor: Tensor | None, bad: Tensor) -> None:
        velocities = [state[f"velocity:{name}"] for name in weights] if self.momentum else []
        kernels()._fused_sgd_(
            list(weights.values()), list(slopes), velocities, weight_decay=self.decay, momentum=self.momentum, lr=rate,
            dampening=0.0, nesterov=self.nesterov and self.momentum > 0, maximize=False, is_first_step=False,
            grad_scale=divisor, found_inf=bad,
        )  # fmt: skip


@dataclass(frozen=True)
class Adam:
    """Adaptive moments (https://arxiv.org/abs/1412.6980)."""

    rate: Positive = 0.001
    beta1: Share = 0.9
    beta2: Share = 0.999
    epsilon: Positive = 1e-8
    decay: NotNegative = 0.0
    """Added to the gradient, as L2 would be."""

    def start(self, weights: Weights) -> State:
        return moments(weights)

    def update(self, weights: Weights, slopes: Slopes, state: State, rate: float, divisor: Tensor | None, bad: Tensor) -> None:
        kernels()._fused_adam_(
            list(weights.values()), list(slopes), *lists(weights, state), lr=rate, beta1=self.beta1, beta2=self.beta2,
            weight_decay=self.decay, eps=self.epsilon, amsgrad=False, maximize=False, grad_scale=divisor, found_inf=bad,
        )  # fmt: skip


@dataclass(frozen=True)
class AdamW:
    """Adam with decay apart from the gradient (https://arxiv.org/abs/1711.05101)."""

    rate: Positive = 0.001
    beta1: Share = 0.9
    beta2: Share = 0.999
    epsilon: Positive = 1e-8
    decay: NotNegative = 0.01

    def start(self, weights: Weights) -> State:
        return moments(weights)

    def update(self, weights: Weights, slopes: Slopes, state: State, rate: float, divisor: Tensor | None, bad: Tensor) -> None:
        kernels()._fused_adamw_(
            list(weights.values()), list(slopes), *lists(weights, state), lr=rate, beta1=self.beta1, beta2=self.beta2,
            weight_decay=self.decay, eps=self.epsilon, amsgrad=False, maximize=False, grad_scale=divisor, found_inf=bad,
        )  # fmt: skip


@dataclass(frozen=True)
class Muon:
    """For matrices and filters inside a network the nearest matrix that only turns, in place of the averaged gradient
    (https://kellerjordan.github.io/posts/muon/); AdamW for all else: biases, norms, tables of vectors, what writes answers."""

    rate: Positive = 0.02
    momentum: Share = 0.95
    """Nesterov's."""
    decay: NotNegative = 0.01
    """Apart from the gradient, as AdamW's."""
    rounds: Count = 5
    """Of Newton and Schulz' iteration. They cost 5 * width / tokens of a step: small batches do with fewer."""
    rest: AdamW = AdamW()
    """Its rate follows the same schedule."""

    def start(self, weights: Weights) -> State:
        import torch

        inner = {f"velocity:{name}": torch.zeros_like(weight) for name, weight in weights.items() if turns(name, weight)}
        return {**inner, **self.rest.start({name: weight for name, weight in weights.items() if not turns(name, weight)})}

    def update(self, weights: Weights, slopes: Slopes, state: State, rate: float, divisor: Tensor | None, bad: Tensor) -> None:
        named = list(zip(weights.items(), slopes, strict=True))
        others = [(name, weight, slope) for (name, weight), slope in named if not turns(name, weight)]
        if others:
            names, rest, theirs = zip(*others)
            self.rest.update(dict(zip(names, rest)), theirs, state, rate * self.rest.rate / self.rate, divisor, bad)
        for (name, weight), slope in named:
            if turns(name, weight):
                self._turn(weight, slope if divisor is None else slope / divisor, state[f"velocity:{name}"], rate, bad)

    def _turn(self, weight: Tensor, slope: Tensor, velocity: Tensor, rate: float, bad: Tensor) -> None:
        slope = velocity.where(bad > 0, slope)  # then the velocity stays what it is, and nothing is added
        velocity.lerp_(slope, 1 - self.momentum)
        way = slope.lerp(velocity, self.momentum).flatten(1)
        found = orthogonal(way, self.rounds).mul_(max(1.0, way.shape[0] / way.shape[1]) ** 0.5)
        weight.mul_(1 - rate * self.decay * (1 - bad)).sub_(found.view(weight.shape) * (rate * (1 - bad)))


Optimizer: TypeAlias = SGD | Adam | AdamW | Muon


def turns(name: str, weight: Tensor) -> bool:
    """Whether a weight is a matrix or a filter inside the network: no table of vectors, and nothing that writes answers."""
    path = name.split(".")
    return weight.ndim > 1 and "table" not in path and path[0] not in ("heads", "write")


def orthogonal(way: Tensor, rounds: int) -> Tensor:
    """(m, n) -> about U V' of its singular value decomposition U S V', by a polynomial of fifth degree.

    Five rounds bring every singular value that is no speck beside the largest to between 0.7 and 1.2."""
    a, b, c = 3.4445, -4.7750, 2.0315
    tall = way.shape[0] > way.shape[1]
    x = way.t() if tall else way
    x = x / (x.norm() + 1e-7)
    for _ in range(rounds):
        square = x @ x.t()
        x = a * x + (b * square + c * square @ square) @ x
    return (x.t() if tall else x).contiguous()


def kernels() -> Any:
    """torch with those of its kernels that its types do not name."""
    import torch

    return torch


def moments(weights: Weights) -> State:
    """First and second moment of each weight, zero."""
    import torch

    return {f"{which}:{name}": torch.zeros_like(weight) for which in ("first", "second") for name, weight in weights.items()}


def lists(weights: Weights, state: State) -> tuple[list[Tensor], list[Tensor], list[Tensor], list[Tensor]]:
    """As the fused kernels want them: first moments, second moments, none for amsgrad, the update's number for each weight."""
    first, second = ([state[f"{which}:{name}"] for name in weights] for which in ("first", "second"))
    return first, second, [], [state["updates"]] * len(weights)
