"""Other people's formats. Verb: export. An export is written only after raw rows were answered alike on both sides."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelwright import __version__, vault
from modelwright.data import refuse_unlabelled
from modelwright.nouns import Artifact, Refused, Rows
from modelwright.reader import kind, write
from modelwright.wording import say, together

if TYPE_CHECKING:
    from modelwright.exchange.proof import Proof

ROWS = 200
"""Raw rows that must agree."""
NEEDED = ("onnx", "onnxruntime")
PLACE = Path(__file__).parent


def export(artifact: Artifact, rows: Rows, folder: Path) -> Proof:
    """Commits a folder with model.onnx and all that is needed to use it without modelwright. Refused: a network or a codec that
    cannot be exported, fewer rows than ROWS, or one of them answered otherwise."""
    from modelwright.exchange.proof import prove

    refuse_unlabelled(artifact.codec.encoding)
    refuse_without_extra()
    files = built(artifact)
    proof = prove(files, artifact, rows)
    told = label(artifact, files, proof)
    vault.put_folder(folder, {**files, "label.json": _json(told), "README.md": readme(artifact, told).encode()})
    return proof


def refuse_without_extra() -> None:
    """Refused where the extra is not installed."""
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        raise Refused(say('{name} is not installed: pip install "modelwright[onnx]"', name=missing[0]))


def built(artifact: Artifact) -> dict[str, bytes]:
    """What is proved: the graph, what its inputs and outputs mean, and the reader of both."""
    from modelwright.exchange.facts import exportable, facts
    from modelwright.exchange.graphs import graph

    codec = exportable(artifact.codec)
    return {
        "model.onnx": graph(artifact.module, codec),
        "codec.json": _json(facts(codec)),
        "answer.py": (PLACE / "answer.py").read_bytes(),
    }


def label(artifact: Artifact, files: Mapping[str, bytes], proof: Proof) -> dict[str, Any]:
    """Where it comes from, what it reads and gives, and what proves it."""
    import onnx

    found = onnx.load_from_string(files["model.onnx"])
    return {
        "format": 1,
        "made_by": f"modelwright {__version__}",
        "family": write(artifact.family),
        "edits": [kind(type(edit)) for edit in artifact.edits],
        "fingerprints": dict(artifact.fingerprints),
        "opset": found.opset_import[0].version,
        "inputs": [_port(port) for port in found.graph.input],
        "outputs": [_port(port) for port in found.graph.output],
        "proof": {
            "rows": proof.rows,
            "largest_difference": proof.largest,
            "allowed": "1e-6 + 2e-6 * largest output of the row, or 4 * rounding if that is more",
            "rounding": proof.rounding,
            "runtime": proof.runtime,
        },
        "story": list(artifact.story),
    }


def _port(port: Any) -> dict[str, Any]:
    """Its name, type and axes: a length, or a name where any length will do."""
    from onnx import TensorProto

    tensor = port.type.tensor_type
    axes = [axis.dim_param or axis.dim_value for axis in tensor.shape.dim]
    return {"name": port.name, "type": TensorProto.DataType.Name(tensor.elem_type).lower(), "axes": axes}


def _json(told: Mapping[str, Any]) -> bytes:
    return json.dumps(told, indent=1, ensure_ascii=False).encode()


def readme(artifact: Artifact, told: Mapping[str, Any]) -> str:
    """How to use the folder, for people who have no modelwright."""
    ports = "\n".join(
        f"| {way} | {port['name']} | {port['type']} | {', '.join(str(axis) for axis in port['axes'])} |"
        for way, found in ((say("input"), told["inputs"]), (say("output"), told["outputs"]))
        for port in found
    )
    name = say("{label}, predicted by {kind}, as ONNX", label=artifact.codec.encoding.label, kind=kind(type(artifact.family)))
    proof = told["proof"]
    facts = {"rows": proof["rows"], "largest": f"{proof['largest_difference']:.1e}"}
    proved = say("{rows} raw rows were answered by this folder alone and by the artifact.", **facts)
    near = say("No answer differed, and no output of the network by more than {largest}.", **facts)
    proved = together(proved, near)
    return f"""# {name}

{proved}

```
pip install numpy onnxruntime pillow
python answer.py rows.csv
```

| | {say("name")} | {say("type")} | {say("axes")} |
|---|---|---|---|
{ports}

{say("answer.py shows how a row becomes inputs, and outputs an answer; codec.json says what the model learned to read.")}
{say("Standardising, filling in, one-hot places, the mask of a text and the chances of classes are inside the graph.")}
{say("raw is what the network itself writes; chances follow the names in codec.json, and best is the place of the likeliest.")}
"""
