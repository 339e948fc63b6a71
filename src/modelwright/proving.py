"""Properties proved on this machine, with the user's own recipe. Verb resume: killed at any instant, the same weights."""

from __future__ import annotations

import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

from modelwright import vault
from modelwright.folder import RunFolder
from modelwright.nouns import Refused
from modelwright.reader import to_toml
from modelwright.recipe import Recipe, expanded
from modelwright.wording import say


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
        return self.undisturbed == self.disturbed and self.kills > 0

    def plain(self) -> dict[str, Any]:
        return {"property": "resume", "holds": self.holds, **asdict(self)}

    def sentence(self) -> str:
        facts = {"kills": self.kills, "resumed": self.resumed, "digest": self.undisturbed[:12], "other": self.disturbed[:12]}
        if not self.kills:
            return say("Nothing proved: the run ended before it could be killed. Give it more epochs, or more --kills.")
        if self.holds:
            return say("Proved: {kills} kills, {resumed} resumed from a snapshot, weights identical bit for bit ({digest}).", **facts)
        return say("Not kept: after {kills} kills the weights differ ({digest} and {other}).", **facts)


def resume(recipe: Recipe, kills: int, tell: Callable[[str], None] | None = None) -> Proof:
    """Leads the recipe twice, once killed `kills` times at random instants with `kill -9`, and compares the weights."""
    eager = replace(recipe, training=replace(recipe.training, snapshot_every=0.0))
    with tempfile.TemporaryDirectory(prefix="modelwright-prove-", ignore_cleanup_errors=True) as work:
        order = Path(work) / "recipe.toml"
        vault.put_file(order, to_toml(expanded(eager)).encode())
        calm, rough = RunFolder(Path(work) / "calm"), RunFolder(Path(work) / "rough")
        took = _lead(order, calm)
        if tell:
            tell(say("undisturbed run: {seconds:.1f} s", seconds=took))
        done, resumed = _disturb(order, rough, kills, took, tell)
        _lead(order, rough)
        return Proof(done, resumed + int(_began_again(rough) > resumed), _weights(calm), _weights(rough))


def _command(order: Path, folder: RunFolder) -> list[str]:
    return [sys.executable, "-m", "modelwright", "run", str(order), "-o", str(folder.path), "--quiet", "--resume"]


def _lead(order: Path, folder: RunFolder) -> float:
    started = time.monotonic()
    done = subprocess.run(_command(order, folder), capture_output=True, text=True, check=False)
    if done.returncode:
        raise Refused(say("The recipe does not run by itself:"), done.stderr.strip())
    return time.monotonic() - started


def _disturb(order: Path, folder: RunFolder, kills: int, took: float, tell: Callable[[str], None] | None) -> tuple[int, int]:
    """Starts the run again and again and kills it; how often it was killed, and how often it had really resumed."""
    dice = random.Random(int(took * 1e6))
    done = 0
    for number in range(kills):
        child = subprocess.Popen(_command(order, folder), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        _wait_until_training(child, folder, number)
        try:
            child.wait(timeout=dice.uniform(0.0, max(0.2, took / (kills + 1))))
            break  # it ended before its kill
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
            done += 1
        if tell:
            tell(say("kill {number} of {kills}", number=number + 1, kills=kills))
    return done, _began_again(folder)


def _wait_until_training(child: subprocess.Popen[bytes], folder: RunFolder, number: int) -> None:
    """Until the run has noted that it trains: for kill `number`, that many beginnings and one more stand in its journal."""
    while child.poll() is None and _beginnings(folder, "train") + _beginnings(folder, "resume") <= number:
        time.sleep(0.02)


def _beginnings(folder: RunFolder, event: str) -> int:
    if not folder.journal.exists():
        return 0
    return sum(f'"event": "{event}"' in line for line in vault.read_lines(folder.journal))


def _began_again(folder: RunFolder) -> int:
    return _beginnings(folder, "resume")


def _weights(folder: RunFolder) -> str:
    return sha256((folder.artifact / "weights.safetensors").read_bytes()).hexdigest()
