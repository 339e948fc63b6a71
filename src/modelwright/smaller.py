"""An artifact made smaller after its life: the same candidates and the same judges as in a run. Knows no recipe."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from modelwright import data, evaluation, life, shelf, using
from modelwright.compression import Board, Compression, Promise
from modelwright.nouns import Artifact, Batch, Classes, Part, Refused, Rows, Tuning, Watch
from modelwright.objectives import CrossEntropy, SquaredError
from modelwright.reader import read
from modelwright.stages import silent, stage
from modelwright.training import Training
from modelwright.wording import say


@dataclass(frozen=True)
class Order:
    """What is tried, what may be lost, and where the winner goes."""

    steps: tuple[Compression, ...]
    promise: Promise
    out: Path


def compress(artifact: Artifact, path: Path | None, order: Order, watch: Watch = silent) -> Board:
    """Puts the winner into order.out and signs it; where the original is kept nothing is written.

    Refused: other rows, or edits already.
    It was trained by a recipe that nobody has here, so recovery learns with Adam, 64 rows at a time."""
    from modelwright.compression import bench, checking, judging, telling

    data.refuse_unlabelled(artifact.codec.encoding)
    if shelf.leans(artifact):
        told = say("What is learned beside a base is not compressed: what would be stored is small already.")
        raise Refused(told, say("Fold it in first, with modelwright merge, and compress what that makes."))
    if artifact.edits:
        raise Refused(say("This artifact was compressed already: begin with its original."))
    rows = _rows(artifact, path)
    train, validation = (_encoded(artifact, rows, part) for part in ("train", "validation"))
    checking.refuse_unfit(order.steps, artifact.family, artifact.codec, train, len(validation["row"]), {})
    port = artifact.codec.writes[0].kind
    aim = (CrossEntropy() if isinstance(port, Classes) else SquaredError()).ready(artifact.codec.writes)
    course = bench.Course(Training(epochs=1, batch=64), aim, (), (), Tuning(), seed=0)
    work = bench.Bench(artifact.family, artifact.module, artifact.codec, train, validation, course, order.promise)
    test = rows.take(using.positions(rows, artifact))
    with stage("compress", watch) as words:
        answers = evaluation.answer_rows(artifact.module, artifact.codec, test)
        found = judging.compress(
            work, order.steps, {}, answers, lambda one: evaluation.answer_rows(one, artifact.codec, test), watch
        )
        words += telling.line(found.board)
    if found.model is not None:
        shelf.put(life.succeed(artifact, found, test), order.out)
        life.sign_all((order.out,), watch)
    return found.board


def _rows(artifact: Artifact, path: Path | None) -> Rows:
    """The rows that it was made from. Refused: not named, or others."""
    told = dict(artifact.source)
    if path is None and told["kind"] != "bundled":
        raise Refused(say("Compressing needs the rows that the artifact was made from: add --data PATH."))
    rows = data.read(read(data.Source, told | ({"path": str(path.absolute())} if path else {}), where="data"))
    if data.fingerprint(rows) != artifact.fingerprints["data"]:
        raise Refused(say("These rows are not the ones that the artifact was made from (another fingerprint)."))
    return rows


def _encoded(artifact: Artifact, rows: Rows, part: Part) -> Batch:
    """One part's rows as tensors, those with faults left out."""
    encoded, faults = data.encode_all(artifact.codec, rows, using.positions(rows, artifact, part))
    return data.without(encoded, faults)[0]
