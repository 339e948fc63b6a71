"""What a life tells at its end: the ledger of its costs, and the story that the report shows. Does no work of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date

from modelwright import __version__, evaluation, machine, report
from modelwright.models.beginning import Beginning
from modelwright.nouns import PARTS, Answers, Classes, Costs, Numbers, Tagged, Tokens, Vector
from modelwright.reader import kind, write
from modelwright.recipe import Recipe
from modelwright.report import pictures
from modelwright.report.reasons import why
from modelwright.stages import Encoded, Judged, Learned, Lived, Material, Start
from modelwright.wording import say, say_many

# --- the ledger ---------------------------------------------------------------------------------------------------------


def measured(learned: Learned, encoded: Encoded) -> Costs:
    """What training really took; memory is the most that the process held in its whole life."""
    predicted, lesson = learned.predicted, learned.lesson
    return replace(
        learned.spent,
        flops=(predicted.flops or 0.0) * len(lesson.run.history) / lesson.plan.epochs,
        peak_bytes=max(learned.spent.peak_bytes or 0, machine.peak_bytes() or 0) or None,
        parameters=predicted.parameters,
        layers=predicted.layers,
        weight_bytes=predicted.weight_bytes,
        rows_used=len(encoded.batches["train"]["row"]),
        rows_dropped=encoded.dropped,
        rows_repaired=encoded.repaired,
        noise=_noise(lesson.run.history),
    )


def _noise(history: Sequence[Mapping[str, float]]) -> tuple[float | None, float, float | None] | None:
    """As it was told last: it grows while a model learns."""
    last = next((entry for entry in reversed(history) if "noise_low" in entry), None)
    return None if last is None else (last.get("noise"), last["noise_low"], last.get("noise_high"))


def in_turn(beginning: Beginning) -> str:
    """What learned when; empty where all did from the beginning."""
    if not beginning.unfreeze:
        return ""
    first = ", ".join(beginning.train) or say("what stands beside the base")
    turns = sorted(beginning.unfreeze, key=lambda one: one.after)
    told = [
        say_many("after {n} epoch {names}", "after {n} epochs {names}", one.after, names=", ".join(one.train)) for one in turns
    ]
    return say("learned in turn: {first} from the beginning, {later}", first=first, later=", ".join(told))


# --- the page -----------------------------------------------------------------------------------------------------------


def story(
    recipe: Recipe, material: Material, learned: Learned, judged: Judged, lived: Lived, start: Start | None = None
) -> report.Story:
    """All that the report tells."""
    run, port, shows = learned.lesson.run, judged.answers.port.kind, recipe.report.rows
    assert isinstance(port, (Classes, Numbers, Tokens, Tagged, Vector))
    classes = isinstance(port, Classes)
    return report.Story(
        title=lived.folder.path.name,
        label=recipe.codec.label,
        port=port,
        model=kind(type(recipe.model)),
        source=_source(recipe),
        data=data_path(recipe),
        folder=str(lived.folder.path),
        recipe=lived.folder.recipe.read_text(encoding="utf-8"),
        rows={part: len(material.parts[part]) for part in PARTS},
        scores=judged.scores,
        ledger=lived.ledger,
        baselines=judged.baselines,
        gain=judged.gain,
        findings=material.findings,
        history=run.history,
        metric=_watched(recipe, judged),
        best_epoch=run.best_epoch,
        confusion=_confusion(judged.answers) if classes else None,
        mistakes=_mistakes(recipe, material, judged, lived) if shows else (),
        shows_rows=shows,
        board=lived.board,
        gained=lived.gained,
        turns=in_turn(start.beginning) if start else "",
        tuning=machine.told(lived.tuning),
        machine=f"{machine.facts()['processor']}, {say_many('{n} core', '{n} cores', machine.cores())}",
        made=f"{date.today().isoformat()}, modelwright {__version__}",
    )


def _watched(recipe: Recipe, judged: Judged) -> str:
    """The name of the score by which training was followed."""
    metrics = recipe.evaluation.metrics or evaluation.natural(judged.answers.port.kind)
    return judged.scores[metrics.index(evaluation.watched(metrics))].name


def _mistakes(recipe: Recipe, material: Material, judged: Judged, lived: Lived) -> tuple[report.Shown, ...]:
    """The worst, each with its row, and with what speaks for it where that was asked."""
    shown = pictures.show(evaluation.mistakes(judged.answers), material.rows, recipe.codec)
    reasons = {one.row: why(one) for one in lived.explained}
    return tuple(replace(one, why=reasons.get(one.row)) for one in shown)


def _confusion(answers: Answers) -> tuple[tuple[str, ...], list[list[int]]]:
    names, counts = evaluation.confusion(answers)
    return names, counts.tolist()


def _source(recipe: Recipe) -> str:
    """data.csv, or bundled digits"""
    bundled = say("{name}, bundled with scikit-learn", name=write(recipe.data).get("name", ""))
    return data_path(recipe) or bundled


def data_path(recipe: Recipe) -> str:
    """The path that its rows are named by; empty where they have none."""
    return str(write(recipe.data).get("path") or "")
