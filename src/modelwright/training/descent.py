"""The update: forward and backward per micro-batch, clipping, the optimizer. One weight update, and nothing waits for a number."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import torch
from torch import Tensor
from torch.func import functional_call, grad_and_value
from torch.nn import Module

from modelwright.data.chance import chance
from modelwright.nouns import Aim, Batch, Run, Tuning
from modelwright.objectives import Penalty, penalized
from modelwright.training.optimizers import Optimizer
from modelwright.wording import say

Slopes: TypeAlias = "tuple[Tensor, Sequence[Tensor]]"
"""() a share of the loss, and its gradient by weight in their order."""


@dataclass
class Descent:
    """Gradient descent by one optimizer on the weights of models["model"]."""

    optimizer: Optimizer
    aim: Aim
    penalties: tuple[Penalty, ...] = ()
    clip: float = 0.0
    seed: int = 0
    _compiled: Callable[..., Slopes] | None = field(default=None, init=False, repr=False)
    _shape: tuple[int, ...] | None = field(default=None, init=False, repr=False)
    """Of the batch that was compiled for; another one runs eagerly."""

    def start(self, models: Mapping[str, Module]) -> dict[str, Tensor]:
        weights = trained(models["model"])
        return {**self.optimizer.start(weights), "skipped": torch.zeros((), device=next(iter(weights.values())).device)}

    def __call__(self, run: Run, batches: list[Batch], rate: float) -> tuple[Tensor, Tensor, Tensor]:
        weights = trained(run.models["model"])
        counts = self._counts(batches)
        loss, slopes = torch.zeros((), device=run.state["skipped"].device), list[Tensor]()
        for micro, batch in enumerate(batches):
            torch.default_generator.manual_seed(chance(self.seed, "step", run.step, micro))
            part, found = self._slopes(run, batch, counts, micro == 0)
            loss = loss + part if micro else part
            found = [aligned(slope, weight) for slope, weight in zip(found, weights.values())]
            slopes = [a + b for a, b in zip(slopes, found)] if micro else found
        norm = torch.linalg.vector_norm(torch.stack(torch._foreach_norm(slopes)))
        bad = (~torch.isfinite(norm + loss)).float()
        self._change(weights, slopes, run.state, rate, norm, bad)
        return loss, norm, bad

    def _change(self, weights: Mapping[str, Tensor], slopes: list[Tensor], state: dict[str, Tensor], rate: float, norm: Tensor, bad: Tensor) -> None:
        divisor = (norm / self.clip).clamp_min(1.0) if self.clip else torch.ones_like(norm)
        with torch.no_grad():
            state["skipped"] += bad
            if "updates" in state:
                state["updates"] += 1 - bad
            self.optimizer.update(weights, slopes, state, rate, divisor, bad)

    def _counts(self, batches: list[Batch]) -> dict[str, Tensor]:
        """What each term's sum is divided by, over all micro-batches; known before the first forward pass."""
        found = [self.aim.counts(batch) for batch in batches]
        return {term: sum((counts[term] for counts in found[1:]), start=found[0][term]) for term in found[0]}

    def _slopes(self, run: Run, batch: Batch, counts: Mapping[str, Tensor], with_penalties: bool) -> Slopes:
        if run.tuning.compiled and with_penalties and self._shape in (None, tuple(batch["row"].shape)):
            try:
                return self._compile(run, batch)(trained(run.models["model"]), batch, counts)
            except Exception as error:  # every backend fails in its own way, and eager always works
                logging.getLogger("modelwright").warning(say("The step could not be compiled, so it runs eagerly: {problem}", problem=error))
                run.tuning = eager(run.tuning)
        module = run.models["model"]
        weights = list(trained(module).values())
        loss = self._loss({"model": module}, weights, batch, counts, run.tuning, with_penalties)
        return loss.detach(), torch.autograd.grad(loss, weights, allow_unused=True, materialize_grads=True)

    def _loss(
        self, models: Mapping[str, Any], weights: Sequence[Tensor], batch: Batch, counts: Mapping[str, Tensor], tuning: Tuning, with_penalties: bool
    ) -> Tensor:
        with arithmetic(tuning):
            totals = self.aim(models, batch)
        loss = torch.stack([self.aim.weights[term] * total / counts[term] for term, total in totals.items()]).sum()
        penalty = penalized(self.penalties, weights) if with_penalties else None
        return loss if penalty is None else loss + penalty

    def _compile(self, run: Run, batch: Batch) -> Callable[..., Slopes]:
        """Forward and backward as one graph, for this shape of batch."""
        if self._compiled is None:
            module, tuning = run.models["model"], run.tuning

            def slopes(weights: dict[str, Tensor], batch: Batch, counts: dict[str, Tensor]) -> Slopes:
                def loss(weights: dict[str, Tensor]) -> Tensor:
                    bound = {"model": lambda batch: functional_call(module, weights, (batch,))}
                    return self._loss(bound, list(weights.values()), batch, counts, tuning, True)

                found, value = grad_and_value(loss)(weights)
                return value, [found[name] for name in weights]

            self._compiled = torch.compile(slopes, fullgraph=True, dynamic=False)
            self._shape = tuple(batch["row"].shape)
        return self._compiled


def aligned(slope: Tensor, weight: Tensor) -> Tensor:
    """The gradient with the strides of its weight: torch's fused kernels walk both as they lie in memory, and would pair
    the wrong numbers without a word where one is channels-last and the other is not."""
    return slope if slope.stride() == weight.stride() else torch.empty_like(weight).copy_(slope)


def trained(module: Module) -> dict[str, Tensor]:
    """The weights that learn, by name."""
    return {name: weight for name, weight in module.named_parameters() if weight.requires_grad}


def arithmetic(tuning: Tuning) -> AbstractContextManager[Any]:
    """What the forward pass computes in."""
    if tuning.dtype == "bfloat16":
        return torch.autocast(tuning.device.split(":")[0], dtype=torch.bfloat16)
    return nullcontext()


def eager(tuning: Tuning) -> Tuning:
    from dataclasses import replace

    return replace(tuning, compiled=False)
