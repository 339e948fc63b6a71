"""A run as bytes and back, exactly: weights, moments, step, best, patience, rate scale, tuning, history."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from modelwright import vault
from modelwright.nouns import Refused, Run, Tuning
from modelwright.training.running import moving, put_back, settle
from modelwright.wording import say

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module

FORMAT = 1
PLAIN = ("step", "best_score", "best_epoch", "waited", "rate_scale", "skipped", "ended", "history")


def snapshot(run: Run) -> dict[str, bytes]:
    """All of the run, as files."""
    from safetensors.torch import save

    facts = {"format": FORMAT, "tuning": asdict(run.tuning), **{name: getattr(run, name) for name in PLAIN}}
    files = {"run.json": json.dumps(_spelled(facts), allow_nan=False).encode(), "state.safetensors": save(_plain(run.state))}
    for name, module in run.models.items():
        files[f"{name}.safetensors"] = save(_plain(moving(module, run.still)))
    if run.best is not None:
        files["best.safetensors"] = save(_plain(run.best))
    return files


def restore(run: Run, files: Mapping[str, bytes]) -> None:
    """Puts a run back to where the snapshot was taken, tuning and all. Refused: of another format or another model."""
    from safetensors.torch import load

    facts = _facts(files)
    facts["tuning"].pop("reason", None)  # a sentence, in snapshots older than the facts that it is made of
    tuning = Tuning(**facts["tuning"])
    try:
        for name, module in run.models.items():
            settle(module, tuning)
            put_back(module, load(files[f"{name}.safetensors"]), run.still)
        state = load(files["state.safetensors"])
        if missing := run.state.keys() - state.keys():
            raise KeyError(min(missing))
    except (KeyError, RuntimeError) as error:
        way_out = say("Begin again there with --fresh, or give this run a folder of its own.")
        raise Refused(say("The snapshot is of another model or optimizer than the recipe's."), way_out) from error
    run.state = {name: _like(run.models, name, tensor, tuning.device) for name, tensor in state.items()}
    run.best = load(files["best.safetensors"]) if "best.safetensors" in files else None
    run.tuning = tuning
    for name in PLAIN:
        setattr(run, name, facts[name])


def _facts(files: Mapping[str, bytes]) -> dict[str, Any]:
    facts: dict[str, Any] = vault.read_json(files["run.json"], "run.json")
    if facts["format"] != FORMAT:
        found = {"found": facts["format"], "ours": FORMAT}
        raise Refused(say("The snapshot has format {found}, this modelwright reads {ours}: begin again with --fresh.", **found))
    facts["history"] = [
        {name: float(value) if isinstance(value, str) else value for name, value in entry.items()} for entry in facts["history"]
    ]
    return facts


def _like(models: Mapping[str, Module], name: str, tensor: Tensor, device: str) -> Tensor:
    """A tensor of the state where and as the optimizer left it: what belongs to a weight lies in memory as the weight does."""
    import torch

    weights = dict(models["model"].named_parameters())
    owner = name.partition(":")[2]
    return torch.empty_like(weights[owner]).detach().copy_(tensor) if owner in weights else tensor.to(device)


def _plain(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    import torch

    return {name: tensor.detach().cpu().contiguous(memory_format=torch.contiguous_format) for name, tensor in tensors.items()}


def _spelled(value: Any) -> Any:
    """JSON has no word for what is not a finite number; float() reads this one back."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, dict):
        return {key: _spelled(one) for key, one in value.items()}
    return [_spelled(one) for one in value] if isinstance(value, list) else value
