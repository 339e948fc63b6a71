"""The promises of an objective, each a function that yields a sentence where it is broken. B batch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from modelwright import objectives
from modelwright.nouns import Aim, Batch, Objective, Port, PortKind
from modelwright.reader import kind
from modelwright.testing.promises import orders, told
from modelwright.testing.samples import ROWS, WRITTEN, labels, some
from modelwright.wording import say

if TYPE_CHECKING:
    from torch import Tensor

NAME = "label"


@dataclass(frozen=True)
class Case:
    """An objective with one port to judge, and a model whose answers are a table by row id."""

    objective: Objective
    port: PortKind

    @property
    def aim(self) -> Aim:
        return self.objective.ready((Port(NAME, self.port),))

    def batch(self) -> Batch:
        import torch

        return {"row": torch.arange(ROWS), NAME: labels(self.port, torch.Generator().manual_seed(0))}

    def table(self) -> Tensor:
        """(B, units) what the model answers each row; a leaf that wants its gradient."""
        import torch

        from modelwright.models.networks.heads import units

        return torch.randn(ROWS, units(Port(NAME, self.port)), generator=torch.Generator().manual_seed(1)).requires_grad_()

    def loss(self, *batches: Batch) -> tuple[Tensor, Tensor]:
        """() the loss of these micro-batches as one batch, and its gradient (B, units)."""
        import torch

        table, aim = self.table(), self.aim
        model: Mapping[str, Any] = {"model": lambda batch: {NAME: table[batch["row"]]}}  # pyright: ignore[reportUnknownLambdaType]
        counts = [aim.counts(batch) for batch in batches]
        loss = torch.zeros(())
        for batch in batches:
            for term, total in aim(model, batch).items():
                loss = loss + aim.weights[term] * total / sum(found[term] for found in counts)
        return loss.detach(), torch.autograd.grad(loss, table)[0]


def check_objective(objective: Objective) -> list[str]:
    """One sentence for each broken promise."""
    word = kind(type(objective))
    broken = [*orders(objective, objectives.Objective, "objective")]
    for port in WRITTEN:
        if isinstance(port, objective.fits):
            where = say("{objective} judging {port}", objective=word, port=type(port).__name__)
            for promise in (judges, adds_up, weighs):
                broken += told(where, promise, Case(objective, port))
    return list(dict.fromkeys(broken))


def judges(case: Case) -> Iterator[str]:
    """Named sums with a count and a weight each; finite, with a gradient for every row."""
    aim, batch, table = case.aim, case.batch(), case.table()
    sums = aim({"model": lambda batch: {NAME: table[batch["row"]]}}, batch)  # pyright: ignore[reportArgumentType, reportUnknownLambdaType]
    if not sums.keys() == aim.counts(batch).keys() == aim.weights.keys():
        yield say("sums, counts and weights name different terms.")
        return
    if any(total.ndim for total in sums.values()):
        yield say("a sum is not a single number.")
        return
    loss, slope = case.loss(batch)
    if not loss.isfinite() or not slope.isfinite().all():
        yield say("its loss or gradient is not finite.")
    if not slope.any(1).all():
        yield say("a row gets no gradient.")


def adds_up(case: Case) -> Iterator[str]:
    """Cut into unequal micro-batches or put in another order, the batch has the same loss and gradient."""
    import torch

    batch = case.batch()
    whole, parts = case.loss(batch), case.loss(some(batch, [7, 2, 0]), some(batch, [1]), some(batch, [6, 5, 4, 3]))
    if not all(torch.allclose(a, b, rtol=1e-5, atol=1e-6) for a, b in zip(whole, parts)):
        yield say("micro-batches give another loss or gradient than the whole batch: give sums, and let counts divide.")


def weighs(case: Case) -> Iterator[str]:
    """Weight 2 is the row twice, weight 0 is the row not there."""
    import torch

    batch = case.batch()
    weight = torch.tensor([2.0, 0.0, 1.0, 1.0, 1.0, 0.0, 1.0, 1.0])
    weighted, repeated = case.loss({**batch, "weight": weight}), case.loss(some(batch, [0, 0, 2, 3, 4, 6, 7]))
    if not all(torch.allclose(a, b, rtol=1e-5, atol=1e-6) for a, b in zip(weighted, repeated)):
        yield say("it does not honour batch['weight'].")
