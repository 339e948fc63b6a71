"""Verb resume: killed at any instant, the same weights."""

from __future__ import annotations

import json
import random
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

from modelwright import vault
from modelwright.folder import RunFolder
from modelwright.proving.leading import Order, command, lead
from modelwright.reader import to_toml
from modelwright.recipe import Recipe, expanded
from modelwright.wording import say

SAVED_EVERY = 0.05
"""Seconds between snapshots: kills then fall into epochs and into saves, not only between epochs."""


@dataclass(frozen=True)
class Proof:
    """What killing and resuming showed."""

    kills: int
    resumed: int
    """Kills after which training went on from a snapshot, not from the beginning."""
    undisturbed: str
    """SHA-256 of the weights of the run that nobody killed."""
    disturbed: str

    @property
    def holds(self) -> bool:
        return self.undisturbed == self.disturbed and self.resumed > 0

    def plain(self) -> dict[str, Any]:
        return {"property": "resume", "holds": self.holds, **asdict(self)}

    def sentence(self) -> str:
        facts = {"kills": self.kills, "resumed": self.resumed, "digest": self.undisturbed[:12], "other": self.disturbed[:12]}
        if self.undisturbed != self.disturbed:
            return say("Not kept: after {kills} kills the weights differ ({digest} and {other}).", **facts)
        if not self.resumed:
            return say("Nothing proved: no kill fell between the first snapshot and the end. Give more epochs or more --kills.")
        return say(
            "Proved: {kills} kills, {resumed} resumed from a snapshot, weights identical bit for bit ({digest}).", **facts
        )


def resume(recipe: Recipe, kills: int, tell: Callable[[str], None] | None = None, kinds: Sequence[str] = ()) -> Proof:
    """Leads the recipe twice, once killed `kills` times at random instants with `kill -9`, and compares the weights.

    kinds: modules of the user's own kinds."""
    saving = replace(  # what is compressed is chosen by measured times, which no two runs share
        recipe, training=replace(recipe.training, snapshot_every=SAVED_EVERY), compression=(), promise=None
    )
    with tempfile.TemporaryDirectory(prefix="modelwright-prove-", ignore_cleanup_errors=True) as work:
        order = Order(Path(work) / "recipe.toml", tuple(kinds))
        vault.put_file(order.recipe, to_toml(expanded(saving)).encode())
        calm, rough = RunFolder(Path(work) / "calm"), RunFolder(Path(work) / "rough")
        started = time.monotonic()
        lead(command("run", order, calm))
        if tell:
            tell(say("undisturbed run: {seconds} s", seconds=f"{time.monotonic() - started:.1f}"))
        done = _disturb(order, rough, kills, _learning(calm), tell)
        lead(command("run", order, rough))
        with vault.unsealing(recipe.protection.opened):
            return Proof(done, len(_times(rough, "resume")), _weights(calm), _weights(rough))


def _disturb(order: Order, folder: RunFolder, kills: int, seconds: float, tell: Callable[[str], None] | None) -> int:
    """Starts the run again and again and kills it while it learns, which takes so many seconds; how often it was killed."""
    dice = random.Random()
    for number in range(kills):
        child = subprocess.Popen(command("run", order, folder), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            _wait_until_training(child, folder, number)
            child.wait(timeout=dice.uniform(0.0, seconds / kills))  # all waits together are half of the training, on average
            return number  # it ended before its kill
        except subprocess.TimeoutExpired:
            pass
        finally:
            child.kill()
            child.wait()
        if tell:
            tell(say("kill {number} of {kills}", number=number + 1, kills=kills))
    return kills


def _wait_until_training(child: subprocess.Popen[bytes], folder: RunFolder, number: int) -> None:
    """Until the run has noted that it trains: for kill `number`, that many beginnings and one more stand in its journal."""
    while child.poll() is None and len(_times(folder, "train", "resume")) <= number:
        time.sleep(0.02)


def _learning(folder: RunFolder) -> float:
    """Seconds from the first step to the end of the last epoch."""
    return _times(folder, "epoch")[-1] - _times(folder, "train")[0]


def _times(folder: RunFolder, *events: str) -> list[float]:
    """When such events were noted."""
    if not folder.journal.exists():
        return []
    noted = [json.loads(line) for line in vault.read_lines(folder.journal)]
    return [float(one["time"]) for one in noted if one["event"] in events]


def _weights(folder: RunFolder) -> str:
    return sha256(vault.take_folder(folder.artifact)["weights.safetensors"]).hexdigest()
