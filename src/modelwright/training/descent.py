"""The update: forward and backward per micro-batch, clipping, the optimizer. Nothing in it waits for a number."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from typing import Any, cast

import torch
from torch import Tensor
from torch.nn import Module

from modelwright.data.chance import chance
from modelwright.nouns import Aim, Batch, Run, Together, Tuning
from modelwright.objectives import Penalty, penalized
from modelwright.parallel import ALONE
from modelwright.training import apart
from modelwright.training.noise import TALLIES
from modelwright.training.optimizers import Optimizer
from modelwright.training.tracing import Counts, Graph, Slopes, laid_out, undisturbed
from modelwright.training.waiting import Cohort, Later, asleep, cohorts, told_as_all, wake
from modelwright.wording import say

SHAPES = 4
"""Shapes of batches that are replayed; a step of any other runs eagerly, with the same bits."""
TRIALS = 2
"""Batches on which a replay must give eager's very bits before it is trusted."""

_kernels = cast(Any, torch)
"""Those that torch's types do not name."""
_log = logging.getLogger("modelwright")


@dataclass
class Descent:
    """Gradient descent by one optimizer on the weights of models["model"]."""

    optimizer: Optimizer
    aim: Aim
    penalties: tuple[Penalty, ...] = ()
    clip: float = 0.0
    """The longest gradient allowed; 0 is no limit."""
    seed: int = 0
    together: Together = ALONE
    """The processes that share an update: each works on its own micro-batches, and all make the same change."""
    rows: int = 0
    """Of a whole micro-batch: the size that a step is compiled for, where it is."""
    later: tuple[Later, ...] = ()
    """Weights that do not learn from the first step on."""
    looks: int = 0
    """At one of so many updates it looks how far the gradients of its several micro-batches lie apart. 0: never."""
    _module: Module | None = field(default=None, init=False, repr=False)
    _weights: dict[str, Tensor] = field(default_factory=dict[str, Tensor], init=False, repr=False)
    _cohorts: tuple[Cohort, ...] = field(default=(), init=False, repr=False)
    _asleep: frozenset[str] = field(default=frozenset(), init=False, repr=False)
    _graphs: dict[Any, Graph | None] = field(default_factory=dict[Any, Any], init=False, repr=False)
    """By shape of batch; None where eager is the way."""
    _trials: dict[Any, int] = field(default_factory=dict[Any, int], init=False, repr=False)

    def mine(self, micros: int) -> range:
        return self.together.mine(micros)

    def start(self, models: Mapping[str, Module]) -> dict[str, Tensor]:
        weights = trained(models["model"])
        device = next(iter(weights.values())).device
        tallies = ("loss_sum", "updates", "updates_before", *(one.updates for one in self.later))
        seen = {TALLIES: apart.start(device)} if self.looks else {}
        return {**self.optimizer.start(weights), **{name: torch.zeros((), device=device) for name in tallies}, **seen}

    def __call__(self, run: Run, batches: list[Batch], rate: float) -> tuple[Tensor, Tensor, Tensor]:
        self._bind(run.models["model"], run.step)
        counts = self._counts(batches)
        look = apart.Apart(self.aim) if self.looks and run.step % self.looks == 0 else None
        loss, slopes = self._part(run, batches[0], counts, self.together.rank)
        if look:
            look.add(batches[0], slopes)
        for place, batch in enumerate(batches[1:], start=1):
            more, found = self._part(run, batch, counts, self.together.rank + place * self.together.size)
            if look:
                look.add(batch, found)
            loss = loss + more
            _kernels._foreach_add_(slopes, found)
        seen = [look.sums(counts)] if look else []
        loss, *slopes = self.together.total([loss, *slopes, *seen])
        with torch.no_grad():
            seen = [slopes.pop()] if look else []
            norm = torch.linalg.vector_norm(torch.stack(_kernels._foreach_norm(slopes)))
            bad = finite_or_not(norm + loss)
            tally(run, loss, bad)
            if seen:
                apart.keep(run.state[TALLIES], seen[0], norm, bad)
            divisor = ((norm + 1e-6) / self.clip).clamp_min(1.0) if self.clip else None  # as torch clips
            self._update(run, slopes, rate, divisor, bad)
        return loss, norm, bad

    def _update(self, run: Run, slopes: list[Tensor], rate: float, divisor: Tensor | None, bad: Tensor) -> None:
        """Those that began later apart, since their moments are younger."""
        if not self.later:
            self.optimizer.update(self._weights, slopes, run.state, rate, divisor, bad)
            return
        for cohort in self._cohorts:
            if cohort.updates != "updates":
                run.state[cohort.updates].add_(1 - bad)
            weights, mine = {name: self._weights[name] for name in cohort.names}, [slopes[place] for place in cohort.places]
            self.optimizer.update(weights, mine, told_as_all(run.state, cohort), rate, divisor, bad)

    def _counts(self, batches: Sequence[Batch]) -> Counts:
        """What each term's sum is divided by, over all micro-batches of all processes."""
        own = summed([self.aim.counts(batch) for batch in batches])
        return dict(zip(own, self.together.total(list(own.values()))))

    def _bind(self, module: Module, step: int) -> None:
        """Weights are looked up once; another module starts afresh, and so do the graphs where more weights learn."""
        sleeping = asleep(self.later, step)
        if module is self._module and sleeping == self._asleep:
            return
        wake(module, self.later, step)
        self._module, self._weights, self._asleep = module, trained(module), sleeping
        self._cohorts = cohorts(self._weights, self.later)
        self._graphs.clear()
        self._trials.clear()

    @property
    def learning(self) -> int:
        """How many numbers learned in the last step."""
        return sum(weight.numel() for weight in self._weights.values())

    def _part(self, run: Run, batch: Batch, counts: Counts, micro: int) -> tuple[Tensor, list[Tensor]]:
        """What one micro-batch adds to loss and slopes; penalties enter with the first, number 0 of all processes."""
        number = chance(self.seed, "step", run.step, micro)
        reseed(run.tuning.device, number)
        key = (micro == 0 and bool(self.penalties), *[(name, tensor.shape, tensor.dtype) for name, tensor in batch.items()])
        if key not in self._graphs:
            self._graphs[key] = self._graph(run, batch, counts, micro == 0)
        graph = self._graphs[key]
        if graph is None:
            return self._eager(run, batch, counts, micro == 0)
        if not run.tuning.compiled and self._trials.get(key, 0) < TRIALS:
            return self._tried(run, key, graph, batch, counts, micro == 0)
        loss, slopes = graph(batch, counts)
        return loss, list(slopes)

    def _eager(self, run: Run, batch: Batch, counts: Counts, with_penalties: bool) -> tuple[Tensor, list[Tensor]]:
        weights = list(self._weights.values())
        loss = self._loss(run.models["model"], weights, batch, counts, run.tuning, with_penalties)
        slopes = torch.autograd.grad(loss, weights, allow_unused=True, materialize_grads=True)
        return loss.detach(), laid_out(slopes, weights)

    def _loss(
        self, model: Any, weights: Sequence[Tensor], batch: Batch, counts: Counts, tuning: Tuning, with_penalties: bool
    ) -> Tensor:
        with arithmetic(tuning):
            totals = self.aim({"model": model}, batch)
        terms = [scaled(total / counts[term], self.aim.weights[term]) for term, total in totals.items()]
        penalty = penalized(self.penalties, weights) if with_penalties else None
        return sum(terms[1:], terms[0]) if penalty is None else sum(terms, penalty)

    # --- the step as a graph ---------------------------------------------------------------------------------------------

    def _graph(self, run: Run, batch: Batch, counts: Counts, with_penalties: bool) -> Graph | None:
        """None where batches differ in shape from step to step, or where a step cannot be told as one line of kernels."""
        tuning = run.tuning
        compiled = tuning.compiled and len(batch["row"]) == self.rows
        if ("mask" in batch and not compiled) or tuning.device != "cpu" or len(self._graphs) >= SHAPES:
            return None

        def loss(model: Any, weights: Sequence[Tensor], batch: Batch, counts: Counts) -> Tensor:
            return self._loss(model, weights, batch, counts, tuning, with_penalties)

        try:
            return Graph(run.models["model"], loss, batch, counts, compiled)
        except Exception as error:  # every backend fails in its own way, and eager always works
            if compiled:
                _log.warning(say("The step could not be compiled, so it runs eagerly: {problem}", problem=first_line(error)))
                run.tuning = replace(tuning, compiled=False)
            else:
                _log.debug("a step is not replayed: %s", error)
            return None

    def _tried(
        self, run: Run, key: Any, graph: Graph, batch: Batch, counts: Counts, with_penalties: bool
    ) -> tuple[Tensor, list[Tensor]]:
        """Eager's answer, after a look at whether the replay gives the very same."""
        with undisturbed(graph.fixed):
            replayed = graph(batch, counts)
        loss, slopes = self._eager(run, batch, counts, with_penalties)
        self._trials[key] = self._trials.get(key, 0) + 1
        if not same(replayed, (loss, slopes)):
            self._graphs[key] = None
        return loss, slopes


def finite_or_not(number: Tensor) -> Tensor:
    """() 0.0 where the number is finite, else 1.0. torch.isfinite takes three times as many kernels."""
    return (number - number).ne_(0)  # a number that is not finite, less itself, is not a number


def tally(run: Run, loss: Tensor, bad: Tensor) -> None:
    """Counts the update unless it is bad, and adds its loss to the epoch's, on the device."""
    good = 1 - bad
    run.state["updates"].add_(good)
    run.state["loss_sum"].addcmul_(loss.nan_to_num(0.0, 0.0, 0.0), good)


def trained(module: Module) -> dict[str, Tensor]:
    """The weights that learn, by name."""
    return {name: weight for name, weight in module.named_parameters() if weight.requires_grad}


def scaled(term: Tensor, weight: float) -> Tensor:
    """Not multiplied by 1, which costs two kernels in each step."""
    return term if weight == 1.0 else weight * term


def summed(counts: Sequence[Counts]) -> Counts:
    """What each term's sum is divided by, over all micro-batches; known before the first forward pass."""
    first, *rest = counts
    return {term: sum((more[term] for more in rest), first[term]) for term in first} if rest else first


def same(one: Slopes, other: Slopes) -> bool:
    """Bit for bit; what is not a number equals itself."""
    pairs = zip([one[0], *one[1]], [other[0], *other[1]], strict=True)
    return all(torch.equal(a.contiguous().view(torch.int32), b.contiguous().view(torch.int32)) for a, b in pairs)


def arithmetic(tuning: Tuning) -> AbstractContextManager[Any]:
    """What the forward pass computes in."""
    if tuning.dtype == "bfloat16":
        return torch.autocast(tuning.device.split(":")[0], dtype=torch.bfloat16)
    return nullcontext()


def reseed(device: str, number: int) -> None:
    """The generator that the model's chance is drawn from, on this device."""
    if device == "cpu":
        torch.default_generator.manual_seed(number)
    else:
        torch.manual_seed(number)


def first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0][:200]
