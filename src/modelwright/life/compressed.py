"""The same answers from a smaller model, where the recipe orders one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from modelwright import evaluation, shelf
from modelwright.compression import Distill
from modelwright.compression import telling as telling_of_compression
from modelwright.life.judged import gain
from modelwright.nouns import Artifact, Rows, Watch
from modelwright.recipe import Recipe
from modelwright.stages import Encoded, Judged, Learned, Material, silent, stage

if TYPE_CHECKING:
    from modelwright.compression.judging import Compressed


def apprentice(recipe: Recipe, encoded: Encoded) -> dict[Path, Artifact]:
    """The teachers that compression names. Refused, before anything is trained: what compression could not do at the end."""
    from modelwright.compression import checking

    named = [step.teacher for step in recipe.compression if isinstance(step, Distill)]
    teachers = {path: shelf.take(path) for path in named if path is not None}
    judges = len(encoded.batches["validation"]["row"])
    checking.refuse_unfit(recipe.compression, recipe.model, encoded.codec, encoded.batches["train"], judges, teachers)
    return teachers


def compress(
    recipe: Recipe,
    material: Material,
    encoded: Encoded,
    learned: Learned,
    judged: Judged,
    teachers: Mapping[Path, Artifact],
    watch: Watch = silent,
) -> Compressed | None:
    """The candidates on validation rows, the chosen one on test rows; None where nothing was ordered."""
    from modelwright.compression import bench, judging

    if recipe.promise is None:
        return None
    with stage("compress", watch) as words:
        run, aim = learned.lesson.run, learned.lesson.aim
        course = bench.Course(recipe.training, aim, recipe.augmentation, recipe.penalty, run.tuning, recipe.seed)
        rows = (encoded.batches["train"], encoded.batches["validation"])
        work = bench.Bench(recipe.model, learned.module, encoded.codec, *rows, course, recipe.promise)
        test, size = material.part("test"), recipe.evaluation.batch
        found = judging.compress(
            work,
            recipe.compression,
            {path: teacher.module for path, teacher in teachers.items()},
            judged.answers,
            lambda module: evaluation.answer_rows(module, encoded.codec, test, size),
            watch,
        )
        words += telling_of_compression.line(found.board)
    return found


def succeed(artifact: Artifact, smaller: Compressed, test: Rows) -> Artifact:
    """The compressed model in the original's place, with scores and tolerance of its own."""
    model, module, answers = smaller.model, smaller.module, smaller.answers
    assert model is not None and module is not None and answers is not None
    exact = evaluation.tolerance(module, artifact.codec, test)
    scores = evaluation.score(answers, artifact.metrics)
    told = artifact.told(telling_of_compression.story(smaller.board))
    return replace(told, family=model.family, edits=model.edits, module=module, scores=scores, tolerance={"float32": exact})


def rejudged(recipe: Recipe, judged: Judged, smaller: Compressed) -> Judged:
    """What the test rows say of the compressed model."""
    answers = smaller.answers
    assert answers is not None
    scores = evaluation.score(answers, recipe.evaluation.metrics)
    return replace(judged, answers=answers, scores=scores, gain=gain(answers, judged.rivals))
