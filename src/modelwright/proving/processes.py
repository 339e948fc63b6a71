"""Verb parity: two processes with one micro-batch each learn what one process with two learns, bit for bit."""

from __future__ import annotations

import json
import math
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelwright import machine, vault
from modelwright.folder import RunFolder
from modelwright.nouns import Tuning
from modelwright.proving.leading import Order, command, lead
from modelwright.reader import to_toml
from modelwright.recipe import Recipe, expanded
from modelwright.wording import say

if TYPE_CHECKING:
    from torch import Tensor

PROCESSES = 2
"""A sum of two does not depend on its order; of more it does, in its last bits."""


@dataclass(frozen=True)
class Parity:
    """How far two processes and one are from each other at the end; 0 is bit for bit."""

    epochs: int
    loss: float
    """The largest difference of an epoch's mean loss."""
    norm: float
    """The largest difference of the gradient's norm at the end of an epoch."""
    weights: float
    """The largest difference of a weight."""
    same_tuning: bool
    """Whether both were computed in the same way; where they were not, the last bits differ."""

    @property
    def holds(self) -> bool:
        return self.loss == self.norm == self.weights == 0 and self.epochs > 0

    def plain(self) -> dict[str, Any]:
        return {"property": "parity", "holds": self.holds, **asdict(self)}

    def sentence(self) -> str:
        facts = {
            "epochs": self.epochs,
            "loss": f"{self.loss:.3g}",
            "norm": f"{self.norm:.3g}",
            "weights": f"{self.weights:.3g}",
        }
        if self.holds:
            return say(
                "Proved: after {epochs} epochs two processes and one agree in losses, gradient norms and weights, bit for bit.",
                **facts,
            )
        told = say(
            "Not kept: after {epochs} epochs losses are apart by up to {loss}, gradient norms by {norm}, weights by {weights}.",
            **facts,
        )
        return told if self.same_tuning else f"{told} " + say("The two were tuned differently on this machine: try again.")


@dataclass(frozen=True)
class _Learned:
    """What a training left in its last snapshot."""

    history: Sequence[Mapping[str, float]]
    tuning: Tuning
    weights: Mapping[str, Tensor]


def parity(recipe: Recipe, tell: Callable[[str], None] | None = None, kinds: Sequence[str] = ()) -> Parity:
    """Trains the recipe with two processes, then in the same way with one, and compares.

    kinds: modules of the user's own kinds."""
    with tempfile.TemporaryDirectory(prefix="modelwright-prove-", ignore_cleanup_errors=True) as work:
        place = Path(work)
        guests = tuple(kinds)
        shared = replace(recipe, training=replace(recipe.training, accumulate=1))
        two = _learned(shared, guests, place / "two", PROCESSES)
        if tell:
            tell(say("{n} processes: {way}", n=PROCESSES, way=machine.told(two.tuning)))
        one = _learned(_alike(recipe, two.tuning), guests, place / "one", 1)
        if tell:
            tell(say("one process: {way}", way=machine.told(one.tuning)))
        return compared(one, two)


def _alike(recipe: Recipe, tuning: Tuning) -> Recipe:
    """One process that cuts its batches as two did, and computes as they did."""
    device: Any = tuning.device
    ordered = replace(
        recipe.machine,
        device=device,
        threads=tuning.threads,
        precision=tuning.precision,
        dtype=tuning.dtype,
        compiled=tuning.compiled,
    )
    return replace(recipe, machine=ordered, training=replace(recipe.training, accumulate=PROCESSES))


def _learned(recipe: Recipe, kinds: tuple[str, ...], folder: Path, processes: int) -> _Learned:
    from safetensors.torch import load

    order, run = Order(folder.with_suffix(".toml"), kinds), RunFolder(folder)
    vault.put_file(order.recipe, to_toml(expanded(recipe)).encode())
    lead(command("train", order, run, "--processes", str(processes)))
    with vault.unsealing(recipe.protection.opened):
        files = vault.latest_snapshot(run.snapshots)
    assert files is not None
    facts = json.loads(files["run.json"])
    return _Learned(facts["history"], Tuning(**facts["tuning"]), load(files["model.safetensors"]))


def compared(one: _Learned, two: _Learned) -> Parity:
    pairs = list(zip(one.history, two.history))
    same = replace(one.tuning, processes=PROCESSES, tried=1) == replace(two.tuning, tried=1)
    return Parity(
        epochs=len(pairs) if len(one.history) == len(two.history) else 0,
        loss=max((_apart(float(a["loss"]), float(b["loss"])) for a, b in pairs), default=0.0),
        norm=max((_apart(float(a["norm"]), float(b["norm"])) for a, b in pairs), default=0.0),
        weights=max(float((one.weights[name].double() - two.weights[name].double()).abs().max()) for name in one.weights),
        same_tuning=same,
    )


def _apart(a: float, b: float) -> float:
    """Two epochs without a finite update are alike."""
    return 0.0 if math.isnan(a) and math.isnan(b) else abs(a - b)
