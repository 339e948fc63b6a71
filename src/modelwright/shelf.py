"""Artifacts on disk: what lies in one, putting it there and taking it back. Knows no run and no recipe.

A folder, and nothing else in it: label.json, weights.safetensors, codec.safetensors, the codec's text files, rows.safetensors
(the ids of each part, never a row), README.md (the card) and manifest.json (SHA-256 over all the others). Where it was
signed, signature.json stands beside the manifest, over it and over the digest of the content.
"""

from __future__ import annotations

import json
from collections.abc import Container, Mapping
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelwright import __version__, models, protection, vault
from modelwright.compression import Edit, shaped
from modelwright.data import Encoding
from modelwright.evaluation import Metric
from modelwright.models import Family
from modelwright.nouns import PARTS, Artifact, Codec, Part, Refused, Score, State
from modelwright.reader import kind, read, write
from modelwright.wording import say

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

FORMAT = 1
OUR_OWN = frozenset(
    {"label.json", "weights.safetensors", "codec.safetensors", "rows.safetensors", "README.md", "manifest.json"}
) | {"signature.json"}
ABOUT = frozenset({"made_by", "story", "tolerance"})
"""What the label tells about the making and not about the model: who, when, how fast, how exact on this machine."""


def put(artifact: Artifact, folder: Path) -> str:
    """Commits the artifact as one folder; the digest of its manifest."""
    from safetensors.numpy import save as save_arrays
    from safetensors.torch import save as save_tensors

    state = artifact.codec.state()
    if not OUR_OWN.isdisjoint(state.texts):
        raise ValueError(f"a codec may not name a file {sorted(OUR_OWN & set(state.texts))}")
    weights = {name: weight.detach().cpu().contiguous() for name, weight in artifact.module.state_dict().items()}
    files = {
        "label.json": json.dumps(label(artifact, state), indent=1, ensure_ascii=False).encode(),
        "weights.safetensors": save_tensors(weights),
        "codec.safetensors": save_tensors({name: tensor.contiguous() for name, tensor in state.tensors.items()}),
        "rows.safetensors": save_arrays({str(part): ids for part, ids in artifact.rows.items()}),
        "README.md": card(artifact).encode(),
        **{name: text.encode() for name, text in state.texts.items()},
    }
    return vault.put_folder(folder, files)


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
    }


def take(folder: Path, kinds: tuple[type, ...] = ()) -> Artifact:
    """The artifact, every byte checked before any is parsed. Refused: damaged, foreign, newer, or of an unknown kind."""
    files = vault.take_folder(folder)
    told = _label(files, folder)
    _readable(told, folder)
    try:
        return _assembled(files, told, folder, kinds)
    except (KeyError, TypeError, ValueError) as error:
        problem = f"{type(error).__name__}: {error}"
        raise Refused(
            say("{folder}/label.json does not describe an artifact ({problem}).", folder=folder, problem=problem)
        ) from error


# --- what it holds, and whose word stands for it ----------------------------------------------------------------------------


def content(files: Mapping[str, bytes], folder: Path) -> str:
    """SHA-256, in hex, of what the artifact holds: weights, codec, row ids and label. Times, versions and the card are not
    content, nor is the recipe as ordered: the same data, kinds and weights have the same digest wherever they were made."""
    held = {key: value for key, value in _label(files, folder).items() if key not in ABOUT}
    held["fingerprints"] = {**held.get("fingerprints", {}), "recipe": ""}
    digests = {name: sha256(data).hexdigest() for name, data in files.items() if name not in ("label.json", "README.md")}
    spelled = json.dumps({"label": held, "files": digests}, sort_keys=True, ensure_ascii=False)
    return sha256(spelled.encode()).hexdigest()


def sign(folder: Path, signer: protection.Signer) -> None:
    """Signs what lies in the folder, after checking every byte of it."""
    held = content(vault.take_folder(folder), folder)
    manifest, _ = vault.attested(folder)
    vault.attest(folder, protection.sign(signer, manifest, held))


def standing(folder: Path, asked: str | None = None) -> tuple[str, protection.Standing]:
    """The content digest, and what the signature is worth. Refused: it does not fit, or is not of the signer asked for."""
    held = content(vault.take_folder(folder), folder)
    manifest, signature = vault.attested(folder)
    return held, protection.judge(signature, manifest, held, folder, asked)


def closed(folder: Path) -> bool:
    """Whether an artifact lies there sealed, by its manifest, and nobody has handed over a key."""
    return not vault.key_at_hand() and vault.tells_of_seals(folder)


def standing_outside(folder: Path, asked: str | None = None) -> protection.Standing:
    """What a sealed artifact is worth to somebody who has not its key, after checking every byte of it as it lies there: that
    of the signature over the manifest. The content digest that was signed with it is compared with nothing."""
    _refuse_incomplete(vault.survey(folder), folder)
    manifest, signature = vault.attested(folder)
    return protection.judge(signature, manifest, None, folder, asked)


# --- reading --------------------------------------------------------------------------------------------------------------


def _label(files: Mapping[str, bytes], folder: Path) -> Mapping[str, Any]:
    """What label.json says. Refused where it is none, or is not all that an artifact holds."""
    _refuse_incomplete(files, folder)
    told = vault.read_json(files["label.json"], f"{folder}/label.json")
    if not isinstance(told, Mapping):
        raise Refused(say("{folder}/label.json does not describe an artifact ({problem}).", folder=folder, problem="JSON"))
    return told


def _refuse_incomplete(names: Container[str], folder: Path) -> None:
    for name in ("label.json", "weights.safetensors", "codec.safetensors", "rows.safetensors"):
        if name not in names:
            raise Refused(say("{folder} is not an artifact: {file} is not in it.", folder=folder, file=name))


def _readable(told: Mapping[str, Any], folder: Path) -> None:
    if told.get("format") != FORMAT:
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


def _assembled(files: Mapping[str, bytes], told: Mapping[str, Any], folder: Path, kinds: tuple[type, ...]) -> Artifact:
    from safetensors.numpy import load as load_arrays
    from safetensors.torch import load as load_tensors

    family = _known(Family, "model", told["family"], kinds)
    encoding = _known(Encoding, "codec", told["encoding"], kinds)
    texts = {name: files[name].decode() for name in told["texts"]}
    codec = encoding.load(State(told["codec"], load_tensors(files["codec.safetensors"]), texts))
    edits: tuple[Edit, ...] = tuple(read(Edit, edit, "edits") for edit in told.get("edits", ()))
    rows: dict[Part, np.ndarray] = {part: ids for part, ids in load_arrays(files["rows.safetensors"]).items() if part in PARTS}
    return Artifact(
        family=family,
        codec=codec,
        edits=edits,
        module=_filled(_built(family, codec, edits), load_tensors(files["weights.safetensors"]), folder),
        source=told["source"],
        rows=rows,
        fingerprints=told["fingerprints"],
        metrics=tuple(read(Metric, metric, "evaluation.metrics", extra=kinds) for metric in told["metrics"]),
        scores=tuple(Score(**score) for score in told["scores"]),
        tolerance=told["tolerance"],
        story=tuple(told["story"]),
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
        raise Refused(
            say("{folder}/weights.safetensors does not fit its label: {faults}.", folder=folder, faults="; ".join(wrong))
        )
    module.load_state_dict(dict(weights), assign=True)
    return module.eval()


def card(artifact: Artifact) -> str:
    """The model card: what the label says, in words, for people who never saw the run."""
    parts = ", ".join(f"{part} {len(ids):,}" for part, ids in artifact.rows.items())
    scores = "\n".join(f"| {s.name} | {s.value:.4g} | {s.low:.4g} to {s.high:.4g} | {s.n:,} |" for s in artifact.scores)
    story = "\n".join(f"- {line}" for line in artifact.story)
    return f"""# {say("{label}, predicted by {kind}", kind=kind(type(artifact.family)), label=artifact.codec.encoding.label)}

{say("Made by modelwright {version}. Rows: {parts}.", version=__version__, parts=parts)}
{say("No row of the data lies in this folder, only row numbers.")}

## {say("How good it is on the test rows")}

| {say("score")} | {say("value")} | {say("95 % interval")} | {say("rows")} |
|---|---|---|---|
{scores}

## {say("How to use it")}

```
modelwright predict {{FOLDER}} rows.csv -o answers.csv
modelwright verify {{FOLDER}}
```

## {say("How it came to be")}

{story}
"""
