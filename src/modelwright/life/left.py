"""What a life leaves: the artifact, its reasons, its signature; and what one says that was led before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelwright import evaluation, machine, protection, shelf, training
from modelwright.compression import Adapted, Edit
from modelwright.compression.board import from_plain as board_from_plain
from modelwright.folder import RunFolder, fingerprint
from modelwright.nouns import PARTS, Artifact, Costs, Ledger, Note, Refused, Run, Score, Tagged, Tokens, Tuning, Vector, Watch
from modelwright.reader import kind, write
from modelwright.recipe import Recipe, expanded
from modelwright.report import figures
from modelwright.stages import Encoded, Judged, Learned, Lived, Material, Start, silent, stage
from modelwright.telling import in_turn
from modelwright.wording import say, say_many

if TYPE_CHECKING:
    from modelwright.explanation.explaining import Explained


def make(recipe: Recipe, material: Material, encoded: Encoded, learned: Learned, judged: Judged) -> Artifact:
    """What goes on: the model with all that is needed to use it, and no row."""
    order = expanded(recipe)
    run, start = learned.lesson.run, encoded.start
    return Artifact(
        family=recipe.model,
        codec=encoded.codec,
        edits=beside(run, start),
        module=learned.module,
        source=_nameless(write(recipe.data)),
        rows={part: material.rows.ids[material.parts[part]] for part in PARTS},
        fingerprints={"data": material.fingerprint, "recipe": fingerprint(order)},
        metrics=recipe.evaluation.metrics or evaluation.natural(encoded.codec.writes[0].kind),
        scores=judged.scores,
        tolerance={"float32": evaluation.tolerance(learned.module, encoded.codec, material.part("test"))},
        base=start.beginning.base if start else None,
        origin=start.beginning.origin if start else None,
        story=(
            *((say("began with the weights of {base}", base=Path(start.beginning.base.path).name),) if start else ()),
            say(
                "trained: {kind}, {epochs} epochs, {reason}",
                kind=kind(type(recipe.model)),
                epochs=len(run.history),
                reason=machine.told(run.tuning),
            ),
            *((turns,) if start and (turns := in_turn(start.beginning)) else ()),
            say("judged on {rows} test rows", rows=f"{len(material.parts['test']):,}"),
        ),
    )


def beside(run: Run, start: Start | None) -> tuple[Edit, ...]:
    """What was learned beside a base, where that was ordered."""
    from modelwright.models.networks.beside import ADDED
    from modelwright.models.networks.beside import beside as standing

    if start is None or (lora := start.beginning.lora) is None:
        return ()
    module = run.models["model"]
    layers = tuple(name for name, _ in standing(module))
    added = {f"{layer}.{name}" for layer in layers for name in ADDED}
    return (Adapted(layers, lora, tuple(name for name in training.moving(module, run.still) if name not in added)),)


def _nameless(source: Mapping[str, Any]) -> dict[str, Any]:
    """A source as it may travel: of paths the last name alone, for the others are about somebody's machine."""
    return {key: Path(value).name if key in ("path", "test") and value else value for key, value in source.items()}


def explain(
    recipe: Recipe, material: Material, judged: Judged, artifact: Artifact, watch: Watch = silent
) -> tuple[Explained, ...]:
    """Why the artifact is so sure of its worst mistakes, which the report shows."""
    from modelwright.explanation.mistaken import explain_mistakes
    from modelwright.explanation.subject import BACKGROUND

    if isinstance(judged.answers.port.kind, (Tokens, Tagged, Vector)):
        return ()
    wrong = evaluation.mistakes(judged.answers)
    if not (recipe.explanation.mistakes and recipe.report.rows and len(wrong)):
        return ()
    with stage("explain", watch) as words:
        found = explain_mistakes(artifact, recipe.explanation, wrong, material.rows, material.some("train", BACKGROUND))
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
    gained, tuning = evaluation.gained_from_plain(told.get("gained", ())), Tuning(**told["tuning"])
    return Lived(folder, artifact, baselines, ledger, tuning, reused=True, board=board, gained=gained)
