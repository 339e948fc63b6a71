"""How much of a reply stands in the one that was wanted: BLEU and chrF by sacrebleu, ROUGE. N rows, S sums to a row.

A row whose text could not be read was replied to with nothing, and counts; one whose wanted reply is unknown is left out."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeAlias

from modelwright.evaluation import intervals
from modelwright.nouns import Answers, Refused, Reply, Score
from modelwright.wording import say

if TYPE_CHECKING:
    import numpy as np

IDEOGRAPHS = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff"
UNIT = re.compile(rf"[{IDEOGRAPHS}]|[^\W_{IDEOGRAPHS}]+")
CHINESE = re.compile("[\u3400-\u4dbf\u4e00-\u9fff]")
BEST = 100.0


@dataclass(frozen=True)
class BLEU:
    """Runs of 1 to 4 words of the reply that stand in the wanted one, 0 to 100 over all rows (https://aclanthology.org/P02-1040),
    as sacrebleu has it. Interval by bootstrap over rows."""

    fits: ClassVar[tuple[type, ...]] = (Reply,)
    better: ClassVar[Literal["higher", "lower"]] = "higher"
    name: ClassVar[str] = "bleu"

    words: Literal["auto", "13a", "zh", "char"] = "auto"
    """sacrebleu's tokenizer. auto: zh where half of the wanted replies have a Chinese character, else 13a."""

    def score(self, answers: Answers) -> Score:
        return _score(self, answers)

    def sums(self, given: list[str], wanted: list[str]) -> tuple[np.ndarray, Figure]:
        words = self.words
        if words == "auto":
            words = "zh" if 2 * sum(map(bool, map(CHINESE.search, wanted))) >= len(wanted) else "13a"
        return _by_sacrebleu(_sacrebleu().BLEU(tokenize=words), given, wanted)


@dataclass(frozen=True)
class ChrF:
    """Runs of 1 to 6 characters, recall counting twice as much, 0 to 100 (https://aclanthology.org/W15-3049), as sacrebleu has
    it. Interval by bootstrap over rows."""

    fits: ClassVar[tuple[type, ...]] = (Reply,)
    better: ClassVar[Literal["higher", "lower"]] = "higher"
    name: ClassVar[str] = "chrf"

    def score(self, answers: Answers) -> Score:
        return _score(self, answers)

    def sums(self, given: list[str], wanted: list[str]) -> tuple[np.ndarray, Figure]:
        return _by_sacrebleu(_sacrebleu().CHRF(), given, wanted)


@dataclass(frozen=True)
class Rouge:
    """The mean over rows of F1, 0 to 100, of words that both have: alone (1), in pairs (2), or in one order with gaps (l)
    (https://aclanthology.org/W04-1013). Words are lower-cased and not stemmed; of Chinese each character is one."""

    fits: ClassVar[tuple[type, ...]] = (Reply,)
    better: ClassVar[Literal["higher", "lower"]] = "higher"

    runs: Literal["1", "2", "l"] = "l"

    @property
    def name(self) -> str:
        return f"rouge_{self.runs}"

    def score(self, answers: Answers) -> Score:
        return _score(self, answers)

    def sums(self, given: list[str], wanted: list[str]) -> tuple[np.ndarray, Figure]:
        import numpy as np

        found = [self._f1(units(one), units(other)) for one, other in zip(given, wanted, strict=True)]
        return BEST * np.array(found)[:, None], lambda means: means[..., 0]

    def _f1(self, given: list[str], wanted: list[str]) -> float:
        if self.runs == "l":
            both, sizes = in_order(given, wanted), len(given) + len(wanted)
        else:
            one, other = (Counter(_runs(words, int(self.runs))) for words in (given, wanted))
            both, sizes = (one & other).total(), one.total() + other.total()
        return 2 * both / sizes if sizes else 0.0


Matching: TypeAlias = BLEU | ChrF | Rouge
Figure: TypeAlias = intervals.Figure


def refuse_without_extra(metrics: Sequence[object]) -> None:
    """Refused where sacrebleu is asked for and is not installed."""
    if any(isinstance(metric, (BLEU, ChrF)) for metric in metrics) and find_spec("sacrebleu") is None:
        raise Refused(say('{name} is not installed: pip install "modelwright[language]"', name="sacrebleu"))


def units(text: str) -> list[str]:
    """What ROUGE takes for words."""
    return UNIT.findall(text.lower())


def in_order(one: Sequence[str], other: Sequence[str]) -> int:
    """The length of the longest common subsequence, a bit for each word of one (https://doi.org/10.1145/316542.316550)."""
    places: dict[str, int] = {}
    for place, word in enumerate(one):
        places[word] = places.get(word, 0) | 1 << place
    whole = (1 << len(one)) - 1
    row = whole
    for word in other:
        hit = row & places.get(word, 0)
        row = (row + hit | row - hit) & whole
    return len(one) - row.bit_count()


def difference(metric: Matching, a: Answers, b: Answers) -> Score:
    """The figure of b less that of a, by the bootstrap over rows that both were asked."""
    import numpy as np

    first, second = (one.sort("row") for one in (_judged(a), _judged(b)))
    (sums, figure), (theirs, other) = (metric.sums(*_texts(one)) for one in (first, second))
    width, rows = sums.shape[1], np.concatenate([sums, theirs], axis=1)

    def gain(means: np.ndarray) -> np.ndarray:
        """(..., 2 S) -> (...)"""
        return other(means[..., width:]) - figure(means[..., :width])

    value, (low, high) = float(gain(rows.mean(0))), intervals.of_means(rows, gain)
    slack = intervals.unvaried(len(rows), BEST) if low == high else 0.0
    return Score(f"{metric.name}_difference", value, min(low, value) - slack, max(high, value) + slack, len(rows))


def _score(metric: Matching, answers: Answers) -> Score:
    """Where all rows are alike, more of them may yet be as good or as bad as can be."""
    rows, figure = metric.sums(*_texts(_judged(answers)))
    value = min(BEST, float(figure(rows.mean(0))))  # sacrebleu rounds 100 upwards
    low, high = intervals.of_means(rows, figure)
    slack = intervals.unvaried(len(rows), BEST) if low == high else 0.0
    return Score(metric.name, value, max(0.0, min(low, value) - slack), min(BEST, max(high, value) + slack), len(rows))


def _judged(answers: Answers) -> Any:
    """The rows whose wanted reply is known. Refused where there is none."""
    import polars as pl

    found = answers.frame.filter(pl.col("label").is_not_null())
    if found.is_empty():
        raise Refused(say("Not one of {n} rows has a label: there is nothing to score.", n=f"{len(answers):,}"))
    return found


def _texts(frame: Any) -> tuple[list[str], list[str]]:
    """Given and wanted."""
    return frame["answer"].fill_null("").to_list(), frame["label"].to_list()


def _runs(words: list[str], length: int) -> list[tuple[str, ...]]:
    return [tuple(words[start : start + length]) for start in range(len(words) - length + 1)]


def _sacrebleu() -> Any:
    refuse_without_extra([ChrF()])
    from sacrebleu import metrics

    return metrics


def _by_sacrebleu(metric: Any, given: list[str], wanted: list[str]) -> tuple[np.ndarray, Figure]:
    """Its sums for each row (N, S), and its own figure of their means."""
    import numpy as np

    rows = np.array(metric._extract_corpus_statistics(given, [wanted]), np.float64)

    def one(means: np.ndarray) -> float:
        return metric._compute_score_from_stats(np.round(means * len(rows), 6).tolist()).score

    made: Callable[[np.ndarray], np.ndarray] = lambda means: np.apply_along_axis(one, -1, means)  # noqa: E731
    return rows, made
