"""Candidates: each step of the pipeline alone, and all of them one after another. What a chain begins with is made once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from modelwright import data, models
from modelwright.compression.bench import Bench, Model, learned, weights_of
from modelwright.compression.section import Compression, Distill, Int8, Prune
from modelwright.nouns import Batch, Note, Watch
from modelwright.reader import kind

if TYPE_CHECKING:
    from torch.nn import Module

Teachers: TypeAlias = "Mapping[Path, Module]"
CALIBRATED = 512
"""Training rows on which the size of a unit's values is measured."""
RECOVERY = 2.0
"""The temperature at which a pruned model learns from the whole one."""


def candidates(bench: Bench, steps: tuple[Compression, ...], teachers: Teachers, watch: Watch) -> Iterator[
    tuple[str, Model]
]:  # fmt: skip
    """Names and models, the chain last."""
    original = Model(bench.family, (), weights_of(bench.module))
    chain, names = original, list[str]()
    for place, step in enumerate(steps):
        names.append(_name(step, names))
        watch(Note("compress", names[-1], place + 1, len(steps) + 1))
        alone = taken(bench, original, step, teachers)
        chain = alone if place == 0 else taken(bench, chain, step, teachers)
        yield names[-1], alone
    if len(steps) > 1:
        yield " + ".join(names), chain


def _name(step: Compression, before: list[str]) -> str:
    """prune, and the second one prune 2"""
    word = kind(type(step))
    times = sum(name.split()[0] == word for name in before)
    return f"{word} {times + 1}" if times else word


def taken(bench: Bench, model: Model, step: Compression, teachers: Teachers) -> Model:
    """The model after one more step."""
    if isinstance(step, Int8):
        return _rounded(bench, model)
    return _pruned(bench, model, step) if isinstance(step, Prune) else _distilled(bench, step, teachers)


def _pruned(bench: Bench, model: Model, step: Prune) -> Model:
    from modelwright.compression import pruning

    module = model.live(bench.codec)
    plan = pruning.plan(module, sample(bench.train, 1))
    edit = pruning.fit(module, data.batches(sample(bench.train, CALIBRATED), 128), step.keep, plan)
    smaller = edit.shape(module)
    if step.epochs:
        smaller = learned(bench, smaller, bench.module, step.epochs, RECOVERY)
    return Model(model.family, (*model.edits, edit), weights_of(smaller), (*model.skipped, *_told(plan.skipped)))


def _rounded(bench: Bench, model: Model) -> Model:
    from modelwright.compression import rounding, surgery

    edit, skipped = rounding.fit(model.live(bench.codec))
    return Model(
        model.family, (*model.edits, edit), surgery.converted((edit,), model.weights), (*model.skipped, *_told(skipped))
    )


def _distilled(bench: Bench, step: Distill, teachers: Teachers) -> Model:
    student = models.build(step.student, bench.codec.reads, bench.codec.writes, bench.course.seed)
    teacher = bench.module if step.teacher is None else teachers[step.teacher]
    if step.epochs:
        student = learned(bench, student, teacher, step.epochs, step.temperature)
    return Model(step.student, (), weights_of(student))


def sample(batch: Batch, most: int) -> Batch:
    """The first rows; of texts the padding that none of them needs is left out."""
    part = {name: tensor[:most] for name, tensor in batch.items()}
    return next(iter(data.batches(part, most)))


def _told(skipped: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(f"{name}: {reason}" for name, reason in skipped.items())


