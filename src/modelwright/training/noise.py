"""The simple noise scale of the gradient: rows behind an update beyond which more of them gain little.

With per-row gradients of mean G and covariance C it is tr C / |G|^2 (https://arxiv.org/abs/1812.06162). Both are told without
a pass of their own by how far the gradients of an update's micro-batches lie apart. Micro-batch i has b_i rows and, as the
objective divides, the share w_i of the update: its slopes are w_i g_i, and E |g_i|^2 = |G|^2 + tr C / b_i. So, with g the sum
of all slopes, on average (for equal parts this is the paper's appendix A.1)
    tr C = (sum |w_i g_i|^2 / w_i - |g|^2) / (sum w_i / b_i - sum w_i^2 / b_i)    and    |G|^2 = |g|^2 - tr C sum w_i^2 / b_i
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from modelwright.nouns import Run

RAREST = 64
"""At least one of so many updates is looked at."""
LONG = 2e9
"""Operations of an update of which a look's own kernels, a tenth of a millisecond, are under 1 %."""
WIDE = 700.0
"""Cells of a micro-batch with which reading all slopes once more is 1 % of forming them."""
FEWEST = 8
"""Updates that a figure rests on, at least; until then it waits for the next epoch."""
Z = 1.959964
"""Of a normal distribution, 95 % lie between - and + so many standard deviations."""
TALLIES = "gradients_apart"
"""Under this name the state holds (6,): updates looked at, the sums of both figures, of their squares and their product."""


def every(weights: int, cells: float, micros: int) -> int:
    """One of how many updates is looked at, for about 1 % of what they all cost. cells: rows of an update, of texts tokens."""
    return round(min(RAREST, max(1.0, LONG / (6 * weights * cells), WIDE * micros / cells)))


@dataclass(frozen=True)
class Noise:
    """The noise scale in rows, with its 95 % interval."""

    value: float | None
    """None: the gradient itself is not told from nothing, so that only `low` is known."""
    low: float
    high: float | None
    n: int = field(compare=False)
    """Updates that were looked at."""


def ratio(updates: float, noise: float, signal: float, noise_noise: float, signal_signal: float, both: float) -> Noise | None:
    """The ratio of two means with Fieller's interval (JRSS B 16, 1954), from their sums; None: nothing can be said."""
    n = round(updates)
    if n < 2:
        return None
    above, below, student = noise / n, signal / n, quantile(n - 1)
    spread = [(square - one * other / n) / (n - 1) / n * student**2 for square, one, other in
              ((noise_noise, noise, noise), (signal_signal, signal, signal), (both, noise, signal))]  # fmt: skip
    # r with (above - r below)^2 <= spread of above - r below
    a, b, c = below**2 - spread[1], above * below - spread[2], above**2 - spread[0]
    root = b * b - a * c
    if root < 0 or not math.isfinite(root):
        return None
    if a <= 0 or below <= 0:
        least = max((b - math.sqrt(root)) / a, (b + math.sqrt(root)) / a) if a else 0.0
        return Noise(None, least, None, n) if least > 0 else None
    return Noise(max(0.0, above / below), max(0.0, (b - math.sqrt(root)) / a), max(0.0, (b + math.sqrt(root)) / a), n)


def quantile(freedom: int) -> float:
    """Student's, of 97.5 %, by Cornish and Fisher: within 0.5 % from 7 degrees of freedom on."""
    first, second = (Z**3 + Z) / 4, (5 * Z**5 + 16 * Z**3 + 3 * Z) / 96
    return Z + first / freedom + second / freedom**2


def noise_scale(run: Run) -> dict[str, float]:
    """For the history: noise, noise_low and noise_high since this last said something; what is not known is left out."""
    tallies = run.state.get(TALLIES)
    if tallies is None or (numbers := tallies.tolist())[0] < FEWEST:
        return {}
    tallies.zero_()
    found = ratio(*numbers)
    if found is None:
        return {}
    figures = {"noise": found.value, "noise_low": found.low, "noise_high": found.high}
    return {name: figure for name, figure in figures.items() if figure is not None}
