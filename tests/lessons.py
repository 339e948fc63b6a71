"""A small lesson to train on in tests: made rows with a pattern, a model with dropout, and the loop's parts."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch

from modelwright import training
from modelwright.data.feed import Feed
from modelwright.models import MLP, build
from modelwright.nouns import Aim, Batch, Classes, Numbers, Port, Run, Step, Tuning
from modelwright.objectives import CrossEntropy
from modelwright.training.descent import Descent

READS = (Port("inputs", Numbers(16)),)
WRITES = (Port("label", Classes(("a", "b", "c", "d"))),)


def made(rows: int, seed: int = 0) -> Batch:
    """Rows around four centres, some of them wrongly labelled."""
    generator = torch.Generator().manual_seed(seed)
    centres = torch.randn(4, 16, generator=torch.Generator().manual_seed(99))
    label = torch.randint(4, (rows,), generator=generator)
    inputs = centres[label] + 1.5 * torch.randn(rows, 16, generator=generator)
    return {"inputs": inputs, "label": label, "row": torch.arange(rows)}


@dataclass
class Lesson:
    """All parts of a training, alive."""

    plan: training.Training
    rows: int = 150
    dropout: float = 0.3
    tuning: Tuning = field(default_factory=Tuning)
    seed: int = 7
    run: Run = field(init=False)
    feed: Feed = field(init=False)
    update: Descent = field(init=False)
    aim: Aim = field(init=False)

    def __post_init__(self) -> None:
        self.aim = CrossEntropy().ready(WRITES)
        module = build(MLP((24,), dropout=self.dropout), READS, WRITES, self.seed)
        size = self.rows if self.plan.batch == "all" else self.plan.batch
        self.feed = Feed(made(self.rows), size, self.seed, self.plan.accumulate)
        self.update = Descent(self.plan.optimizer, self.aim, (), self.plan.clip, self.seed, rows=self.feed.height)
        self.run = training.start(module, self.update, self.tuning)

    def steps(self, most: int | None = None) -> list[Step]:
        """Goes on for so many steps, or to the end."""
        found: list[Step] = []
        for step in training.steps(self.run, self.feed, self.update, self.plan):
            found.append(step)
            if len(found) == most:
                break
        return found

    def weights(self) -> dict[str, torch.Tensor]:
        return {name: weight.detach().clone() for name, weight in self.run.models["model"].named_parameters()}


def equal(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    """Bit for bit."""
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)
