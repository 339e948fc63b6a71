"""Two finished runs on the same test rows: which answers better, how sure that is, and what each cost. Knows no training."""

from __future__ import annotations

from pathlib import Path

from modelwright import evaluation
from modelwright.comparing.changes import changes
from modelwright.comparing.comparison import Comparison, Pair
from modelwright.comparing.sides import Side, refuse_other_rows, side
from modelwright.nouns import Refused
from modelwright.wording import say

__all__ = ["Comparison", "Pair", "Side", "beside_one_another", "changes", "compare"]


def compare(a: Path, b: Path, kinds: tuple[type, ...] = ()) -> Comparison:
    """Refused: a run that is not finished, other test rows, labels of another kind, no score that both were judged by."""
    return beside_one_another(side(a, kinds), side(b, kinds))


def beside_one_another(first: Side, second: Side) -> Comparison:
    """Refused as compare() says."""
    refuse_other_rows(first, second)
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
        names = [", ".join(score.name for score in one.artifact.scores) for one in (first, second)]
        raise Refused(
            say("{a} and {b} were judged by no common score: {scores_a}; {scores_b}.",
                a=first.folder.path, b=second.folder.path, scores_a=names[0], scores_b=names[1])
        )  # fmt: skip
    return Comparison(first, second, tuple(pairs), tuple(outside), _lone(first, second), changes(first.recipe, second.recipe))


def _lone(a: Side, b: Side) -> tuple[str, ...]:
    """Of a first; each name once, though a metric may be asked in two ways."""
    others = ((a, b.artifact.metrics), (b, a.artifact.metrics))
    return tuple(dict.fromkeys(
        metric.score(one.answers).name for one, other in others for metric in one.artifact.metrics if metric not in other
    ))  # fmt: skip
