"""The promises of an objective, each a function that yields a sentence where it is broken. B batch, T time, D width."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from modelwright import objectives
from modelwright.nouns import Aim, Batch, Hidden, Objective, Port, PortKind, Tagged, Tokens, Vector
from modelwright.reader import kind
from modelwright.testing.promises import orders, told
from modelwright.testing.samples import FOLLOWING, HIDDEN, ROWS, SAID, TAGS, VECTORS, WRITTEN, labels, pairs, some, worded
from modelwright.wording import say

if TYPE_CHECKING:
    from torch import Tensor

NAME = "label"
STEPS = max(SAID) + 1
"""Of the longest row."""


@dataclass(frozen=True)
class Case:
    """An objective with one port to judge, and a model whose answers are a table by row id."""

    objective: Objective
    port: PortKind

    @property
    def aim(self) -> Aim:
        return self.objective.ready((Port(NAME, self.port),))

    def batch(self) -> Batch:
        """Of vectors each text is its own number, and so is its partner; of tags some steps of a row are words, as of hidden
        tokens some are hidden."""
        import torch

        rows, chance = torch.arange(ROWS), torch.Generator().manual_seed(0)
        if isinstance(self.port, Vector):
            real, texts = torch.ones(ROWS, 1, dtype=torch.bool), rows.unsqueeze(1)
            return {"row": rows, "inputs": texts, "mask": real, "other": ROWS + texts, "other_mask": real, **pairs()}
        if isinstance(self.port, (Tagged, Tokens)):
            real = torch.arange(STEPS) <= torch.tensor(SAID).unsqueeze(1)
            return {"row": rows, "mask": real, **worded(Port(NAME, self.port), real, chance)}
        return {"row": rows, NAME: labels(self.port, chance)}

    def table(self) -> Tensor:
        """(B, units) what the model answers each row, of tags and tokens (B, T, units), of vectors (2 B, D); a leaf that wants
        its gradient."""
        import torch

        chance = torch.Generator().manual_seed(1)
        return torch.randn(self._size, generator=chance).requires_grad_()

    @property
    def _size(self) -> tuple[int, ...]:
        from modelwright.models.networks.heads import units

        if isinstance(self.port, Vector):
            return 2 * ROWS, self.port.width
        if isinstance(self.port, Tokens):
            return ROWS, STEPS, self.port.alphabet
        one = units(Port(NAME, self.port))
        return (ROWS, STEPS, one) if isinstance(self.port, Tagged) else (ROWS, one)

    def models(self, table: Tensor) -> Mapping[str, Any]:
        """What answers with the table: a text's own line, the lines of a row's words, or the row's."""

        def answered(batch: Batch) -> Batch:
            if isinstance(self.port, Vector):
                return {NAME: table[batch["inputs"][:, 0]]}
            found = table[batch["row"]]
            return {NAME: found[batch["bears"]] if isinstance(self.port, (Tagged, Hidden)) else found}

        return {"model": answered}

    def loss(self, *batches: Batch) -> tuple[Tensor, Tensor]:
        """() the loss of these micro-batches as one batch, and its gradient, as the table is."""
        import torch

        table, aim = self.table(), self.aim
        counts = [aim.counts(batch) for batch in batches]
        loss = torch.zeros(())
        for batch in batches:
            for term, total in aim(self.models(table), batch).items():
                loss = loss + aim.weights[term] * total / sum(found[term] for found in counts)
        return loss.detach(), torch.autograd.grad(loss, table)[0]


def check_objective(objective: Objective) -> list[str]:
    """One sentence for each broken promise."""
    word = kind(type(objective))
    broken = [*orders(objective, objectives.Objective, "objective")]
    for port in (*WRITTEN, TAGS, *VECTORS, FOLLOWING, HIDDEN):
        if type(port) in objective.fits:
            where = say("{objective} judging {port}", objective=word, port=type(port).__name__)
            others = (turned, shared) if isinstance(port, Vector) else (adds_up, weighs)
            for promise in (judges, *others):
                broken += told(where, promise, Case(objective, port))
    return list(dict.fromkeys(broken))


def judges(case: Case) -> Iterator[str]:
    """Named sums with a count and a weight each; finite, with a gradient for every row."""
    aim, batch, table = case.aim, case.batch(), case.table()
    sums = aim(case.models(table), batch)
    if not sums.keys() == aim.counts(batch).keys() == aim.weights.keys():
        yield say("sums, counts and weights name different terms.")
        return
    if any(total.ndim for total in sums.values()):
        yield say("a sum is not a single number.")
        return
    loss, slope = case.loss(batch)
    if not loss.isfinite() or not slope.isfinite().all():
        yield say("its loss or gradient is not finite.")
    if not slope.flatten(1).any(1).all():
        yield say("a row gets no gradient.")
    if isinstance(case.port, (Tagged, Tokens)) and slope[~batch["bears"]].any():
        yield say("a step that bears no loss gets a gradient.")


def adds_up(case: Case) -> Iterator[str]:
    """Cut into unequal micro-batches or put in another order, the batch has the same loss and gradient."""
    batch = case.batch()
    whole, parts = case.loss(batch), case.loss(some(batch, [7, 2, 0]), some(batch, [1]), some(batch, [6, 5, 4, 3]))
    if not near(whole, parts):
        yield say("micro-batches give another loss or gradient than the whole batch: give sums, and let counts divide.")


def weighs(case: Case) -> Iterator[str]:
    """Weight 2 is the row twice, weight 0 is the row not there."""
    import torch

    batch = case.batch()
    weight = torch.tensor([2.0, 0.0, 1.0, 1.0, 1.0, 0.0, 1.0, 1.0])
    weighted, repeated = case.loss({**batch, "weight": weight}), case.loss(some(batch, [0, 0, 2, 3, 4, 6, 7]))
    if not near(weighted, repeated):
        yield say("it does not honour batch['weight'].")


def turned(case: Case) -> Iterator[str]:
    """Where the batch is the question, its order is not."""
    batch = case.batch()
    if not near(case.loss(batch), case.loss(some(batch, [7, 2, 0, 1, 6, 5, 4, 3]))):
        yield say("in another order the batch has another loss or gradient.")


def shared(case: Case) -> Iterator[str]:
    """And whatever the weights, all rows are asked about: the loss is the mean of what each costs alone, by their weights."""
    import torch

    batch, weight = case.batch(), torch.tensor([2.0, 0.0, 1.0, 1.0, 3.0, 0.0, 1.0, 0.5])
    alone = [case.loss({**batch, "weight": one}) for one in torch.eye(ROWS)]
    share = weight / weight.sum()
    expected = [sum(part * found[place] for part, found in zip(share, alone)) for place in (0, 1)]
    if not near(case.loss({**batch, "weight": weight}), expected):
        yield say("it does not honour batch['weight'].")


def near(one: Iterable[Any], other: Iterable[Any]) -> bool:
    """Losses and gradients, but for rounding."""
    import torch

    return all(torch.allclose(a, b, rtol=1e-5, atol=1e-6) for a, b in zip(one, other, strict=True))
