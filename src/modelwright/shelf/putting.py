"""An artifact put on a disk."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from modelwright import vault
from modelwright.nouns import Artifact
from modelwright.shelf.card import card
from modelwright.shelf.label import label
from modelwright.shelf.leaning import adapted, from_there
from modelwright.shelf.members import members

if TYPE_CHECKING:
    from torch import Tensor

OUR_OWN = frozenset({
    "label.json", "weights.safetensors", "codec.safetensors", "rows.safetensors", "README.md", "manifest.json",
    "signature.json",
})  # fmt: skip


def put(artifact: Artifact, folder: Path) -> str:
    """Commits the artifact as one folder; the digest of its manifest."""
    from safetensors.torch import save as save_tensors

    state = artifact.codec.state()
    if not OUR_OWN.isdisjoint(state.texts):
        raise ValueError(f"a codec may not name a file {sorted(OUR_OWN & set(state.texts))}")
    artifact = replace(artifact, base=from_there(artifact, folder))
    weights = {name: weight.detach().cpu().contiguous() for name, weight in own(artifact).items()}
    files = {
        "label.json": json.dumps(label(artifact, state), indent=1, ensure_ascii=False).encode(),
        "weights.safetensors": save_tensors(weights),
        "codec.safetensors": save_tensors({name: tensor.contiguous() for name, tensor in state.tensors.items()}),
        "rows.safetensors": members(artifact.rows),
        "README.md": card(artifact).encode(),
        **{name: text.encode() for name, text in state.texts.items()},
    }
    return vault.put_folder(folder, files)


def own(artifact: Artifact) -> Mapping[str, Tensor]:
    """The weights that are not those of a base that lies elsewhere."""
    weights, beside = artifact.module.state_dict(), adapted(artifact.edits)
    return weights if beside is None else beside.learned(weights)
