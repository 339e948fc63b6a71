"""What the test rows say of the model, beside the baselines."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from modelwright import data, evaluation
from modelwright.nouns import Answers, Classes, Score, Watch
from modelwright.recipe import Recipe
from modelwright.report import figures
from modelwright.stages import Encoded, Judged, Learned, Material, silent, stage


def evaluate(recipe: Recipe, material: Material, encoded: Encoded, learned: Learned, watch: Watch = silent) -> Judged:
    """The test rows, raw, through the one door; beside the baselines."""
    with stage("evaluate", watch) as words:
        test = material.part("test")
        answers = evaluation.answer_rows(learned.module, encoded.codec, test, recipe.evaluation.batch)
        scores = evaluation.score(answers, recipe.evaluation.metrics)
        rivals: dict[str, Answers] = {}
        if recipe.evaluation.baselines:
            asked, faults = data.encode_all(encoded.codec, test)
            rivals = dict(evaluation.baselines(encoded.batches["train"], data.without(asked, faults)[0], encoded.codec))
            rivals = evaluation.comparable(rivals, answers, recipe.evaluation.metrics)
        baselines = {name: evaluation.scored(theirs, recipe.evaluation.metrics) for name, theirs in rivals.items()}
        beside = "".join(f"   {figures.baseline_name(name)} {figures.value(theirs[0])}" for name, theirs in baselines.items())
        words.append(figures.with_interval(scores[0]) + beside)
    return Judged(answers, scores, baselines, gain(answers, rivals), rivals)


def gain(answers: Answers, rivals: Mapping[str, Answers]) -> tuple[str, Score] | None:
    """The last rival is the strongest one; classes only, on the rows that both could answer."""
    if not rivals or not isinstance(answers.port.kind, Classes):
        return None
    name, theirs = list(rivals.items())[-1]
    same = answers.frame.join(theirs.frame.select("row"), on="row", how="semi", maintain_order="left")
    return name, evaluation.compare(theirs, replace(answers, frame=same))
