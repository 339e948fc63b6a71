"""The model learns, after what that will cost was told."""

from __future__ import annotations

from collections.abc import Callable

from modelwright import evaluation, learning, machine, planning, preparing, training
from modelwright.folder import RunFolder
from modelwright.nouns import Reply, Together, Watch
from modelwright.parallel import ALONE
from modelwright.recipe import Recipe
from modelwright.report.scalars import refuse_without_extra
from modelwright.stages import Encoded, Learned, Material, silent, stage


def refuse_unready(recipe: Recipe) -> None:
    """What a recipe orders beyond our own dependencies must be there before anything is trained."""
    if recipe.report.tensorboard:
        refuse_without_extra()
    replies = recipe.evaluation.metrics or (evaluation.BLEU(),) * (recipe.codec.wants is Reply)
    evaluation.refuse_without_extra(replies)


def plan(
    recipe: Recipe,
    material: Material,
    encoded: Encoded,
    folder: RunFolder,
    watch: Watch = silent,
    together: Together = ALONE,
) -> planning.Prepared:
    """What the life will cost, measured; and the lesson, ready to begin, or come back to where its newest snapshot was taken:
    then the plan is the one that it began with, and nothing is measured again."""
    with stage("plan", watch) as words:
        lesson = preparing.come_back(recipe, encoded, folder, together)
        came_back = lesson is not None
        if lesson is None:
            made, tuning = preparing.foretold(recipe, material, encoded, folder.path, together)
            lesson = preparing.lesson(recipe, encoded, tuning, together)
            if together.rank == 0:
                folder.settle({"plan": made.plain()})
        else:
            made = planning.planned(folder.settled()["plan"])
        words.append(planning.sentence(made))
    return planning.Prepared(lesson, made, came_back)


def train(prepared: planning.Prepared, folder: RunFolder, stop: Callable[[], bool], watch: Watch = silent) -> Learned:
    """Trains to the end."""
    lesson, together = prepared.lesson, prepared.lesson.together
    with stage("train", watch) as words:
        if together.rank == 0:
            event = "resume" if prepared.came_back else "train"
            folder.note(event, step=lesson.run.step, device=machine.told(lesson.run.tuning))
        with machine.Meter() as meter, machine.tuned(lesson.run.tuning):
            learning.learn(lesson, folder, watch, stop)
        training.finish(lesson.run)
        lesson.run.models["model"].to("cpu").eval()
        words += learning.told(lesson)
    return Learned(lesson, prepared.plan.costs, machine.of_all(meter.costs, together))
