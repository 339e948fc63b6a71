"""A fine-tuning through modelwright's own rooms, as `modelwright run` leads it: timed is the stage of training.

Conversations are packed: a passage of 256 tokens holds three or four, about as many as a batch of the peers.
"""

from __future__ import annotations

import json
import resource
import sys
import tempfile
import time
from pathlib import Path

WORKS = {
    "minilm": """
[codec]
kind = "texts"
column = "text"
label = "label"
longest = 256

[model]
kind = "base"
artifact = "{artifact}"

[training]
epochs = 1
batch = 32
optimizer = {{kind = "adamw", rate = 0.0001}}
clip = 1.0
""",
    "lora": """
[codec]
kind = "conversations"
longest = 256

[model]
kind = "base"
artifact = "{artifact}"
lora = {{rank = 8, alpha = 16, layers = ["query", "value"], stored = "bfloat16"}}

[training]
epochs = 1
batch = 1
optimizer = {{kind = "adamw", rate = 0.001}}
clip = 1.0
""",
}
HEAD = """format = 1
[machine]
dtype = "bfloat16"
threads = 2
[data]
kind = "jsonl"
path = "{rows}"
split = {{kind = "given", validation = 0.0}}
"""
"""Threads and numbers are what a probe finds where training is long: these fits are too short for it to look."""


def recipe(work: str, rows: Path, artifact: str) -> str:
    return HEAD.format(rows=rows.as_posix()) + WORKS[work].format(artifact=artifact)


def joined(folder: Path) -> Path:
    """One file of all rows, each with its part; none is validated on while the clock runs."""
    out = folder / "rows.jsonl"
    rows = [
        {**json.loads(text), "part": part}
        for part in ("train", "test")
        for text in (folder / f"{part}.jsonl").read_text(encoding="utf-8").splitlines()
    ]
    out.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return out


def main(work: str, folder: Path, artifact: str) -> None:
    from modelwright import data, life, training
    from modelwright.folder import RunFolder
    from modelwright.recipe import open_recipe

    path = folder / "recipe.toml"
    path.write_text(recipe(work, joined(folder), artifact), encoding="utf-8")
    order = open_recipe(path, ())
    material = life.gather(order)
    order, start = life.opened(order, material)
    encoded = life.encode(order, material, start)
    with tempfile.TemporaryDirectory() as place:
        run = RunFolder(Path(place))
        prepared = life.plan(order, material, encoded, run)
        started, busy = time.perf_counter(), time.process_time()
        learned = life.train(prepared, run, lambda: False)
        seconds, busy = time.perf_counter() - started, time.process_time() - busy
    lesson, (held, _) = learned.lesson, encoded.codec.encode(material.part("test"))
    loss = training.validate(lesson.run.models, lesson.aim, data.batches(held, order.training.batch))
    facts = {
        "seconds": seconds, "busy": busy, "tokens": int(encoded.batches["train"]["mask"].sum()),
        "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024, "held": loss,
    }  # fmt: skip
    sys.stdout.write(json.dumps(facts) + "\n")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), sys.argv[3])
