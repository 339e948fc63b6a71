"""95 % intervals, none of them of zero width. R resamples, n rows, S sums, K classes.

Shares of right answers: C. Clopper and E. Pearson, Biometrika 26 (1934), exact.
Means and what is made of means: the bootstrap, bias-corrected and accelerated (B. Efron, JASA 82 (1987)).
F1 and its kin: Dirichlet draws over the cells of the confusion matrix (O. Caelen, Annals of Mathematics and Artificial
Intelligence 81 (2017)), with Clopper and Pearson's own correction: their lower end is the quantile of Beta(x, n - x + 1), as
if one more row had gone wrong, their upper end that of Beta(x + 1, n - x), as if one more had gone right.
Nothing varied at all: J. Hanley and A. Lippman-Hand, JAMA 249 (1983), "If nothing goes wrong, is everything all right?"
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    import numpy as np

Figure: TypeAlias = "Callable[[np.ndarray], np.ndarray]"
"""(..., S) -> (...)"""
MISS = 0.05
"""Of all intervals, the share that may miss the truth."""
RESAMPLES = 1000
BLOCKS = 4096
"""More rows than this are put together at random into so many blocks, and blocks are drawn: the same spread, sooner."""
CELLS_AT_ONCE = 2_000_000


def at_least(x: int, n: int, miss: float = MISS / 2) -> float:
    """The share that x of n proves, but for a chance of `miss`."""
    from scipy.special import betaincinv

    return 0.0 if x == 0 else float(betaincinv(x, n - x + 1, miss))


def at_most(x: int, n: int, miss: float = MISS / 2) -> float:
    """The share that x of n leaves open, but for a chance of `miss`. 0 of n: about 3 / n where miss is 0.05."""
    from scipy.special import betaincinv

    return 1.0 if x == n else float(betaincinv(x + 1, n - x, 1 - miss))


def exact(x: int, n: int) -> tuple[float, float]:
    """Clopper and Pearson's interval of the share behind x of n."""
    return at_least(x, n), at_most(x, n)


def of_means(rows: np.ndarray, figure: Figure) -> tuple[float, float]:
    """The interval of figure(means): rows (n, S) float64, figure (..., S) -> (...). Zero width where nothing varies."""
    import numpy as np

    rows, sizes = _blocks(rows)
    value = float(figure(rows.sum(0) / sizes.sum()))
    drawn = np.sort(_drawn(rows, sizes, figure))
    without = figure((rows.sum(0) - rows) / (sizes.sum() - sizes)[:, None]) if len(rows) > 1 else np.array([value])
    if drawn[0] == drawn[-1]:
        return value, value
    low, high = np.quantile(drawn, _accelerated(drawn, value, without))
    return min(float(low), value), max(float(high), value)


def _blocks(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sums (blocks, S) and sizes (blocks,) of rows put together at random."""
    import numpy as np

    if len(rows) <= BLOCKS:
        return rows, np.ones(len(rows))
    order = np.random.default_rng(0).permutation(len(rows))
    starts = np.linspace(0, len(rows), BLOCKS, endpoint=False).astype(np.int64)
    return np.add.reduceat(rows[order], starts, axis=0), np.diff(starts, append=len(rows)).astype(np.float64)


def _drawn(rows: np.ndarray, sizes: np.ndarray, figure: Figure) -> np.ndarray:
    """(R,) the figure of each resample."""
    import numpy as np

    chance, n = np.random.default_rng(1), len(rows)
    at_once = max(1, CELLS_AT_ONCE // (n * rows.shape[1]))
    figures: list[np.ndarray] = []
    for start in range(0, RESAMPLES, at_once):
        picked = chance.integers(n, size=(min(at_once, RESAMPLES - start), n), dtype=np.int32)
        figures.append(figure(rows[picked].sum(1) / sizes[picked].sum(1, keepdims=True)))
    return np.concatenate(figures)


def _accelerated(drawn: np.ndarray, value: float, without: np.ndarray) -> np.ndarray:
    """(2,) the quantiles of the draws to take, by Efron's correction; without (n,) is the jackknife's figures."""
    import numpy as np
    from scipy.special import ndtr, ndtri

    below = ((drawn < value).sum() + (drawn == value).sum() / 2) / len(drawn)
    bias = ndtri(np.clip(below, 1 / len(drawn), 1 - 1 / len(drawn)))
    apart = without.mean() - without
    spread = (apart**2).sum() ** 1.5
    pull = (apart**3).sum() / (6 * spread) if spread > 0 else 0.0
    ends = bias + ndtri(np.array([MISS / 2, 1 - MISS / 2]))
    return np.clip(ndtr(bias + ends / np.maximum(1 - pull * ends, 0.1)), 0.0, 1.0)


def of_cells(truth: np.ndarray, guess: np.ndarray, counts: np.ndarray, figure: Figure) -> tuple[float, float]:
    """The interval of figure over the cells of a confusion matrix; figure takes their weights (..., cells).

    Every class has right and wrong cells here, empty ones too: there the one row more may fall, the sooner the more rows
    have that label or that answer."""
    import numpy as np

    right = truth == guess
    wide = 1 + max(truth.max(), guess.max())
    labels = np.bincount(truth, counts, wide)[truth]
    share = labels + np.bincount(guess, counts, wide)[guess]
    ends = (
        np.quantile(_dirichlet(counts + where * share / (where * share)[labels > 0].sum(), figure), at)
        for where, at in ((~right, MISS / 2), (right, 1 - MISS / 2))
    )
    low, high = (float(end) for end in ends)
    return low, high


def of_pairs(cells: np.ndarray, counts: np.ndarray, figure: Figure) -> tuple[float, float]:
    """The interval of figure over cells (3, cells), a label and two models' answers to it: the lower end as if one more row
    were answered rightly by the first and wrongly by the second, the upper end the other way round. Every label has such
    cells here, empty ones too."""
    import numpy as np

    label, was, now = cells
    rows = np.bincount(label, counts)[label]
    lost, gained = (was == label) & (now != label), (was != label) & (now == label)
    low, high = (
        float(np.quantile(_dirichlet(counts + where * rows / (where * rows).sum(), figure), at))
        for where, at in ((lost, MISS / 2), (gained, 1 - MISS / 2))
    )
    return low, high


def _dirichlet(mass: np.ndarray, figure: Figure) -> np.ndarray:
    """(R,) the figure at draws of cell weights, Dirichlet(mass); the scale is left out, figures are ratios."""
    import numpy as np

    chance = np.random.default_rng(2)
    at_once = max(1, CELLS_AT_ONCE // len(mass))
    return np.concatenate(
        [
            figure(chance.standard_gamma(mass, size=(min(at_once, RESAMPLES - start), len(mass))))
            for start in range(0, RESAMPLES, at_once)
        ]
    )


def unvaried(n: int, ignorance: float) -> float:
    """How much worse the mean of n equal rows may yet be: as many rows as n leaves open, each as bad as an answer that knows
    nothing (`ignorance` above what was seen)."""
    return at_most(0, n) * ignorance
