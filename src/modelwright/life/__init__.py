"""The whole life on one page: what is done, in which order. Each stage is a function, by subject in the files beside it."""

from __future__ import annotations

from pathlib import Path

from modelwright import evaluation, planning, preparing, report, shelf, telling, vault
from modelwright.folder import RunFolder, claim
from modelwright.life.begun import opened, same_base
from modelwright.life.compressed import apprentice, compress, rejudged, succeed
from modelwright.life.elsewhere import elsewhere
from modelwright.life.gathered import encode, gather, late_findings, parted, refuse_grave, same_data
from modelwright.life.judged import evaluate
from modelwright.life.learned import plan, refuse_unready, train
from modelwright.life.left import explain, make, reuse, sign, sign_all
from modelwright.nouns import Ledger, Together, Watch
from modelwright.parallel import ALONE
from modelwright.recipe import Recipe, expanded
from modelwright.report import figures
from modelwright.stages import ANEW, Encoded, Learned, Lived, Material, Opening, silent

__all__ = [
    "ANEW", "Encoded", "Lived", "Material", "Opening", "apprentice", "assist", "compress", "elsewhere", "encode", "evaluate",
    "explain", "foresee", "gather", "late_findings", "make", "only_train", "opened", "parted", "plan", "refuse_grave", "reuse",
    "run", "sign", "sign_all", "succeed", "train",
]  # fmt: skip


def run(recipe: Recipe, folder: RunFolder, opening: Opening = ANEW, watch: Watch = silent) -> Lived:
    """Leads a recipe through its whole life in this folder; a finished one is reused."""
    refuse_unready(recipe)
    with vault.lock(folder.path), vault.sealed(recipe.protection.opened(), folder.path):
        standing = claim(folder, expanded(recipe), opening.resume, opening.fresh)
        material = gather(recipe, opening.table, watch)
        same_data(folder, material)
        recipe, start = opened(recipe, material)
        same_base(folder, start)
        if standing == "finished":
            return reuse(folder, watch)
        refuse_grave(material, recipe)
        encoded = encode(recipe, material, start, watch)
        teachers = apprentice(recipe, encoded)
        prepared = plan(recipe, material, encoded, folder, watch, opening.together)
        learned = train(prepared, folder, opening.stop, watch)
        judged = evaluate(recipe, material, encoded, learned, watch)
        artifact = make(recipe, material, encoded, learned, judged)
        gained = elsewhere(recipe, material, encoded, learned, judged, watch)
        for one in gained:
            artifact = artifact.told(figures.gained(one))
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
        lived = Lived(folder, artifact, judged.baselines, ledger, way, board=board, explained=explained, gained=gained)
        report.write(folder.report, telling.story(recipe, material, learned, judged, lived, start))
        folder.settle(lived.plain())
        return lived


def only_train(recipe: Recipe, folder: RunFolder, opening: Opening = ANEW, watch: Watch = silent) -> Learned | None:
    """The life as far as training, which leaves snapshots: `run` goes on from there. None where it is finished."""
    refuse_unready(recipe)
    with vault.lock(folder.path), vault.sealed(recipe.protection.opened(), folder.path):
        if claim(folder, expanded(recipe), opening.resume, opening.fresh) == "finished":
            return None
        material = gather(recipe, opening.table, watch)
        same_data(folder, material)
        recipe, start = opened(recipe, material)
        same_base(folder, start)
        refuse_grave(material, recipe)
        prepared = plan(recipe, material, encode(recipe, material, start, watch), folder, watch, opening.together)
        return train(prepared, folder, opening.stop, watch)


def assist(recipe: Recipe, folder: RunFolder, together: Together) -> int:
    """What a process does that is not the first: it learns with the others, and writes nothing. Its exit code."""
    with vault.sealed(recipe.protection.opened(), folder.path):  # it comes back from the same snapshots
        material = gather(recipe)
        recipe, start = opened(recipe, material)
        refuse_grave(material, recipe)
        train(plan(recipe, material, encode(recipe, material, start), folder, together=together), folder, lambda: False)
    return 0


def foresee(recipe: Recipe, folder: Path, watch: Watch = silent) -> planning.Plan:
    """What the life of this recipe in this folder would cost: its rows are read and encoded, and nothing is kept."""
    with vault.sealed(recipe.protection.opened(), folder):  # a snapshot is tried, and its gradients come of rows
        material = gather(recipe, None, watch)
        recipe, start = opened(recipe, material)
        refuse_grave(material, recipe)
        return preparing.foretold(recipe, material, encode(recipe, material, start, watch), folder, ALONE)[0]
