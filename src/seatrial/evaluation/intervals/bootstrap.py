"""Bootstrap intervals of metrics that are functions of sums over examples.

    BCa         bias-corrected and accelerated: B. Efron, Better bootstrap confidence intervals, JASA 82, 1987
    percentile  quantiles of the resamples as they are: B. Efron, Bootstrap methods, Annals of Statistics 7, 1979

Resamples scatter as a sample does around its own mean, too little by the root of (n - 1) / n, and with tails of a normal variable where
Student's are heavier: `expanded` quantiles make up for both (T. Hesterberg, The American Statistician 69, 2015, section 3.3). It
matters for few units only.

Exact: the draws (see `seatrial.evaluation.intervals.cells`), and the jackknife of the acceleration, made once for each kind of
example. Approximate: sums of more than 20,000 kinds are drawn as normal where their skewness is below 0.1 (see `draws`);
and beyond 5e7 numbers the jackknife leaves out a block at a time (B. Efron and B. Narasimhan, JCGS 29, 2020).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from seatrial.evaluation.intervals.cells import Cells
from seatrial.evaluation.intervals.draws import AT_ONCE, resampled_sums
from seatrial.evaluation.intervals.interval import Interval

RESAMPLES = 2_000
MOST_UNDEFINED = 0.05  # share of resamples in which a metric is not defined
MOST_JACKKNIFE = 50_000_000  # numbers
BLOCKS = 500
Function: TypeAlias = Callable[[NDArray[np.float64]], NDArray[np.float64]]
Method: TypeAlias = Literal["bca", "percentile"]


def bootstrap(
    function: Function,
    cells: Cells,
    *,
    level: float = 0.95,
    resamples: int = RESAMPLES,
    method: Method = "bca",
    expanded: bool = True,
    seed: int = 0,
) -> tuple[Interval | None, ...]:
    """Intervals of m metrics of the same sums, from the same resamples.

    Args:
        function: of sums (r, s) the metrics (r, m), or (r,) where it is one; nan where undefined.
        cells: what is resampled.
        expanded: whether to read the ends at a level that is a little higher, see the top of this page.

    Returns:
        m intervals; None where the resamples do not differ or too many are undefined: then nothing tells how far it scatters.
    """
    value = _columns(function(cells.totals[None]))[0]
    generator = np.random.default_rng(seed)
    drawn = np.concatenate(
        [_columns(function(sums)) for sums in resampled_sums(cells, resamples, generator)], dtype=np.float64
    )
    acceleration = accelerations(function, cells) if method == "bca" else np.zeros(len(value))
    unit = f" of {cells.units:,} groups" if cells.grouped else ""
    name = f"{'BCa' if method == 'bca' else 'percentile'} bootstrap{unit}, {resamples:,} resamples"
    read = _expanded(level, cells.units) if expanded else level
    found: list[Interval | None] = []
    for at, point in enumerate(value):
        ends = _ends(drawn[:, at], point, acceleration[at], read, method)
        found.append(None if ends is None else Interval(*ends, level, name))
    return tuple(found)


def bca_ends(drawn: NDArray[np.float64], value: float, acceleration: float, level: float) -> tuple[float, float]:
    """The ends of the BCa interval from values of resamples (r,)."""
    from scipy.special import ndtr, ndtri

    below = float(np.mean(drawn < value) + np.mean(drawn == value) / 2)
    edge = 0.5 / len(drawn)
    bias = float(ndtri(min(max(below, edge), 1 - edge)))
    shares: list[float] = []
    for end in ((1 - level) / 2, (1 + level) / 2):
        moved = bias + float(ndtri(end))
        left = 1 - acceleration * moved
        shares.append(
            float(ndtr(bias + moved / left)) if left > 0 else float(moved > 0)
        )  # beyond its pole: the limit there
    low, high = np.quantile(drawn, shares)
    return float(low), float(high)


def accelerations(function: Function, cells: Cells) -> NDArray[np.float64]:
    """(m,) the acceleration of each metric: a sixth of the skewness of its jackknife influences."""
    kinds, sums = cells.rows.shape
    if kinds * sums > MOST_JACKKNIFE:
        cells = _in_blocks(cells)
    totals, counts = cells.totals, cells.counts
    step = max(1, AT_ONCE // sums)
    parts = [slice(at, at + step) for at in range(0, len(counts), step)]
    without = np.concatenate([_columns(function(totals - cells.dense(part))) for part in parts])
    weights = np.where(np.isfinite(without), counts[:, None], 0)
    without = np.where(weights > 0, without, 0)
    influence = ((weights * without).sum(0) / weights.sum(0).clip(1) - without) * (weights > 0)
    square, cube = (weights * influence**2).sum(0), (weights * influence**3).sum(0)
    return np.divide(cube, 6 * square**1.5, out=np.zeros(len(cube)), where=square > 1e-300)


# ---- inner steps -------------------------------------------------------------------------------------------------


def _expanded(level: float, units: int) -> float:
    """The level at which quantiles of n units' resamples are read: where normal quantiles are what Student's are at `level`."""
    from scipy.special import ndtr, stdtrit

    reach = float(stdtrit(max(1, units - 1), (1 + level) / 2)) * (units / max(1, units - 1)) ** 0.5
    return min(2 * float(ndtr(reach)) - 1, 1 - 1e-12)  # of two units all resamples


def _columns(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return values.reshape(len(values), -1)


def _ends(
    drawn: NDArray[np.float64], value: float, acceleration: float, level: float, method: Method
) -> tuple[float, float] | None:
    defined = drawn[np.isfinite(drawn)]
    if not np.isfinite(value) or len(defined) < (1 - MOST_UNDEFINED) * len(drawn) or np.ptp(defined) == 0:
        return None
    if method == "bca":
        return bca_ends(defined, value, acceleration, level)
    low, high = np.quantile(defined, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def _in_blocks(cells: Cells) -> Cells:
    """Units thrown together at random, to be left out together."""
    from scipy import sparse

    block = np.random.default_rng(0).integers(0, BLOCKS, len(cells.counts))
    shape = (BLOCKS, len(cells.counts))
    members = sparse.csr_array((cells.counts.astype(float), (block, np.arange(len(block)))), shape=shape)
    return Cells(members @ cells.rows, np.ones(BLOCKS, dtype=np.int64))
