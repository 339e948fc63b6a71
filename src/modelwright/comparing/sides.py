"""A finished run as one side of a comparison, taken from its folder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modelwright import evaluation, shelf
from modelwright.folder import RunFolder
from modelwright.nouns import Answers, Artifact, Costs, Gained, Refused
from modelwright.reader import parse
from modelwright.wording import say


@dataclass(frozen=True)
class Side:
    """A run that was led to its end."""

    folder: RunFolder
    artifact: Artifact
    answers: Answers
    costs: Costs
    """Measured."""
    stored: int
    """Bytes of the weights in the artifact: fewer than were trained, where it was compressed."""
    recipe: Mapping[str, Any]
    gained: tuple[Gained, ...] = ()
    """What going on from a base came to, where that was asked."""

    @property
    def name(self) -> str:
        return self.folder.path.name


def side(path: Path, kinds: tuple[type, ...]) -> Side:
    folder = RunFolder(path)
    if folder.standing() != "finished":
        raise Refused(
            say("{folder} holds no finished run.", folder=path),
            say("Name the folder of a run, as runs/digits; an unfinished one goes on with modelwright run RECIPE --resume."),
        )
    artifact = shelf.take(folder.artifact, kinds)
    if not folder.answers.exists():
        raise Refused(
            say("{folder} was led by a modelwright that kept no answers.", folder=path),
            say("Lead that run once more: add --fresh."),
        )
    answers = evaluation.kept(folder.answers, artifact.codec.writes[0])
    recipe = parse(folder.recipe.read_text(encoding="utf-8"), str(folder.recipe))[0]
    stored = (folder.artifact / "weights.safetensors").stat().st_size
    told = folder.settled()
    gained = evaluation.gained_from_plain(told.get("gained", ()))
    return Side(folder, artifact, answers, Costs(**told["measured"]), stored, recipe, gained)


def refuse_other_rows(a: Side, b: Side) -> None:
    """Only answers to the same questions can be held against each other."""
    facts = {"a": a.folder.path, "b": b.folder.path}
    one, other = (type(each.answers.port.kind).__name__ for each in (a, b))
    if one != other:
        facts |= {"one": one, "other": other}
        raise Refused(say("{a} and {b} answer different things: one tells {one}, the other {other}.", **facts))
    if evaluation.same_rows(a.answers, b.answers):
        return
    ids_a, ids_b = (set(one.answers.frame["row"].to_list()) for one in (a, b))
    if ids_a == ids_b:
        raise Refused(
            say("{a} and {b} were judged on rows with the same numbers and other labels: their data differ.", **facts),
            say("Lead both with the same data."),
        )
    raise Refused(
        say("{a} and {b} were judged on different test rows: {n_a} and {n_b} rows, of which {both} are the same.",
            n_a=f"{len(ids_a):,}", n_b=f"{len(ids_b):,}", both=f"{len(ids_a & ids_b):,}", **facts),
        say("Lead both with the same data, seed and data.split."),
    )  # fmt: skip
