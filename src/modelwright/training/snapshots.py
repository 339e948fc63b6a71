"""A run as bytes and back, exactly: weights, moments, step, best, patience, rate scale, tuning, history. For coming back only."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from modelwright import vault
from modelwright.nouns import Refused, Run, Tuning
from modelwright.wording import say

if TYPE_CHECKING:
    from torch import Tensor

FORMAT = 1
PLAIN = ("step", "best_score", "best_epoch", "waited", "rate_scale", "skipped", "ended", "history")


def snapshot(run: Run) -> dict[str, bytes]:
    """All of the run, as files."""
    from safetensors.torch import save

    facts = {"format": FORMAT, "tuning": asdict(run.tuning), **{name: getattr(run, name) for name in PLAIN}}
    files = {"run.json": json.dumps(facts).encode(), "state.safetensors": save(_plain(run.state))}
    for name, module in run.models.items():
        files[f"{name}.safetensors"] = save(_plain(module.state_dict()))
    if run.best is not None:
        files["best.safetensors"] = save(_plain(run.best))
    return files


def restore(run: Run, files: Mapping[str, bytes]) -> None:
    """Puts a run back to where the snapshot was taken, tuning and all. Refused: a snapshot of another format."""
    from safetensors.torch import load

    facts: dict[str, Any] = vault.read_json(files["run.json"], "run.json")
    if facts["format"] != FORMAT:
        raise Refused(say("The snapshot has format {found}, this modelwright reads {ours}: begin again with --fresh.", found=facts["format"], ours=FORMAT))
    run.tuning = Tuning(**facts["tuning"])
    for name in PLAIN:
        setattr(run, name, facts[name])
    for name, module in run.models.items():
        module.load_state_dict(load(files[f"{name}.safetensors"]))
    for name, tensor in load(files["state.safetensors"]).items():
        run.state[name].copy_(tensor)
    run.best = load(files["best.safetensors"]) if "best.safetensors" in files else None


def _plain(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
