"""Where the marks of a chart stand, in percent of its width and height; y runs down. Knows no colour and no HTML."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from modelwright.nouns import Score
from modelwright.report import figures
from modelwright.wording import say

POINTS = 400
"""A line has no more; nobody sees them."""
WIDE = 30
"""A curve whose highest point is so many times its lowest is drawn on a logarithmic scale."""
NARROW = 30
"""A confusion matrix of more classes is told as pairs."""


@dataclass(frozen=True)
class Tick:
    at: float
    word: str


@dataclass(frozen=True)
class Whisker:
    """One score as a dot on a line, with its interval."""

    name: str
    ours: bool
    at: float
    low: float
    high: float
    value: str
    interval: str


@dataclass(frozen=True)
class Line:
    name: str
    path: str
    """An SVG path in 0 to 100."""
    last: tuple[float, float]


@dataclass(frozen=True)
class Curve:
    title: str
    about: str
    """What somebody who does not see it is told."""
    lines: tuple[Line, ...]
    across: tuple[Tick, ...]
    """Epochs."""
    up: tuple[Tick, ...]
    best: float | None
    """Where the epoch stands whose weights were kept."""
    logarithmic: bool


@dataclass(frozen=True)
class Cell:
    count: int
    share: float
    """Of the label's rows, 0 to 1."""
    right: bool


# --- scores beside baselines --------------------------------------------------------------------------------------------


def whiskers(ours: tuple[str, Score], baselines: Mapping[str, Score]) -> tuple[tuple[Whisker, ...], tuple[Tick, ...]]:
    """The model first, then the baselines, on one scale; and its ticks."""
    scores = [ours, *((figures.baseline_name(name), score) for name, score in baselines.items())]
    share = figures.is_share(ours[1].name)
    low, high = (0.0, 1.0) if share else _range([end for _, score in scores for end in (score.low, score.high)])
    steps = [0, 0.25, 0.5, 0.75, 1] if share else nice(low, high)

    def at(figure: float) -> float:
        return round(100 * min(1.0, max(0.0, (figure - low) / (high - low))), 2)

    drawn = tuple(
        Whisker(name, place == 0, at(s.value), at(s.low), at(s.high), figures.value(s), figures.span(s))
        for place, (name, s) in enumerate(scores)
    )
    return drawn, _ticks(ours[1].name, steps, at)


def _range(figures_seen: Sequence[float]) -> tuple[float, float]:
    """From 0, or from the lowest below it, to the highest."""
    low, high = min(0.0, *figures_seen), max(0.0, *figures_seen)
    return (low, high + 0.04 * (high - low)) if high > low else (low, low + 1.0)


def _ticks(name: str, steps: Sequence[float], at: Callable[[float], float]) -> tuple[Tick, ...]:
    """Shares in percent, with as many decimals as tell one tick from the next."""
    if not figures.is_share(name):
        return tuple(Tick(at(step), short(step)) for step in steps)
    words: list[str] = []
    for decimals in range(4):
        words = [f"{100 * step:.{decimals}f} %" for step in steps]
        if len(set(words)) == len(words):
            break
    return tuple(Tick(at(step), word) for step, word in zip(steps, words))


def short(figure: float) -> str:
    """A tick: 0.05, 250, 1.2e9."""
    if figure and not 1e-3 <= abs(figure) < 1e6:
        mantissa, power = f"{figure:.1e}".split("e")
        return f"{mantissa.removesuffix('.0')}e{int(power)}"
    return f"{figure:,.10f}".rstrip("0").rstrip(".") if abs(figure) < 1e3 else f"{figure:,.0f}"


def nice(low: float, high: float, most: int = 5) -> list[float]:
    """Round numbers from low to high, 3 to about `most` of them."""
    rough = (high - low) / most
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= rough)
    first = math.ceil(low / step - 1e-9)
    return [round(place * step, 12) for place in range(first, math.floor(high / step + 1e-9) + 1)]


# --- curves -------------------------------------------------------------------------------------------------------------


def curves(history: Sequence[Mapping[str, float]], metric: str, best: int) -> tuple[Curve, ...]:
    """Loss (in training and on validation rows), the validation score and the gradient's noise scale, by epoch. None of
    figures that are not finite."""
    loss = {say("training"): _series(history, "loss"), say("validation"): _series(history, "validation")}
    drawn = [_curve(say("Loss"), loss, len(history), best, "")]
    drawn.append(_curve(figures.score_name(metric), {say("validation"): _series(history, "score")}, len(history), best, metric))
    noise = {say("rows"): _series(history, "noise")}
    drawn.append(_curve(say("Rows that an update can use"), noise, len(history), best, ""))
    return tuple(curve for curve in drawn if curve is not None)


def _series(history: Sequence[Mapping[str, float]], key: str) -> list[tuple[int, float]]:
    found = [(place, entry[key]) for place, entry in enumerate(history) if key in entry and math.isfinite(entry[key])]
    step = max(1, math.ceil(len(found) / POINTS))
    return found[::-1][::step][::-1]


def _curve(title: str, series: Mapping[str, list[tuple[int, float]]], epochs: int, best: int, metric: str) -> Curve | None:
    values = [value for points in series.values() for _, value in points]
    if not values:
        return None
    logarithmic = min(values) > 0 and max(values) > WIDE * min(values) and not figures.is_share(metric)
    low, high = _span(values, logarithmic)
    high = min(high, 1.0) if figures.is_share(metric) else high
    wide = max(1, epochs - 1)

    def height(value: float) -> float:
        value = math.log10(value) if logarithmic else value
        return round(100 * (high - value) / (high - low), 2)

    seen = {name: points for name, points in series.items() if points}
    placed = {name: [(100 * place / wide, height(value)) for place, value in points] for name, points in seen.items()}
    lines = tuple(Line(name, _path(points), points[-1]) for name, points in placed.items())
    ticks = [10.0**power for power in range(math.ceil(low), math.floor(high) + 1)] if logarithmic else nice(low, high, 4)
    return Curve(
        title,
        _about(title, series, metric),
        lines,
        tuple(Tick(100 * (place - 1) / wide, f"{place:,}") for place in _epochs(epochs)),
        _ticks(metric, ticks, height),
        100 * best / wide if 0 <= best < epochs and epochs > 1 else None,
        logarithmic,
    )


def _span(values: list[float], logarithmic: bool) -> tuple[float, float]:
    low, high = min(values), max(values)
    if logarithmic:
        return math.log10(low) - 0.1, math.log10(high) + 0.1
    room = 0.08 * (high - low) or 0.1 * abs(high) or 1.0
    return (0.0 if 0 <= low < 0.4 * high else low - room), high + room


def _epochs(epochs: int) -> list[int]:
    """Epochs to name under the curve, counted from 1."""
    if epochs <= 6:
        return list(range(1, epochs + 1))
    between = [round(tick) for tick in nice(1, epochs, 4) if 0.1 * epochs < tick < 0.92 * epochs]  # not too near the ends
    return sorted({1, *between, epochs})


def _path(points: Sequence[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{x:.2f} {y:.2f}" for x, y in points) + ("h0" if len(points) == 1 else "")


def _about(title: str, series: Mapping[str, list[tuple[int, float]]], metric: str) -> str:
    ends = [
        say("{name} from {first} to {last}", name=name, first=_plain(metric, points[0][1]), last=_plain(metric, points[-1][1]))
        for name, points in series.items()
        if points
    ]
    return f"{title}: {', '.join(ends)}"


def _plain(metric: str, value: float) -> str:
    return f"{100 * value:.1f} %" if figures.is_share(metric) else figures.amount(value)


# --- confusion ----------------------------------------------------------------------------------------------------------


def matrix(counts: Sequence[Sequence[int]]) -> tuple[tuple[Cell, ...], ...]:
    """Each cell with its share of the row."""
    rows = [[int(count) for count in row] for row in counts]
    sums = [max(1, sum(row)) for row in rows]
    return tuple(tuple(Cell(count, count / sums[y], x == y) for x, count in enumerate(row)) for y, row in enumerate(rows))


def pairs(names: Sequence[str], counts: Sequence[Sequence[int]], most: int = 20) -> tuple[tuple[str, str, int, float], ...]:
    """label, answer, rows and their share of the label's: the most frequent confusions first."""
    wrong = [
        (names[y], names[x], cell.count, cell.share)
        for y, row in enumerate(matrix(counts))
        for x, cell in enumerate(row)
        if cell.count and not cell.right
    ]
    return tuple(sorted(wrong, key=lambda pair: -pair[2])[:most])
