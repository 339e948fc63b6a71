"""What label.json says: all of an artifact that is plain."""

from __future__ import annotations

from collections.abc import Collection, Container, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from modelwright import __version__, vault
from modelwright.nouns import Artifact, Refused, State
from modelwright.reader import write
from modelwright.wording import say

FORMAT = 2
READABLE = (1, FORMAT)
"""1 had the ids of its rows as they are; see members.py."""


def label(artifact: Artifact, state: State) -> dict[str, Any]:
    """All of the artifact that is plain: what label.json says."""
    return {
        "format": FORMAT,
        "made_by": f"modelwright {__version__}",
        "family": write(artifact.family),
        "edits": [write(edit) for edit in artifact.edits],
        "encoding": write(artifact.codec.encoding),
        "codec": dict(state.facts),
        "texts": sorted(state.texts),
        "source": dict(artifact.source),
        "fingerprints": dict(artifact.fingerprints),
        "metrics": [write(metric) for metric in artifact.metrics],
        "scores": [asdict(score) for score in artifact.scores],
        "tolerance": dict(artifact.tolerance),
        "story": list(artifact.story),
        **({"origin": asdict(artifact.origin)} if artifact.origin else {}),
        **({"base": asdict(artifact.base)} if artifact.base else {}),
    }


def read_label(files: Mapping[str, bytes], folder: Path, others: Collection[str] = ()) -> Mapping[str, Any]:
    """What label.json says; others: names of files whose bytes are not at hand. Refused where it is none, or is not all that an
    artifact holds."""
    refuse_incomplete({*files, *others}, folder)
    told = vault.read_json(files["label.json"], f"{folder}/label.json")
    if not isinstance(told, Mapping):
        raise Refused(say("{folder}/label.json does not describe an artifact ({problem}).", folder=folder, problem="JSON"))
    return told


def refuse_incomplete(names: Container[str], folder: Path) -> None:
    for name in ("label.json", "weights.safetensors", "codec.safetensors", "rows.safetensors"):
        if name not in names:
            raise Refused(say("{folder} is not an artifact: {file} is not in it.", folder=folder, file=name))


def refuse_unreadable(told: Mapping[str, Any], folder: Path) -> None:
    if told.get("format") not in READABLE:
        facts = {
            "folder": folder,
            "found": told.get("format"),
            "maker": told.get("made_by"),
            "ours": __version__,
            "wanted": FORMAT,
        }
        raise Refused(
            say("{folder} has format {found}, written by {maker}; this modelwright {ours} reads format {wanted}.", **facts),
            say("Install the one that made it."),
        )
