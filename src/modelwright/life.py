"""The whole life on one page: one function per stage, in the order in which they happen."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelwright import (
    data,
    evaluation,
    learning,
    machine,
    planning,
    preparing,
    protection,
    report,
    shelf,
    telling,
    training,
    vault,
)
from modelwright.compression import Distill
from modelwright.compression import telling as telling_of_compression
from modelwright.compression.board import from_plain as board_from_plain
from modelwright.data.codecs import Columns
from modelwright.data.splits import Given
from modelwright.folder import RunFolder, claim, fingerprint
from modelwright.nouns import (
    PARTS,
    Answers,
    Artifact,
    Batch,
    Classes,
    Costs,
    Ledger,
    Note,
    Part,
    Refused,
    Rows,
    Score,
    Together,
    Tuning,
    Watch,
)
from modelwright.parallel import ALONE
from modelwright.reader import kind, write
from modelwright.recipe import Recipe, expanded
from modelwright.report import figures
from modelwright.report.scalars import refuse_without_extra
from modelwright.stages import ANEW, Encoded, Judged, Learned, Lived, Material, Opening, silent, stage
from modelwright.wording import say, say_many

if TYPE_CHECKING:

    from modelwright.compression.judging import Compressed
    from modelwright.explanation.explaining import Explained


# --- the life -----------------------------------------------------------------------------------------------------------


def run(recipe: Recipe, folder: RunFolder, opening: Opening = ANEW, watch: Watch = silent) -> Lived:
    """Leads a recipe through its whole life in this folder; a finished one is reused."""
    refuse_unready(recipe)
    with vault.lock(folder.path), vault.sealed(recipe.protection.opened(), folder.path):
        standing = claim(folder, expanded(recipe), opening.resume, opening.fresh)
        material = gather(recipe, opening.table, watch)
        _same_data(folder, material)
        if standing == "finished":
            return reuse(folder, watch)
        refuse_grave(material, recipe)
        encoded = encode(recipe, material, watch)
        teachers = apprentice(recipe, encoded)
        prepared = plan(recipe, material, encoded, folder, watch, opening.together)
        learned = train(prepared, folder, opening.stop, watch)
        judged = evaluate(recipe, material, encoded, learned, watch)
        artifact = make(recipe, material, encoded, learned, judged)
        smaller = compress(recipe, material, encoded, learned, judged, teachers, watch)
        vault.clear(folder.path, ("original",))  # what an interrupted run may have left
        if smaller is not None and smaller.model is not None:
            shelf.put(artifact, folder.original)
            artifact, judged = succeed(artifact, smaller, material.part("test")), rejudged(recipe, judged, smaller)
        shelf.put(artifact, folder.artifact)
        explained = explain(recipe, material, judged, artifact, watch)
        sign(recipe, folder, watch)
        evaluation.keep(judged.answers, folder.answers)
        ledger = Ledger(learned.predicted, telling.measured(learned, encoded))
        board = None if smaller is None else smaller.board
        way = learned.lesson.run.tuning
        lived = Lived(folder, artifact, judged.baselines, ledger, way, board=board, explained=explained)
        report.write(folder.report, telling.story(recipe, material, learned, judged, lived))
        folder.settle(lived.plain())
        return lived


def only_train(recipe: Recipe, folder: RunFolder, opening: Opening = ANEW, watch: Watch = silent) -> Learned | None:
    """The life as far as training, which leaves snapshots: `run` goes on from there. None where it is finished."""
    refuse_unready(recipe)
    with vault.lock(folder.path), vault.sealed(recipe.protection.opened(), folder.path):
        if claim(folder, expanded(recipe), opening.resume, opening.fresh) == "finished":
            return None
        material = gather(recipe, opening.table, watch)
        _same_data(folder, material)
        refuse_grave(material, recipe)
        prepared = plan(recipe, material, encode(recipe, material, watch), folder, watch, opening.together)
        return train(prepared, folder, opening.stop, watch)


def assist(recipe: Recipe, folder: RunFolder, together: Together) -> int:
    """What a process does that is not the first: it learns with the others, and writes nothing. Its exit code."""
    material = gather(recipe)
    refuse_grave(material, recipe)
    train(plan(recipe, material, encode(recipe, material), folder, together=together), folder, lambda: False)
    return 0


def gather(recipe: Recipe, table: data.Frame | None = None, watch: Watch = silent) -> Material:
    """Reads all rows, parts them and judges them."""
    began = time.perf_counter()
    with stage("check", watch) as words:
        rows = data.read(table or recipe.data)
        parts = data.split(recipe.data.split, rows, recipe.codec.label, recipe.seed)
        rows = _without_part(rows, recipe)
        findings = data.check(rows, parts, recipe.codec)
        grave = sum(finding.grave for finding in findings)
        sizes = " · ".join(f"{figures.part_name(part)} {len(parts[part]):,}" for part in PARTS)
        words.append(say("{rows} rows", rows=f"{len(rows):,}") + f" ({sizes})")
        found = say_many("{n} note", "{n} notes", len(findings) - grave)
        words.append(say("{grave} grave", grave=grave) + f" · {found}" if grave else say("no grave findings") + f" · {found}")
    return Material(rows, parts, findings, data.fingerprint(rows), time.perf_counter() - began)


def _without_part(rows: Rows, recipe: Recipe) -> Rows:
    """A column that says which part a row is in has told all it knows: it is nothing to learn from."""
    rule, codec = recipe.data.split, recipe.codec
    if not isinstance(rule, Given) or (isinstance(codec, Columns) and rule.column in codec.ignore):
        return rows
    return Rows(rows.ids, rows.columns.drop(rule.column))


def refuse_unready(recipe: Recipe) -> None:
    """What a recipe orders beyond our own dependencies must be there before anything is trained."""
    if recipe.report.tensorboard:
        refuse_without_extra()


def refuse_grave(material: Material, recipe: Recipe) -> None:
    """Grave findings stop a life unless the recipe accepts them by name."""
    grave = [finding for finding in material.findings if finding.grave and finding.name not in recipe.check.accept]
    if grave:
        names = ", ".join(f'"{finding.name}"' for finding in grave)
        accept = say("Nothing was trained. To go on all the same: [check] accept = [{names}]", names=names)
        raise Refused(*(finding.sentence for finding in grave), accept)


def encode(recipe: Recipe, material: Material, watch: Watch = silent) -> Encoded:
    """Fits the codec on training rows alone and turns every part into tensors; rows with faults are left out of training."""
    began = time.perf_counter()
    with stage("encode", watch) as words:
        learned_from = data.chunks(material.rows, material.parts["train"])
        codec = recipe.codec.fit(learned_from)
        batches: dict[Part, Batch] = {}
        dropped = 0
        for part in ("train", "validation"):
            encoded, faults = data.encode_all(codec, material.rows, material.parts[part])
            batches[part], without = data.without(encoded, faults)
            dropped += without
        repaired = sum(map(codec.repairs, learned_from()))
        words.append(say("{used} rows to learn from", used=f"{len(batches['train']['row']):,}"))
        words[0] += (" · " + say("{dropped} dropped", dropped=f"{dropped:,}")) if dropped else ""
        words[0] += (" · " + say("{repaired} repaired", repaired=f"{repaired:,}")) if repaired else ""
    return Encoded(codec, batches, dropped, repaired, time.perf_counter() - began)


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


def foresee(recipe: Recipe, folder: Path, watch: Watch = silent) -> planning.Plan:
    """What the life of this recipe in this folder would cost: its rows are read and encoded, and nothing is kept."""
    with vault.sealed(recipe.protection.opened(), folder):  # a snapshot is tried, and its gradients come of rows
        material = gather(recipe, None, watch)
        refuse_grave(material, recipe)
        return preparing.foretold(recipe, material, encode(recipe, material, watch), folder, ALONE)[0]


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
        baselines = {name: evaluation.score(theirs, recipe.evaluation.metrics) for name, theirs in rivals.items()}
        beside = "".join(f"   {figures.baseline_name(name)} {figures.value(theirs[0])}" for name, theirs in baselines.items())
        words.append(figures.with_interval(scores[0]) + beside)
    return Judged(answers, scores, baselines, _gain(answers, rivals), rivals)


def _gain(answers: Answers, rivals: Mapping[str, Answers]) -> tuple[str, Score] | None:
    """The last rival is the strongest one; classes only, on the rows that both could answer."""
    if not rivals or not isinstance(answers.port.kind, Classes):
        return None
    name, theirs = list(rivals.items())[-1]
    same = answers.frame.join(theirs.frame.select("row"), on="row", how="semi", maintain_order="left")
    return name, evaluation.compare(theirs, replace(answers, frame=same))


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
    return replace(judged, answers=answers, scores=scores, gain=_gain(answers, judged.rivals))


def make(recipe: Recipe, material: Material, encoded: Encoded, learned: Learned, judged: Judged) -> Artifact:
    """What goes on: the model with all that is needed to use it, and no row."""
    order = expanded(recipe)
    run = learned.lesson.run
    return Artifact(
        family=recipe.model,
        codec=encoded.codec,
        module=learned.module,
        source=_nameless(write(recipe.data)),
        rows={part: material.rows.ids[material.parts[part]] for part in PARTS},
        fingerprints={"data": material.fingerprint, "recipe": fingerprint(order)},
        metrics=recipe.evaluation.metrics or evaluation.natural(encoded.codec.writes[0].kind),
        scores=judged.scores,
        tolerance={"float32": evaluation.tolerance(learned.module, encoded.codec, material.part("test"))},
        story=(
            say(
                "trained: {kind}, {epochs} epochs, {reason}",
                kind=kind(type(recipe.model)),
                epochs=len(run.history),
                reason=machine.told(run.tuning),
            ),
            say("judged on {rows} test rows", rows=f"{len(material.parts['test']):,}"),
        ),
    )


def _nameless(source: Mapping[str, Any]) -> dict[str, Any]:
    """A source as it may travel: of paths the last name alone, for the others are about somebody's machine."""
    return {key: Path(value).name if key in ("path", "test") and value else value for key, value in source.items()}


def explain(
    recipe: Recipe, material: Material, judged: Judged, artifact: Artifact, watch: Watch = silent
) -> tuple[Explained, ...]:
    """Why the artifact is so sure of its worst mistakes, which the report shows."""
    from modelwright.explanation.mistaken import explain_mistakes

    wrong = evaluation.mistakes(judged.answers)
    if not (recipe.explanation.mistakes and recipe.report.rows and len(wrong)):
        return ()
    with stage("explain", watch) as words:
        found = explain_mistakes(artifact, recipe.explanation, wrong, material.part("test"), material.part("train"))
        better = sum(one.deletion.beats_random for one in found)
        words.append(say_many("{n} worst mistake explained", "{n} worst mistakes explained", len(found)))
        words[0] += " · " + say("deletion curve beats random on {better} of {n}", better=better, n=len(found))
    return found


def sign(recipe: Recipe, folder: RunFolder, watch: Watch = silent) -> None:
    """Puts the user's name to the artifact, and to the original where a smaller one took its place."""
    if recipe.protection.sign:
        sign_all((folder.artifact, folder.original), watch)


def sign_all(folders: Sequence[Path], watch: Watch = silent) -> None:
    """Each that is there. A key that cannot be had is said, and costs nobody a finished model."""
    with stage("sign", watch) as words:
        try:
            signer = protection.own_key()
            for made in folders:
                if made.exists():
                    shelf.sign(made, signer)
            words.append(say("manifest signed with your key {key}", key=signer.public.short))
        except Refused as refusal:
            words.append(say("not signed: {reason}", reason=refusal.sentences[0]))


def reuse(folder: RunFolder, watch: Watch = silent) -> Lived:
    """A life that was led already: what it said then, from its folder."""
    told = folder.settled()
    artifact = shelf.take(folder.artifact)
    ledger = Ledger(Costs(**told["predicted"]), Costs(**told["measured"]))
    baselines = {name: tuple(Score(**score) for score in scores) for name, scores in told["baselines"].items()}
    watch(
        Note(
            "reused",
            say("this recipe and data were led to the end before: {scores}", scores=figures.with_interval(artifact.scores[0])),
        )
    )
    board = board_from_plain(told["compression"]) if told.get("compression") else None
    return Lived(folder, artifact, baselines, ledger, Tuning(**told["tuning"]), reused=True, board=board)


def _same_data(folder: RunFolder, material: Material) -> None:
    """Remembers the data of a new run; refuses other data in a folder that has begun."""
    if not folder.facts.exists():
        folder.settle({"data": material.fingerprint})
    elif folder.settled()["data"] != material.fingerprint:
        raise Refused(
            say("{folder} was begun with other data: what the recipe names has changed since.", folder=folder.path),
            say("Give this run a folder of its own with -o FOLDER, or begin again there with --fresh."),
        )
