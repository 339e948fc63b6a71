"""The proof that an export is the artifact: raw rows, read by answer.py from the files alone, run by onnxruntime, against ours.

Only answers meet: the other side knows neither our codec nor our network. B rows, C classes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from modelwright import evaluation
from modelwright.data.codecs.labels import NumberLabels
from modelwright.evaluation.answering import outputs
from modelwright.exchange import answer
from modelwright.exchange.facts import exportable
from modelwright.nouns import Artifact, Classes, Refused, Rows
from modelwright.wording import say

ROWS = 200
ABSOLUTE, RELATIVE = 1e-6, 2e-6
"""The house's tolerance: so much, and so much of the largest output of the row."""
ENGINES = 4
"""Or so often what rounding does to our own outputs: another engine adds up in another order, and a long text has many sums."""
HEIGHTS = (1, 7, 64)
"""Rows a batch, in turn: a graph that learned the size of a batch by heart shall be found out."""


@dataclass(frozen=True)
class Proof:
    rows: int
    largest: float
    """Difference between two outputs of the network."""
    rounding: float
    """The largest difference between our own outputs and those of the same network in float64."""
    runtime: str


@dataclass(frozen=True)
class Theirs:
    """What the export says to raw rows."""

    answers: list[Any]
    faults: list[str | None]
    raw: np.ndarray
    """float32 (B, units)."""


def prove(files: Mapping[str, bytes], artifact: Artifact, rows: Rows) -> Proof:
    """Refused where there are too few rows, or where one of them is answered differently."""
    import onnxruntime

    if len(rows) < ROWS:
        few = say("{needed} raw rows are needed to prove an export, and {n} are there.", needed=ROWS, n=len(rows))
        raise Refused(few, say("Name more of them: --data ROWS. They need no label."))
    theirs = said(files, rows)
    ours = evaluation.answer_rows(artifact.module, artifact.codec, rows).frame
    raw = np.concatenate([part.numpy() for part in outputs(artifact.module, artifact.codec, rows, 64)])
    rounding = rounded(artifact, rows, raw)
    allowed = np.maximum(ABSOLUTE + RELATIVE * np.abs(raw).max(axis=1), ENGINES * rounding)
    apart = np.abs(theirs.raw - raw).max(axis=1)
    read = ours["answer"].is_not_null().to_numpy()
    _refuse_other_faults(rows, ours, theirs, read)
    far = np.flatnonzero(read & ~(apart <= allowed))
    if len(far):
        raise _unlike(rows, int(far[0]), raw[far[0]].tolist(), theirs.raw[far[0]].tolist())
    for place in np.flatnonzero(read):
        if not _alike(artifact, ours["answer"][int(place)], theirs.answers[place], raw[place], float(allowed[place])):
            raise _unlike(rows, int(place), ours["answer"][int(place)], theirs.answers[place])
    return Proof(len(rows), float(apart[read].max(initial=0.0)), rounding, f"onnxruntime {onnxruntime.__version__}")


def said(files: Mapping[str, bytes], rows: Rows) -> Theirs:
    """As somebody answers who has the files and no modelwright."""
    import onnxruntime

    codec = json.loads(files["codec.json"])
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(files["model.onnx"], options, providers=["CPUExecutionProvider"])
    names = [port.name for port in session.get_outputs()]
    answers: list[Any] = []
    faults: list[str | None] = []
    raw: list[np.ndarray] = []
    for piece in _pieces(_plain_rows(rows)):
        inputs, wrong = answer.feed(codec, piece)
        found = {name: np.asarray(output) for name, output in zip(names, session.run(None, inputs))}
        answers += [told for told, _ in answer.meaning(codec, found)]
        faults += wrong
        raw.append(found["raw"])
    return Theirs(answers, faults, np.concatenate(raw))


def rounded(artifact: Artifact, rows: Rows, raw: np.ndarray) -> float:
    """How far float32 took our outputs (B, units) from those in float64; 0 where the network has no float64."""
    import torch

    exact = deepcopy(artifact.module).double().eval()
    port, largest = artifact.codec.writes[0].name, 0.0
    with torch.inference_mode():
        for start in range(0, len(rows), 64):
            batch, _ = artifact.codec.encode(rows.take(np.arange(start, min(start + 64, len(rows)))))
            double = {name: tensor.double() if tensor.is_floating_point() else tensor for name, tensor in batch.items()}
            try:
                found = exact(double)[port].double().numpy()
            except RuntimeError:  # a kind from outside may insist on float32
                return 0.0
            largest = max(largest, float(np.abs(found - raw[start : start + len(found)]).max()))
    return largest


def _pieces(rows: list[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    start = turn = 0
    while start < len(rows):
        height = HEIGHTS[turn % len(HEIGHTS)]
        yield rows[start : start + height]
        start, turn = start + height, turn + 1


def _plain_rows(rows: Rows) -> list[dict[str, Any]]:
    """Each row by the names of its columns; arrays as NumPy holds them."""
    columns: dict[str, list[Any]] = {}
    for column in rows.columns.get_columns():
        cells = column.to_list()
        array = isinstance(column.dtype, pl.Array)
        columns[column.name] = [np.array(cell, np.uint8) if array and cell is not None else cell for cell in cells]
    return [dict(zip(columns, cells)) for cells in zip(*columns.values())]


def _refuse_other_faults(rows: Rows, ours: pl.DataFrame, theirs: Theirs, read: np.ndarray) -> None:
    """A row that one side cannot read, the other may not answer."""
    for place, fault in enumerate(theirs.faults):
        if read[place] == (fault is not None):
            raise _unlike(rows, place, ours["fault"][place] or ours["answer"][place], fault or theirs.answers[place])


def _alike(artifact: Artifact, ours: Any, theirs: Any, raw: np.ndarray, allowed: float) -> bool:
    """Classes are equal unless the two best are nearer than what is allowed; numbers are as near as their outputs may be."""
    port = artifact.codec.writes[0].kind
    if not isinstance(port, Classes):
        labels = exportable(artifact.codec).labels
        assert isinstance(labels, NumberLabels)
        return abs(theirs - ours) <= allowed * labels.spread + 1e-12 * abs(ours)
    best = np.sort(np.append(raw, 0.0) if port.sigmoid else raw)
    return ours == theirs or bool(best[-1] - best[-2] <= 2 * allowed)


def _unlike(rows: Rows, place: int, ours: Any, theirs: Any) -> Refused:
    facts = {"row": int(rows.ids[place]), "ours": ours, "theirs": theirs}
    return Refused(
        say("The export answers otherwise than the artifact: row {row} gives {ours} here, and {theirs} there.", **facts),
        say("Nothing was written."),
    )
