"""What two sides have in common and where they part, as figures and as lines for a person."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

from modelwright import evaluation
from modelwright.comparing.sides import Side
from modelwright.nouns import Score
from modelwright.report import beside, figures
from modelwright.wording import say


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
            "gained": {"a": [asdict(one) for one in self.a.gained], "b": [asdict(one) for one in self.b.gained]},
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

    def gained(self) -> tuple[tuple[str, str, str], ...]:
        """A line for each score of texts, before and after going on from a base, that one of the two tells."""
        a, b = (
            {what: f"{before} -> {after}" for what, before, after in figures.gained_lines(side.gained)}
            for side in (self.a, self.b)
        )
        return tuple((what, a.get(what, ""), b.get(what, "")) for what in dict.fromkeys([*a, *b]))

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
        lines = [*self.scores(), *((*line, "", "") for line in (*self.gained(), *self.spent()))]
        changed = [f"{key}: {before or '-'} -> {after or '-'}" for key, before, after in self.changed]
        return beside.html(" / ".join(self.names), heads, lines, [self.verdict, *self.passed_over(), *changed])
