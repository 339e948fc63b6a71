"""Going on from real weights: ours beside transformers.Trainer, and beside peft with it, each run a process of its own.

    python benchmarks/tuning.py minilm REVIEWS.csv ARTIFACT HF_FOLDER --peer PYTHON [--rows 640] [--runs 3]
    python benchmarks/tuning.py lora CHATS.jsonl ARTIFACT HF_FOLDER --peer PYTHON [--rows 64] [--runs 3]

ARTIFACT is what `modelwright adopt` made of HF_FOLDER; PYTHON has transformers, accelerate and peft. All learn from the same
rows for one epoch: minilm whole, to tell praise from damning, rows of like length together; lora matrices of rank 8 beside
query and value, on conversations. Timed is the fit, without reading rows and weights. Told are tokens a second that are no
padding, processor seconds, the most memory that a process held, and the loss on rows held back.
"""

from __future__ import annotations

import argparse
import csv
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
TESTED = 0.5
"""Rows held back, beside those to learn from."""
LEAST_WORDS = 100
"""A long review has more."""


def main() -> None:
    asked = arguments()
    with tempfile.TemporaryDirectory() as work:
        for part, rows in parts(asked.work, asked.data, asked.rows).items():
            lines = "".join(json.dumps(row) + "\n" for row in rows)
            (Path(work) / f"{part}.jsonl").write_text(lines, encoding="utf-8")
        found: dict[str, list[dict[str, Any]]] = {}
        for turn in range(asked.runs):
            for name, program in programs(asked, work).items():
                facts = told(program)
                found.setdefault(name, []).append(facts)
                say(f"{turn + 1}  {line(name, [facts])}")
    say()
    ours = middle(found["modelwright"], "seconds"), middle(found["modelwright"], "memory")
    for name, runs in found.items():
        longer, share = middle(runs, "seconds") / ours[0], ours[1] / middle(runs, "memory")
        say(f"{line(name, runs)}   {longer:5.2f} times our seconds, ours {share:.2f} of its memory")


def arguments() -> argparse.Namespace:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("work", choices=("minilm", "lora"))
    asked.add_argument("data", type=Path)
    asked.add_argument("artifact", type=Path)
    asked.add_argument("folder", type=Path)
    asked.add_argument("--peer", required=True)
    asked.add_argument("--rows", type=int, default=640)
    asked.add_argument("--runs", type=int, default=3)
    return asked.parse_args()


def parts(work: str, path: Path, count: int) -> dict[str, list[dict[str, Any]]]:
    """Rows to learn from, and to judge by, evenly from all over the file."""
    with path.open(encoding="utf-8", newline="") as file:
        if work == "lora":
            rows = [json.loads(text) for text in file]
        else:
            told = ({"text": row["text"], "label": row["label"]} for row in csv.DictReader(file))
            rows = [row for row in told if len(row["text"].split()) > LEAST_WORDS]
    wanted = count + int(TESTED * count)
    some = [rows[place * len(rows) // wanted] for place in range(wanted)]
    test = some[:: wanted // (wanted - count)][: wanted - count]
    return {"train": [row for row in some if row not in test], "test": test}


def programs(asked: argparse.Namespace, work: str) -> dict[str, list[str]]:
    """By name: a Python, a program, and its words."""
    places = [work, str(asked.artifact.resolve()), str(asked.folder.resolve())]
    peer = {"minilm": "peers.trainer_minilm", "lora": "peers.peft_lora"}[asked.work]
    found = {"modelwright": [sys.executable, "-m", "ours_tuning", asked.work, *places]}
    for dtype in ("float32", "bfloat16"):
        found[f"trainer, {dtype}"] = [asked.peer, "-m", peer, *places, dtype]
    return found


def told(program: list[str]) -> dict[str, Any]:
    """The line of JSON that a program ends with."""
    done = subprocess.run(program, cwd=HERE, capture_output=True, encoding="utf-8", check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    return json.loads(done.stdout.splitlines()[-1])


def line(name: str, runs: list[dict[str, Any]]) -> str:
    pace = f"{middle(runs, 'tokens') / middle(runs, 'seconds'):8,.0f} tokens a second"
    spent = f"{middle(runs, 'seconds'):7.1f} s (processor {middle(runs, 'busy'):7.1f} s)"
    return f"{name:18} {pace}  {spent}  {middle(runs, 'memory') / 1e9:5.2f} GB  held back: {middle(runs, 'held'):.4f}"


def middle(runs: list[dict[str, Any]], key: str) -> float:
    return statistics.median(run[key] for run in runs)


def say(words: str = "") -> None:
    sys.stdout.write(words + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
