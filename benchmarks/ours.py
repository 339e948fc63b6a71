"""A work through modelwright's own rooms, as `modelwright run` leads it: gather, encode, train, evaluate.

Timed is the stage of training: from encoded tensors to trained weights, with all that belongs to it (the probe, validation, the
journal, snapshots). Cold is the first of a process with an empty cache; warm is the next one.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from peers.timing import arguments
from rows import Parts, rows

RECIPES = Path(__file__).parents[1] / "recipes"
CHANGES = {
    "mnist_mlp": (),
    "sentiment_lstm": ("training.epochs=3",),
    "cifar10_cnn": ("training.epochs=2", "model.dropout=0.0"),
}
"""What is measured of a shipped recipe; beside it, no augmentation, a constant rate and no stopping early."""


def ordered(work: str, parts: Parts) -> Any:
    """The shipped recipe over these rows."""
    import numpy as np
    import polars as pl

    from modelwright.data import Frame
    from modelwright.data.splits import Given
    from modelwright.recipe import open_recipe
    from modelwright.training import Constant

    recipe = open_recipe(RECIPES / f"{work}.toml", CHANGES[work])
    column = "text" if work == "sentiment_lstm" else "picture"
    names = np.repeat(list(parts), [len(y) for _, y in parts.values()])
    inputs = [x for x, _ in parts.values()]
    told = [text for texts in inputs for text in texts] if column == "text" else np.concatenate(inputs)
    labels = np.concatenate([y for _, y in parts.values()]).astype(str)
    table = pl.DataFrame({column: told, "label": labels, "part": names})
    plan = replace(recipe.training, schedule=Constant(), stopping=None)
    return replace(recipe, data=Frame(table, Given()), training=plan, augmentation=())


def measured(work: str, data: Path, scale: float) -> dict[str, Any]:
    from modelwright import evaluation, life, machine
    from modelwright.folder import RunFolder

    recipe = ordered(work, rows(work, data, scale))
    started = time.perf_counter()
    material = life.gather(recipe)
    encoded = life.encode(recipe, material)
    read = time.perf_counter() - started
    seconds, busy = list[float](), 0.0
    for how in ("cold", "warm"):
        with tempfile.TemporaryDirectory() as work:
            folder = RunFolder(Path(work))
            started, busy = time.perf_counter(), time.process_time()
            prepared = life.plan(recipe, material, encoded, folder)
            if how == "warm":  # what the machine does best is known, and what it will cost is not asked again
                started, busy = time.perf_counter(), time.process_time()
            learned = life.train(prepared, folder, lambda: False)
            seconds.append(time.perf_counter() - started)
            busy = time.process_time() - busy
    answers = evaluation.answer_rows(learned.module, encoded.codec, material.part("test"), recipe.evaluation.batch)
    (accuracy, *_) = evaluation.score(answers, recipe.evaluation.metrics)
    tuning = learned.lesson.run.tuning
    return {
        "cold": seconds[0], "warm": seconds[1], "busy": busy, "read": read,
        "accuracy": accuracy.value, "epochs": recipe.training.epochs,
        "flops": learned.predicted.flops, "way": machine.told(tuning), "dtype": tuning.dtype, "threads": tuning.threads,
        "rows": len(material.parts["test"]),
    }  # fmt: skip


def main() -> None:
    asked = arguments(work=tuple(CHANGES))
    with tempfile.TemporaryDirectory() as cache:
        os.environ.update(MODELWRIGHT_CACHE=cache, TORCHINDUCTOR_CACHE_DIR=f"{cache}/compiled")
        facts = measured(asked.work, asked.data, asked.scale)
    sys.stdout.write(json.dumps(facts) + "\n")


if __name__ == "__main__":
    main()
