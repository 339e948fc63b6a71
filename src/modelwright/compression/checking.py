"""What can be said of an ordered compression before anything is trained: by the recipe alone, then by the encoded rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from itertools import pairwise
from pathlib import Path
from typing import Any

from modelwright.compression.section import Compression, Distill, Int8, Promise, Prune
from modelwright.nouns import (
    Artifact,
    Batch,
    Classes,
    Codec,
    Family,
    Gaps,
    Hidden,
    Port,
    Refused,
    Reply,
    Tagged,
    Tokens,
    Vector,
)
from modelwright.reader import Fault
from modelwright.wording import say

FEWEST = 20
"""Validation rows that can choose among candidates at all."""


def faults(steps: object, promise: object, wants: type | None) -> Iterator[Fault]:
    """What does not go together in a recipe; sections with faults of their own are left out."""
    if wants in (Tokens, Reply, Gaps, Hidden, Tagged, Vector) and (steps or promise):
        told = say("cannot be compressed yet, since no class or number is answered: leave [[compression]] and [promise] out")
        yield Fault(("codec", "kind"), say("a model of texts"), told)
        return
    if isinstance(steps, tuple) and isinstance(promise, Promise | None):
        yield from _order(steps, promise)
    if isinstance(promise, Promise) and wants is not None:
        fitting = "accuracy" if wants is Classes else "mae"
        if promise.metric != fitting:
            facts = {"metric": promise.metric, "wants": wants.__name__, "fitting": fitting}
            told = say("{metric} does not judge {wants}, which the codec asks for: use {fitting}", **facts)
            yield Fault(("promise", "metric"), f'promise.metric = "{promise.metric}"', told)


def _order(steps: Sequence[Any], promise: Promise | None) -> Iterator[Fault]:
    if steps and promise is None:
        told = say("is missing: say what compression may lose, such as metric = \"accuracy\", loss = 0.02")
        yield Fault(("promise",), "promise", told)
    if promise is not None and not steps:
        yield Fault(("promise",), "promise", say("promises what compression may lose, but there is no [[compression]]"))
    for place, (step, after) in enumerate(pairwise(steps)):
        if isinstance(step, Int8):
            told = say("int8 comes last: what follows it would learn in eight bits")
            yield Fault(("compression", place, "kind"), f"compression[{place}]", told)
        elif isinstance(after, Distill):
            told = say("distill comes first: a student has none of the changes that were made before it")
            yield Fault(("compression", place + 1, "kind"), f"compression[{place + 1}]", told)


def refuse_unfit(
    steps: tuple[Compression, ...], family: Family, codec: Codec, train: Batch, judges: int, teachers: Mapping[Path, Artifact]
) -> None:
    """Refused: too few validation rows, nothing to prune, a student or a teacher whose ports do not fit.

    judges: how many validation rows there are."""
    from modelwright import models
    from modelwright.compression import pruning
    from modelwright.compression.contending import sample

    if steps and judges < FEWEST:
        facts = {"n": judges, "least": FEWEST}
        raise Refused(
            say("{n} validation rows cannot choose among compressed models: at least {least} are needed.", **facts),
            say("Give more of them (validation = 0.15 in data.split), or leave [[compression]] out."),
        )
    for step in steps:
        if isinstance(step, Distill):
            family = step.student
            models.build(family, codec.reads, codec.writes, seed=0)
            if step.teacher is not None:
                _refuse_teacher(teachers[step.teacher], codec, step.teacher)
        if isinstance(step, Prune):
            pruning.plan(models.build(family, codec.reads, codec.writes, seed=0).eval(), sample(train, 1))


def _refuse_teacher(teacher: Artifact, codec: Codec, path: Path) -> None:
    """A teacher must read and write what the student does, number by number."""
    one = teacher.codec
    for theirs, ours, does in ((one.reads, codec.reads, say("reads")), (one.writes, codec.writes, say("writes"))):
        if theirs != ours:
            facts = {"path": path, "does": does, "theirs": _apart(theirs, ours), "ours": _apart(ours, theirs)}
            raise Refused(say("The teacher {path} does not fit: it {does} {theirs}, this run {does} {ours}.", **facts))
    if not _same(teacher.codec, codec):
        raise Refused(
            say("The teacher {path} does not fit: its codec was fitted on other rows, so its tensors mean something else.",
                path=path),
            say("Let the teacher be trained on the same data with the same split and seed."),
        )  # fmt: skip


def _same(one: Codec, other: Codec) -> bool:
    import torch

    a, b = one.state(), other.state()
    if dict(a.facts) != dict(b.facts) or dict(a.texts) != dict(b.texts) or a.tensors.keys() != b.tensors.keys():
        return False
    return all(torch.equal(a.tensors[name], b.tensors[name]) for name in a.tensors)


def _apart(ports: tuple[Port, ...], others: tuple[Port, ...]) -> str:
    """What these ports are, where the others are something else."""
    if len(ports) != len(others):
        return ", ".join(f"{port.name}: {type(port.kind).__name__}" for port in ports)
    return ", ".join(_told(port, other) for port, other in zip(ports, others, strict=True) if port != other)


def _told(port: Port, other: Port) -> str:
    """inputs: Tokens (alphabet = 90)"""
    word = f"{port.name}: {type(port.kind).__name__}"
    if type(port.kind) is not type(other.kind):
        return word
    pairs = ((field.name, getattr(port.kind, field.name), getattr(other.kind, field.name)) for field in fields(port.kind))
    differing = ", ".join(f"{name} = {_size(value, beside)}" for name, value, beside in pairs if value != beside)
    return f"{word} ({differing})" if differing else word


def _size(value: object, other: object) -> str:
    """Of two lists that differ in length, how long this one is."""
    if isinstance(value, tuple) and isinstance(other, tuple) and len(value) != len(other):
        return say("{n} values", n=len(value))
    text = str(value)
    return text if len(text) <= 60 else text[:59] + "…"
