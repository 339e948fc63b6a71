"""What is done with an artifact: raw rows answered, bytes and scores checked. Knows no training."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from modelwright import data, evaluation
from modelwright.explanation import Permutation, RowMethod
from modelwright.nouns import Artifact, Note, Part, Refused, Rows, Score, Tagged, Watch
from modelwright.reader import read
from modelwright.report import Reason
from modelwright.stages import silent
from modelwright.wording import say

if TYPE_CHECKING:
    import numpy as np

    from modelwright.explanation.explaining import Explained
    from modelwright.explanation.permutation import Importance

CHUNK = 16384
"""Rows that are read and answered at a time."""


@dataclass(frozen=True)
class Predicted:
    """How many rows were answered, and what is to be said of them."""

    rows: int
    faulty: int
    """Could not be read."""
    cut: int
    """Are longer than codec.longest: their beginning was answered."""


def predict(artifact: Artifact, rows: Path, out: Path, watch: Watch = silent) -> Predicted:
    """Streams raw rows into a file of answers."""
    from modelwright.data.overlong import overlong_read
    from modelwright.data.writing import writer

    data.refuse_going_on(artifact.codec.encoding)
    source = data.from_path(rows)
    if out.exists() and out.samefile(rows):
        raise Refused(say("{path} holds the rows: the answers need another place. Name one with -o.", path=out))
    done = faulty = cut = 0
    with writer(out) as write:
        for chunk in source.chunks(CHUNK):
            told = evaluation.predicted(artifact.module, artifact.codec, chunk)
            write(told)
            done += len(told)
            faulty += told["fault"].count()
            cut += int(overlong_read(chunk, artifact.codec).sum())
            watch(Note("predict", say("{rows} rows", rows=f"{done:,}"), done, done))
    return Predicted(done, faulty, cut)


@dataclass(frozen=True)
class Asked:
    """What is to be explained, and how."""

    row: int = 0
    """Its id."""
    method: str = "shapley"
    seconds: float = 10.0
    word: int | None = None
    """Whose tag, of a model that tags words; the first that is not outside where none is named."""


def explain(artifact: Artifact, rows: Rows, asked: Asked) -> tuple[Explained, Reason]:
    """Why the row is answered as it is, the other rows being the background; and that as it is drawn."""
    from modelwright.explanation import budget, explaining
    from modelwright.explanation.subject import subject
    from modelwright.report import pictures
    from modelwright.report.reasons import why

    encoding = artifact.codec.encoding
    if encoding.wants is not Tagged:
        data.refuse_unlabelled(encoding)
    here = rows.ids == asked.row
    if not here.any():
        raise Refused(say("There is no row {row}: rows are counted from 0 to {last}.", row=asked.row, last=f"{rows.ids[-1]:,}"))
    one, others = rows.take(here.nonzero()[0]), rows.take((~here).nonzero()[0])
    known = subject(artifact.module, artifact.codec, one, others, asked.word)
    allowed = budget.Budget(asked.seconds)
    found = explaining.explain(known, read(RowMethod, {"kind": asked.method}, "method"), allowed)
    allowed.refuse_overspent()
    title = say("Why row {row} is answered {answer}", row=f"{asked.row:,}", answer=found.about)
    facts = {"said": f"{found.said:.4g}", "without": f"{found.without:.4g}"}
    told = say("The model says {said}; knowing nothing of the row, {without}.", **facts)
    return found, Reason(title, told, why(found), pictures.picture_of(one.columns, encoding))


def importance(artifact: Artifact, rows: Rows, seconds: float) -> Importance:
    """What the score loses when each column is shuffled among these rows, which must have labels."""
    from modelwright.explanation.budget import Budget
    from modelwright.explanation.permutation import permutation

    data.refuse_unlabelled(artifact.codec.encoding)
    return permutation(artifact.module, artifact.codec, rows, Permutation(), Budget(seconds))


def rows_around(path: Path, row: int = 0) -> Rows:
    """CHUNK rows of a file at most, the one with this id among them where there is one."""
    chunks = data.from_path(path).chunks(CHUNK)
    found = next(chunks)
    for chunk in chunks:
        if found.ids[-1] >= row:
            break
        found = chunk
    return found


def some_rows(artifact: Artifact, path: Path | None, most: int) -> Rows:
    """Raw rows to ask about: the first of those that `path` names; without it those of the bundled data, test rows first.

    Refused where neither is there."""
    import numpy as np

    if path is not None:
        rows = data.read(data.from_path(path))
        return rows.take(np.arange(min(most, len(rows))))
    if artifact.source.get("kind") != "bundled":
        raise Refused(say("Raw rows are needed to ask both about, and an artifact carries none: add --data PATH."))
    rows = data.read(read(data.Source, dict(artifact.source), where="data"))
    test = positions(rows, artifact)
    others = np.setdiff1d(np.arange(len(rows)), test)
    return rows.take(np.concatenate([test, others])[:most])


@dataclass(frozen=True)
class Verdict:
    """What recomputing the scores of an intact artifact showed."""

    pairs: tuple[tuple[Score, Score], ...] = ()
    """As the label says, and as found now."""
    reason: str = ""
    """Why the scores were not recomputed."""

    @property
    def recomputed(self) -> bool:
        return bool(self.pairs)

    @property
    def kept(self) -> bool:
        return all(agree(was, now) for was, now in self.pairs)


def agree(was: Score, now: Score) -> bool:
    """The same figure, but for the last bits that another batch shape or thread count may turn."""
    return was.n == now.n and math.isclose(was.value, now.value, rel_tol=1e-5, abs_tol=1e-7)


def verify(artifact: Artifact, path: Path | None) -> Verdict:
    """Recomputes the scores from the rows that the artifact was judged on. Its bytes were checked when it was taken."""
    if not artifact.scores:
        return Verdict(reason=say("it has none: its weights were made elsewhere"))
    told = dict(artifact.source)
    if path is not None:
        told["path"] = str(path.absolute())
    elif told["kind"] != "bundled":
        return Verdict(reason=say("the data is not named: add --data PATH"))
    rows = data.read(read(data.Source, told, where="data"))
    if data.fingerprint(rows) != artifact.fingerprints["data"]:
        return Verdict(reason=say("these rows are not the ones it was made from (another fingerprint)"))
    test = rows.take(positions(rows, artifact))
    answers = evaluation.answer_rows(artifact.module, artifact.codec, test)
    now = {score.name: score for score in evaluation.score(answers, artifact.metrics)}
    return Verdict(tuple((was, now[was.name]) for was in artifact.scores if was.name in now))


def positions(rows: Rows, artifact: Artifact, part: Part = "test") -> np.ndarray:
    """Where the rows of a part lie, by their ids."""
    import numpy as np

    return np.flatnonzero(np.isin(rows.ids, artifact.rows[part]))
