"""What compression works on: the model as it was trained, its rows as tensors, and how it learned."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from modelwright import data, evaluation, machine, models, training
from modelwright.compression import shaped
from modelwright.compression.edits import Edit
from modelwright.compression.section import Promise
from modelwright.data import Augmentation
from modelwright.nouns import Aim, Answers, Batch, Codec, Family, Tuning
from modelwright.objectives import Penalty
from modelwright.training import Training

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module


@dataclass(frozen=True)
class Course:
    """How the original was trained; recovery and distillation go the same way, but for their epochs and a falling rate."""

    plan: Training
    aim: Aim
    augmentation: tuple[Augmentation, ...]
    penalty: tuple[Penalty, ...]
    tuning: Tuning
    seed: int


@dataclass(frozen=True)
class Bench:
    family: Family
    module: Module
    codec: Codec
    train: Batch
    validation: Batch
    course: Course
    promise: Promise

    def answers(self, module: Module) -> Answers:
        """To the validation rows."""
        return evaluation.answer(module, self.codec, data.batches(self.validation, 1024))


@dataclass(frozen=True)
class Model:
    """A family, the edits that were made to it, and the weights that came of them."""

    family: Family
    edits: tuple[Edit, ...]
    weights: Mapping[str, Tensor]
    """As they lie in an artifact."""
    skipped: tuple[str, ...] = ()

    @property
    def bytes(self) -> int:
        """Of weights.safetensors."""
        from safetensors.torch import save

        return len(save({name: weight.contiguous() for name, weight in self.weights.items()}))

    def live(self, codec: Codec) -> Module:
        """The module as it comes off the shelf."""
        return assembled(self.family, codec, self.edits, self.weights)


def assembled(family: Family, codec: Codec, edits: tuple[Edit, ...], weights: Mapping[str, Tensor]) -> Module:
    """Built without memory, shaped by each edit in order, filled with weights that are edited already."""
    import torch

    with torch.device("meta"):
        module = shaped(models.build(family, codec.reads, codec.writes, seed=0), edits)
    module.load_state_dict({name: weight.clone().contiguous() for name, weight in weights.items()}, assign=True)
    return module.eval()


def weights_of(module: Module) -> dict[str, Tensor]:
    return {name: weight.detach().cpu().contiguous() for name, weight in module.state_dict().items()}


def learned(bench: Bench, module: Module, teacher: Module, epochs: int, temperature: float) -> Module:
    """The module after so many epochs of labels and the teacher's answers; the best of them by validation rows."""
    from modelwright.compression.teaching import Likeness, Taught, Teacher
    from modelwright.training.descent import Descent

    course, port = bench.course, bench.codec.writes[0]
    plan = replace(course.plan, epochs=epochs, schedule=training.Cosine(warmup=0.05), stopping=None)
    metric = evaluation.natural(port.kind)[0]
    tuning = replace(course.tuning, compiled=False)  # a compiler takes longer than so few epochs
    knows = Teacher(teacher, port.name, tuning)
    rows = bench.train if course.augmentation else knows.beside(bench.train)
    size = len(rows["row"]) if plan.batch == "all" else plan.batch
    feed = data.Feed(rows, size, course.seed, plan.accumulate, course.augmentation)
    update = Descent(plan.optimizer, Likeness(course.aim, port, temperature), course.penalty, plan.clip, course.seed)
    run = training.start(module, update, tuning)
    with machine.tuned(tuning):
        for step in training.steps(run, Taught(feed, knows) if course.augmentation else feed, update, plan):
            if step.ends_epoch:
                training.judge(run, plan, metric.score(bench.answers(module)).value, metric.better)
                run.history.append({"epoch": len(run.history)})
    training.finish(run)
    return module.to("cpu").eval()
