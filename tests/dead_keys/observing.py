"""What a recipe does, as a digest: of what is fed, of the module, of training, of the answers, of the files left behind.

Nothing here reads the recipe: a key that is only carried about and never used changes no digest.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal, TypeAlias
from unittest import mock

import polars as pl
import torch
from torch.nn.modules.module import register_module_forward_hook

from dead_keys.rows import MARK
from modelwright import life, notebook, training
from modelwright.data.sources import InPython
from modelwright.folder import RunFolder
from modelwright.nouns import Batch, Refused, Run
from modelwright.recipe import open_recipe
from modelwright.training.descent import Descent

Observable: TypeAlias = Literal["recipe", "batch", "module", "step", "answer", "file", "compress", "explain", "elsewhere"]
Kinds: TypeAlias = "tuple[type, ...]"


def digest(*things: Any) -> str:
    """SHA-256 of plain things and tensors, whatever their nesting."""
    found = sha256()

    def take(thing: Any) -> None:
        if isinstance(thing, torch.Tensor):
            found.update(f"{thing.dtype}{tuple(thing.shape)}".encode())
            found.update(thing.detach().cpu().reshape(-1).clone().view(torch.uint8).numpy().tobytes())
        elif isinstance(thing, dict):
            for key, value in thing.items():
                take(key)
                take(value)
        elif isinstance(thing, (list, tuple)):
            found.update(f"[{len(thing)}".encode())
            for value in thing:
                take(value)
        else:
            found.update(repr(thing).encode())

    take(things)
    return found.hexdigest()


def observe(what: Observable, tree: dict[str, Any], assignments: Iterable[str], folder: Path, extra: Kinds = ()) -> str:
    """The digest; or what was refused, in its own words, where the life does not come that far."""
    if what == "recipe":
        return read(tree, assignments, extra)
    recipe = open_recipe(tree, assignments, extra)
    try:
        with quick():
            seers = {"batch": batch, "module": module, "step": step, "answer": answer, "file": files}
            seers |= {"compress": compress, "explain": explain, "elsewhere": elsewhere}
            return seers[what](recipe, folder)
    except Refused as refusal:
        return str(refusal)


def read(tree: dict[str, Any], assignments: Iterable[str], extra: Kinds = ()) -> str:
    """Whether it is a recipe at all: what some keys say can only be right or wrong."""
    try:
        open_recipe(tree, assignments, extra)
    except Refused as refusal:
        return str(refusal)
    return "a recipe"


@contextmanager
def quick() -> Iterator[None]:
    """Timing a step tells nothing here; torch.compile would take longer than all the rest."""
    with (
        mock.patch.object(training, "trial", lambda *_: 0.001),
        mock.patch.object(torch, "compile", lambda step, **_: compiled(step)),
    ):
        yield


def compiled(step: Any) -> Any:
    """Stands for the compiled step: says so to whoever watches."""

    def called(*given: Any) -> Any:
        SEEN.append("compiled")
        return step(*given)

    return called


SEEN: list[Any] = []
"""What the updates of the life that is observed were given."""


@contextmanager
def watching() -> Iterator[list[Any]]:
    """Notes at every update: how many parts of the model were asked, what torch is set to, and the batches."""
    before = Descent.__call__

    def noted(self: Descent, run: Run, batches: list[Batch], rate: float) -> Any:
        asked: list[Any] = []
        watcher = register_module_forward_hook(lambda *_: asked.append(1))
        done = before(self, run, batches, rate)
        watcher.remove()
        how = (len(batches), len(asked), torch.get_num_threads(), torch.get_float32_matmul_precision())
        SEEN.append((how, batches))
        return done

    SEEN.clear()
    with mock.patch.object(Descent, "__call__", noted):
        yield SEEN


def encoded(recipe: Any) -> tuple[Any, life.Material, life.Encoded]:
    """The recipe comes back with the family that its base is of, where it has one."""
    handed = notebook.handed(pl.read_csv("rows.csv"), recipe) if isinstance(recipe.data, InPython) else None
    material = life.gather(recipe, handed)
    life.refuse_grave(material, recipe)
    recipe, start = life.opened(recipe, material)
    return recipe, material, life.encode(recipe, material, start)


def batch(recipe: Any, folder: Path) -> str:
    """Rows, their parts, their tensors, and the batches of the first epoch as the update is given them."""
    recipe, material, tensors = encoded(recipe)
    prepared = life.plan(recipe, material, tensors, RunFolder(folder))
    with watching() as seen:
        life.train(prepared, RunFolder(folder), lambda: False)
    parts = {part: positions.tolist() for part, positions in material.parts.items()}
    fed = [one for given in seen[:6] for one in given[1]]
    return digest(material.fingerprint, parts, dict(tensors.batches), tensors.codec.reads, tensors.codec.writes, fed)


def module(recipe: Any, folder: Path) -> str:
    """The fresh weights by name, and what the module says to rows before it has learned."""
    from modelwright import models

    recipe, _, tensors = encoded(recipe)
    built = models.build(recipe.model, tensors.codec.reads, tensors.codec.writes, recipe.seed).eval()
    some = {name: tensor[:8] for name, tensor in tensors.batches["train"].items()}
    with torch.no_grad():
        return digest(dict(built.state_dict()), dict(built(some)))


def step(recipe: Any, folder: Path) -> str:
    """The weights at the end, the course of training, and how each update was computed."""
    recipe, material, tensors = encoded(recipe)
    prepared = life.plan(recipe, material, tensors, RunFolder(folder))
    with watching() as seen:
        learned = life.train(prepared, RunFolder(folder), lambda: False)
    run = learned.lesson.run
    how = [given if given == "compiled" else given[0] for given in seen]
    return digest(dict(learned.module.state_dict()), run.history, run.best_epoch, how)


def answer(recipe: Any, folder: Path) -> str:
    """What is said to the test rows, what it is worth, and how many rows were asked at a time."""
    recipe, material, tensors = encoded(recipe)
    learned = life.train(life.plan(recipe, material, tensors, RunFolder(folder)), RunFolder(folder), lambda: False)
    heights: list[int] = []
    watcher = learned.module.register_forward_pre_hook(lambda _, given: heights.append(len(given[0]["row"])))
    judged = life.evaluate(recipe, material, tensors, learned)
    watcher.remove()
    return digest(judged.answers.frame.to_dicts(), judged.scores, judged.baselines, heights)


def elsewhere(recipe: Any, folder: Path) -> str:
    """What was gained on the test rows and lost on others since the base."""
    recipe, material, tensors = encoded(recipe)
    learned = life.train(life.plan(recipe, material, tensors, RunFolder(folder)), RunFolder(folder), lambda: False)
    judged = life.evaluate(recipe, material, tensors, learned)
    return digest(life.elsewhere(recipe, material, tensors, learned, judged))


def explain(recipe: Any, folder: Path) -> str:
    """What is said of the worst mistakes. Time is no matter where few features are asked about."""
    recipe, material, tensors = encoded(recipe)
    learned = life.train(life.plan(recipe, material, tensors, RunFolder(folder)), RunFolder(folder), lambda: False)
    judged = life.evaluate(recipe, material, tensors, learned)
    artifact = life.make(recipe, material, tensors, learned, judged)
    return digest([one.plain() for one in life.explain(recipe, material, judged, artifact)])


def compress(recipe: Any, folder: Path) -> str:
    """The weights of every candidate, and what was made of them. Nobody's time is measured."""
    from modelwright.compression import Pace, contending, timing

    recipe, material, tensors = encoded(recipe)
    teachers = life.apprentice(recipe, tensors)
    learned = life.train(life.plan(recipe, material, tensors, RunFolder(folder)), RunFolder(folder), lambda: False)
    judged = life.evaluate(recipe, material, tensors, learned)
    seen: list[Any] = []
    real = contending.candidates

    def noted(*given: Any) -> Iterator[Any]:
        for name, model in real(*given):
            seen.append((name, dict(model.weights)))
            yield name, model

    alike = (Pace(1, 1.0, 1.0, 1.0, 1.0, 1.0),)
    with mock.patch.object(contending, "candidates", noted), mock.patch.object(timing, "paces", lambda *_: alike):
        found = life.compress(recipe, material, tensors, learned, judged, teachers)
    return digest(seen, None if found is None else found.board)


def files(recipe: Any, folder: Path) -> str:
    """Which files a run leaves, and whether rows are shown in its report."""
    lived = life.run(recipe, RunFolder(folder / "run"))
    names = sorted(file.relative_to(folder).as_posix() for file in folder.rglob("*"))
    return digest(names, MARK.encode() in lived.folder.report.read_bytes())
