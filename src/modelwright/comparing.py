"""Two finished runs on the same test rows: which answers better, how sure that is, and what each cost. Knows no training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from modelwright import evaluation, shelf
from modelwright.folder import RunFolder
from modelwright.nouns import Answers, Artifact, Costs, Refused, Score
from modelwright.reader import inline, parse
from modelwright.report import beside, figures
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

    @property
    def name(self) -> str:
        return self.folder.path.name


@dataclass(frozen=True)
class Pair:
    """One score of both, and by how much they differ on the same rows."""

    a: Score
    b: Score
    difference: Score
    """b less a, 95 %."""

    @property
    def standing(self) -> Literal["better", "worse", "unproved"]:
        """How b stands beside a."""
        sign = -1 if figures.lower_is_better(self.a.name) else 1
        low, high = sorted((sign * self.difference.low, sign * self.difference.high))
        return "better" if low > 0 else "worse" if high < 0 else "unproved"


@dataclass(frozen=True)
class Comparison:
    """b beside a."""

    a: Side
    b: Side
    pairs: tuple[Pair, ...]
    outside: tuple[str, ...]
    """Scores of both that come from outside: how sure a difference of theirs is, nobody here knows."""
    lone: tuple[str, ...]
    """Scores that only one of the two was judged by."""
    changed: tuple[tuple[str, str, str], ...]
    """What the recipes say differently: dotted path, a's value, b's value; "" where there is none."""

    @property
    def same_data(self) -> bool:
        return self.a.artifact.fingerprints["data"] == self.b.artifact.fingerprints["data"]

    @property
    def names(self) -> tuple[str, str]:
        """What the two are called: folders of the same name by their whole paths."""
        if self.a.name != self.b.name:
            return self.a.name, self.b.name
        return str(self.a.folder.path), str(self.b.folder.path)

    def plain(self) -> dict[str, Any]:
        """What --json prints."""
        return {
            "a": str(self.a.folder.path),
            "b": str(self.b.folder.path),
            "rows": len(self.a.answers),
            "verdict": self.pairs[0].standing,
            "scores": [
                {"name": p.a.name, "a": p.a.value, "b": p.b.value, "standing": p.standing, "difference": asdict(p.difference)}
                for p in self.pairs
            ],
            "not_compared": {"outside": list(self.outside), "lone": list(self.lone)},
            "costs": {"a": asdict(self.a.costs), "b": asdict(self.b.costs)},
            "stored_bytes": {"a": self.a.stored, "b": self.b.stored},
            "recipe": [{"key": key, "a": before, "b": after} for key, before, after in self.changed],
            "same_data": self.same_data,
        }

    @property
    def verdict(self) -> str:
        """One sentence, by the first score."""
        first = self.pairs[0]
        least = evaluation.least_provable(first.difference.n)
        return beside.verdict(self.names, first.difference, first.standing, least)

    def scores(self) -> tuple[tuple[str, str, str, str, str], ...]:
        """A line for each score: its name, a's, b's, the difference, and how b stands."""
        return tuple(
            (
                figures.score_name(p.a.name),
                figures.value(p.a),
                figures.value(p.b),
                beside.gain(p.difference),
                beside.mark(p.standing),
            )
            for p in self.pairs
        )

    def spent(self) -> tuple[tuple[str, str, str], ...]:
        """A line for each cost: what it is, a's, b's."""
        lines = tuple(line for _, lines in figures.costs(self.a.costs, self.b.costs) for line in lines)
        return (
            *lines,
            (say("weights in the artifact"), figures.scaled(self.a.stored, "B"), figures.scaled(self.b.stored, "B")),
        )

    def passed_over(self) -> tuple[str, ...]:
        """A sentence for each reason why scores are not compared."""
        told: list[str] = []
        if self.outside:
            facts = {"scores": ", ".join(map(figures.score_name, self.outside))}
            told.append(
                say("Not compared: {scores}. They come from outside, and how sure a difference is cannot be told.", **facts)
            )
        if self.lone:
            names = ", ".join(map(figures.score_name, self.lone))
            told.append(say("Not compared: {scores}. Only one of the two was judged by them.", scores=names))
        return tuple(told)

    def data(self) -> str:
        """Whether both were made from the same rows."""
        if self.same_data:
            return say("the same")
        return say("not the same (another fingerprint); the test rows and their labels are")

    def _repr_html_(self) -> str:
        heads = ("", *self.names, say("difference, 95 %"), "")
        lines = [*self.scores(), *((*line, "", "") for line in self.spent())]
        changed = [f"{key}: {before or '-'} -> {after or '-'}" for key, before, after in self.changed]
        return beside.html(" / ".join(self.names), heads, lines, [self.verdict, *self.passed_over(), *changed])


def compare(a: Path, b: Path, kinds: tuple[type, ...] = ()) -> Comparison:
    """Refused: a run that is not finished, other test rows, labels of another kind, no score that both were judged by."""
    return beside_one_another(_side(a, kinds), _side(b, kinds))


def beside_one_another(first: Side, second: Side) -> Comparison:
    """Refused as compare() says."""
    _refuse_other_rows(first, second)
    shared = tuple(metric for metric in first.artifact.metrics if metric in second.artifact.metrics)
    pairs: list[Pair] = []
    outside: list[str] = []
    for metric in shared:
        difference = evaluation.difference(metric, first.answers, second.answers)
        if difference is None:
            outside.append(metric.score(first.answers).name)
        else:
            pairs.append(Pair(metric.score(first.answers), metric.score(second.answers), difference))
    if not pairs:
        names = [", ".join(score.name for score in side.artifact.scores) for side in (first, second)]
        raise Refused(
            say("{a} and {b} were judged by no common score: {scores_a}; {scores_b}.",
                a=first.folder.path, b=second.folder.path, scores_a=names[0], scores_b=names[1])
        )  # fmt: skip
    return Comparison(first, second, tuple(pairs), tuple(outside), _lone(first, second), changes(first.recipe, second.recipe))


def _lone(a: Side, b: Side) -> tuple[str, ...]:
    """Of a first; each name once, though a metric may be asked in two ways."""
    others = ((a, b.artifact.metrics), (b, a.artifact.metrics))
    return tuple(dict.fromkeys(
        metric.score(side.answers).name for side, other in others for metric in side.artifact.metrics if metric not in other
    ))  # fmt: skip


def _side(path: Path, kinds: tuple[type, ...]) -> Side:
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
    return Side(folder, artifact, answers, Costs(**folder.settled()["measured"]), stored, recipe)


def _refuse_other_rows(a: Side, b: Side) -> None:
    """Only answers to the same questions can be held against each other."""
    facts = {"a": a.folder.path, "b": b.folder.path}
    one, other = (type(side.answers.port.kind).__name__ for side in (a, b))
    if one != other:
        facts |= {"one": one, "other": other}
        raise Refused(say("{a} and {b} answer different things: one tells {one}, the other {other}.", **facts))
    if evaluation.same_rows(a.answers, b.answers):
        return
    ids_a, ids_b = (set(side.answers.frame["row"].to_list()) for side in (a, b))
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


# --- recipes --------------------------------------------------------------------------------------------------------------


def changes(a: Any, b: Any, path: str = "") -> tuple[tuple[str, str, str], ...]:
    """The leaves that differ, by their dotted path, each as TOML would say it."""
    if isinstance(a, Mapping) and isinstance(b, Mapping):
        keys = [*a, *(key for key in b if key not in a)]
        return tuple(found for key in keys for found in changes(a.get(key), b.get(key), f"{path}.{key}" if path else key))
    return () if a == b else ((path, _told(a), _told(b)),)


def _told(value: Any) -> str:
    """A value in one line; nothing for a key that is not there."""
    return "" if value is None else inline(value)
