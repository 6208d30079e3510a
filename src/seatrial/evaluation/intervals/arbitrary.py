"""The bootstrap of a function of which nothing is known, by scipy: it is called for each resample and for each example.

For metrics that are functions of sums over examples `seatrial.evaluation.intervals.bootstrap` does the same, much faster.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Sequence

import numpy as np

from seatrial.evaluation.intervals.interval import Interval

TAIL = 20  # resamples beyond each end of an interval, so that its ends do not hang on single ones
FEWEST, MOST = 2_000, 100_000  # resamples


def resampled(
    statistic: Callable[..., object], data: Sequence[np.ndarray], level: float, seed: int, vectorized: bool
) -> Interval | None:
    """Bias-corrected and accelerated (B. Efron, Better bootstrap confidence intervals, JASA 82, 1987).

    Args:
        statistic: of arrays such as `data`; `vectorized`: along an axis.
        data: one array, or several of independent samples.

    Returns:
        None where nothing tells how far the statistic scatters.
    """
    from scipy.stats import bootstrap

    resamples = min(MOST, max(FEWEST, round(2 * TAIL / (1 - level))))
    batch = max(1, 2_000_000 // max(1, len(data[0])))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that it is degenerate shows in the result
        found = bootstrap(
            data, statistic, n_resamples=resamples, confidence_level=level, method="BCa", batch=batch, vectorized=vectorized,
            rng=np.random.default_rng(seed),
        ).confidence_interval  # fmt: skip
    low, high = float(found.low), float(found.high)
    if not (math.isfinite(low) and math.isfinite(high)):
        return None
    return Interval(low, high, level, f"bootstrap (BCa, {resamples:,} resamples)")
