"""An artifact taken from a disk, every byte checked before any is parsed."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelwright import models, vault
from modelwright.compression import Edit, shaped
from modelwright.data.codecs import Encoding
from modelwright.evaluation import Metric
from modelwright.models import Family
from modelwright.nouns import Artifact, Codec, Origin, Reference, Refused, Score, State
from modelwright.reader import read
from modelwright.shelf.label import read_label, refuse_unreadable
from modelwright.shelf.leaning import adapted, found, joined
from modelwright.shelf.members import rows_of
from modelwright.shelf.tensors import Stored, tensors
from modelwright.wording import say

if TYPE_CHECKING:
    from torch import Tensor

WEIGHTS = "weights.safetensors"


def take(folder: Path, kinds: tuple[type, ...] = (), stored: Stored = lambda name, weight: weight) -> Artifact:
    """The artifact, every byte checked before anything comes of it. Refused: damaged, foreign, newer, or of an unknown kind.

    stored: what each weight of its own becomes as it is read, for who takes it apart again."""
    files, weights = _read(folder, stored)
    told = read_label(files, folder, {WEIGHTS} if weights is not None else set())
    refuse_unreadable(told, folder)
    try:
        return assembled(files, told, folder, kinds, weights or {})
    except (KeyError, TypeError, ValueError) as error:
        problem = f"{type(error).__name__}: {error}"
        raise Refused(
            say("{folder}/label.json does not describe an artifact ({problem}).", folder=folder, problem=problem)
        ) from error


def _read(folder: Path, stored: Stored) -> tuple[Mapping[str, bytes], dict[str, Tensor] | None]:
    """The files, and of the weights' none but the tensors in it: both together would take twice the memory."""
    try:
        return vault.take_flowing(folder, WEIGHTS, lambda pieces: tensors(pieces, stored))
    except (KeyError, TypeError, ValueError, RuntimeError, struct.error) as error:
        raise _misfit(folder, f"{type(error).__name__}: {error}") from error


def assembled(
    files: Mapping[str, bytes], told: Mapping[str, Any], folder: Path, kinds: tuple[type, ...], weights: dict[str, Tensor]
) -> Artifact:
    from safetensors.torch import load as load_tensors

    family = _known(Family, "model", told["family"], kinds)
    encoding = _known(Encoding, "codec", told["encoding"], kinds)
    texts = {name: files[name].decode() for name in told["texts"]}
    codec = encoding.load(State(told["codec"], load_tensors(files["codec.safetensors"]), texts))
    edits: tuple[Edit, ...] = tuple(read(Edit, edit, "edits") for edit in told.get("edits", ()))
    base = Reference(**told["base"]) if "base" in told else None
    module = _built(family, codec, edits)
    if base is not None and adapted(edits) is not None:
        base = found(base, folder)
        weights = joined(edits, take(Path(base.path), kinds).module.state_dict(), weights, module.state_dict().keys())
    return Artifact(
        family=family,
        codec=codec,
        edits=edits,
        module=_filled(module, weights, folder),
        base=base,
        source=told["source"],
        rows=rows_of(files["rows.safetensors"]),
        fingerprints=told["fingerprints"],
        metrics=tuple(read(Metric, metric, "evaluation.metrics", extra=kinds) for metric in told["metrics"]),
        scores=tuple(Score(**score) for score in told["scores"]),
        tolerance=told["tolerance"],
        story=tuple(told["story"]),
        origin=Origin(**told["origin"]) if "origin" in told else None,
    )


def _built(family: Any, codec: Codec, edits: tuple[Edit, ...]) -> Any:
    """The module's structure, edits and all, without memory for weights that come from the file."""
    import torch

    with torch.device("meta"):
        return shaped(models.build(family, codec.reads, codec.writes, seed=0), edits)


def _known(registry: Any, room: str, told: Mapping[str, Any], kinds: tuple[type, ...]) -> Any:
    """A kind by its word. An artifact never says where code lies, so a foreign kind must be handed over."""
    try:
        return read(registry, told, where=room, extra=kinds)
    except Refused as refusal:
        hint = say("If {word} is a kind of your own, name its module: --kinds mypackage.nets", word=told.get("kind"))
        raise Refused(*refusal.sentences, hint) from refusal


def _filled(module: Any, weights: Mapping[str, Tensor], folder: Path) -> Any:
    """The module with these weights; every tensor must be there, of the right shape, and no other."""
    wanted = module.state_dict()
    wrong = [
        *(say("{name} is missing", name=name) for name in sorted(wanted.keys() - weights.keys())),
        *(say("{name} is not of this model", name=name) for name in sorted(weights.keys() - wanted.keys())),
        *(
            say(
                "{name} has shape {found}, the model needs {needed}",
                name=name,
                found=list(weights[name].shape),
                needed=list(w.shape),
            )
            for name, w in wanted.items()
            if name in weights and weights[name].shape != w.shape
        ),
    ]
    if wrong:
        raise _misfit(folder, "; ".join(wrong))
    module.load_state_dict(dict(weights), assign=True)
    return module.eval()


def _misfit(folder: Path, faults: str) -> Refused:
    return Refused(say("{folder}/weights.safetensors does not fit its label: {faults}.", folder=folder, faults=faults))
