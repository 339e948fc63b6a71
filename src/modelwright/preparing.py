"""A lesson made ready: what it will cost, measured; or as its newest snapshot left it. Knows no stage and no screen."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelwright import data, evaluation, learning, machine, models, planning, training
from modelwright.folder import RunFolder
from modelwright.learning import Lesson
from modelwright.models.beginning import Beginning, begin, later
from modelwright.nouns import Codec, Refused, Together, Tuning
from modelwright.objectives import Contrastive
from modelwright.parallel import ALONE
from modelwright.reader import write
from modelwright.recipe import Recipe, settled
from modelwright.stages import Encoded, Material
from modelwright.wording import say

if TYPE_CHECKING:
    from torch.nn import Module

    from modelwright.training.descent import Descent


def foretold(
    recipe: Recipe, material: Material, encoded: Encoded, folder: Path, together: Together
) -> tuple[planning.Plan, Tuning]:
    """Measured on a lesson that is then forgotten; of several processes by the first."""

    def heaviest() -> int:
        plain = replace(lesson(recipe, encoded, _ordered(recipe), ALONE), feed=parts(recipe, encoded, together)[2])
        widest = replace(plain, update=replace(plain.update, later=()))  # when all learns that ever does
        return planning.step_bytes(widest, machine.memory_limit())

    active = together.told(heaviest)  # before anything else takes a whole step
    tuning, seconds, agreeing = probed(recipe, encoded, together)

    def told() -> dict[str, Any]:
        plain = replace(lesson(recipe, encoded, tuning, ALONE), feed=parts(recipe, encoded, together)[2])
        ground = planning.Ground(recipe, material, encoded, plain, active, seconds, agreeing, folder, together)
        return planning.plan(ground).plain()

    return planning.planned(together.told(told)), tuning


def _ordered(recipe: Recipe) -> Tuning:
    """What the recipe says of how much a step holds; of what it leaves to measurement, the way that holds most."""
    order = recipe.machine
    return Tuning(dtype="bfloat16" if order.dtype == "bfloat16" else "float32", recompute=order.recompute)


def come_back(recipe: Recipe, encoded: Encoded, folder: RunFolder, together: Together) -> Lesson | None:
    """The lesson as its newest snapshot left it, tuning and all; None where there is no snapshot."""
    fresh = lesson(recipe, encoded, Tuning(processes=together.size), together)
    came_back = learning.come_back(fresh.run, folder)
    step = fresh.run.step
    assert together.told(lambda: step) == step, "the processes came back to different places"
    return fresh if came_back else None


def lesson(recipe: Recipe, encoded: Encoded, tuning: Tuning, together: Together) -> Lesson:
    """The loop's live parts, with fresh weights."""
    codec = encoded.codec
    module, update, feed = parts(recipe, encoded, together)
    metric = evaluation.watched(recipe.evaluation.metrics or evaluation.natural(codec.writes[0].kind))
    run = training.start(module, update, tuning)
    tensorboard, validation = recipe.report.tensorboard, encoded.batches["validation"]
    return Lesson(run, recipe.training, update, update.aim, feed, validation, codec, metric, together, tensorboard)


def probed(recipe: Recipe, encoded: Encoded, together: Together) -> tuple[Tuning, float, float]:
    """What this machine does best for this model, the seconds that a step then takes, and those that agreeing on it takes."""
    order, codec = recipe.training, encoded.codec
    module, update, feed = parts(recipe, encoded, together)
    update = replace(update, later=())
    key = f"{write(recipe.model)} {codec.reads} {codec.writes} {feed.size} {feed.micros} {write(order.optimizer)}"

    def trial(way: Tuning, limit: float) -> float:
        return training.trial(module, update, feed, way, limit)

    steps = training.total_steps(order, feed)
    tuning, seconds = machine.probe(recipe.machine, models.layers(module), key, steps, trial, together)
    return tuning, seconds, training.agreeing(module, together)


def parts(recipe: Recipe, encoded: Encoded, together: Together) -> tuple[Module, Descent, data.Feed]:
    """Model, update and feed as the recipe orders them."""
    from modelwright.training.descent import Descent

    order, codec = recipe.training, encoded.codec
    rows = encoded.batches["train"]
    size = len(rows["row"]) if order.batch == "all" else order.batch
    micros, hiding = order.accumulate * together.size, data.hiding(codec)
    feed = data.Feed(rows, size, recipe.seed, micros, recipe.augmentation, hiding=hiding)
    objective = settled(recipe).objective
    assert objective is not None
    aim = objective.ready(codec.writes)
    if isinstance(objective, Contrastive) and micros > 1:
        told = say("Each text is held against all others of its batch: it cannot be cut, so one process trains.")
        raise Refused(told, say("Leave out --processes; a larger training.batch gives more texts to tell apart."))
    update = Descent(order.optimizer, aim, recipe.penalty, order.clip, recipe.seed, together, feed.height)
    module = _module(recipe, encoded)
    if micros > 1 and not recipe.penalty and len(aim.weights) == 1:  # else micro-batches add up to more than a mean over rows
        cells = feed.cells(range(feed.steps_per_epoch)) / feed.steps_per_epoch
        weights = sum(weight.numel() for weight in module.parameters())
        update = replace(update, looks=training.every(weights, cells, micros))
    if encoded.start is not None:
        update = replace(update, later=_later(module, recipe, encoded.start.beginning, encoded.codec, feed))
    return module, update, feed


def _later(
    module: Module, recipe: Recipe, beginning: Beginning, codec: Codec, feed: data.Feed
) -> tuple[training.Later, ...]:
    """What does not learn from the first step on. Refused: what would never learn, for training is over before."""
    waiting, epochs = later(module, beginning, codec.writes), recipe.training.epochs
    if waiting and max(waiting) >= epochs:
        told = say("model.unfreeze waits for {n} epochs, and training.epochs = {epochs}.", n=max(waiting), epochs=epochs)
        raise Refused(told, say("Give more epochs, or fewer to wait for."))
    return tuple(training.Later(after * feed.steps_per_epoch, names) for after, names in waiting.items())


def _module(recipe: Recipe, encoded: Encoded) -> Module:
    """With fresh weights, or those of a base; where all of them are the base's, none are drawn to be thrown away."""
    import torch

    codec, beginning = encoded.codec, encoded.start and encoded.start.beginning
    shape = recipe.model, codec.reads, codec.writes, recipe.seed
    if beginning is None:
        return models.build(*shape)
    with torch.device("meta"):
        module = models.build(*shape)
    if beginning.writes != codec.writes or not module.state_dict().keys() <= beginning.weights.keys():
        module = models.build(*shape)
    begin(module, beginning, codec.writes, recipe.seed)
    return module
