"""A run's folder: what lies where, and whether a run may begin there, go on or be reused. Knows no model.

recipe.toml   the recipe, expanded          snapshots/    where training can come back to
run.json      fingerprints of the run       artifact/     what goes on
journal.jsonl one event a line              original/     what went on before it was compressed, if it was
report.html   what a person reads           answers.parquet  answers to the test rows, with their labels
tensorboard/  the course of training for TensorBoard, if it was ordered
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal

from modelwright import vault
from modelwright.nouns import Refused
from modelwright.reader import to_toml
from modelwright.wording import say

OURS = (
    "recipe.toml", "run.json", "journal.jsonl", "snapshots", "artifact", "original", "answers.parquet", "report.html",
    "tensorboard",
)  # fmt: skip
"""All that a run puts into its folder, and all that --fresh takes away."""

Standing = Literal["new", "unfinished", "finished"]


@dataclass(frozen=True)
class RunFolder:
    path: Path

    @property
    def recipe(self) -> Path:
        return self.path / "recipe.toml"

    @property
    def journal(self) -> Path:
        return self.path / "journal.jsonl"

    @property
    def snapshots(self) -> Path:
        return self.path / "snapshots"

    @property
    def artifact(self) -> Path:
        return self.path / "artifact"

    @property
    def original(self) -> Path:
        return self.path / "original"

    @property
    def answers(self) -> Path:
        return self.path / "answers.parquet"

    @property
    def scalars(self) -> Path:
        return self.path / "tensorboard" / "events.out.tfevents.0.modelwright"

    @property
    def report(self) -> Path:
        return self.path / "report.html"

    @property
    def facts(self) -> Path:
        return self.path / "run.json"

    def note(self, event: str, **facts: object) -> None:
        """One more line in the journal."""
        vault.append(self.journal, json.dumps({"event": event, "time": round(time.time(), 3), **facts}, ensure_ascii=False))

    def times(self) -> dict[int, float]:
        """When each epoch ended, by the journal: seconds since 1970; of one that was done twice the second time."""
        events = (json.loads(line) for line in vault.read_lines(self.journal))
        return {event["epoch"]: event["time"] for event in events if event["event"] == "epoch"}

    def standing(self) -> Standing:
        if not self.recipe.exists():
            return "new"
        return "finished" if self.report.exists() and self.artifact.exists() else "unfinished"

    def settled(self) -> dict[str, Any]:
        """What the finished run said of itself."""
        return vault.read_json(vault.take_file(self.facts), str(self.facts))

    def settle(self, facts: Mapping[str, Any]) -> None:
        """Adds these to what the run says of itself."""
        known = self.settled() if self.facts.exists() else {}
        vault.put_file(self.facts, json.dumps({**known, **facts}, indent=1, ensure_ascii=False).encode())


def claim(folder: RunFolder, expanded: Mapping[str, Any], resume: bool, fresh: bool) -> Standing:
    """What this recipe finds in the folder; refused where going on would overwrite or mix what lies there."""
    if fresh:
        vault.clear(folder.path, OURS)
    standing = folder.standing()
    if standing == "new":
        _refuse_strangers(folder)
        vault.put_plain(folder.recipe, to_toml(expanded).encode())
        return "new"
    if folder.recipe.read_text(encoding="utf-8") != to_toml(expanded):
        raise Refused(
            say("{folder} holds a run of another recipe ({recipe}).", folder=folder.path, recipe=folder.recipe),
            say("Give this run a folder of its own with -o FOLDER, or begin again there with --fresh."),
        )
    if standing == "unfinished" and not resume:
        raise Refused(
            say("{folder} holds an unfinished run of this recipe.", folder=folder.path),
            say("Go on where it stopped: add --resume. Begin again: add --fresh."),
        )
    return standing


def _refuse_strangers(folder: RunFolder) -> None:
    """A folder that holds something else is never written into."""
    if not folder.path.exists():
        return
    strangers = sorted(entry.name for entry in folder.path.iterdir() if not entry.name.startswith("."))
    if strangers:
        raise Refused(
            say("{folder} is not empty and holds no run: {first} lies there.", folder=folder.path, first=strangers[0]),
            say("Give the run a folder of its own with -o FOLDER."),
        )


def fingerprint(value: Mapping[str, Any]) -> str:
    """SHA-256 of a plain tree, whatever the order of its keys."""
    return sha256(json.dumps(value, sort_keys=True, ensure_ascii=False, default=str).encode()).hexdigest()
