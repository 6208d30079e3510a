"""The reliability curve, and the calibration error without the part that chance adds to it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seatrial.evaluation.predictions import Predictions

BINS = 15  # of equally many examples each (M. P. Naeini et al., AAAI 2015, had bins of equal width)
FEWEST = 10  # examples in a bin
SIMULATIONS = 1_000
MOST_DRAWS = 20_000_000


@dataclass(frozen=True, slots=True)
class Bin:
    """Examples of nearly the same confidence: how sure the model was on average, and how often it was right.

    low, high   between which a calibrated model's share of right ones lies in 95 % of draws (J. Broecker and L. A. Smith,
                Weather and Forecasting 22, 2007)
    """

    examples: int
    confidence: float
    right: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Reliability:
    """How confidence and being right agree.

    error        expected calibration error: the mean over examples of |confidence - share of right ones| of their bin
    debiased     the same less what chance adds, estimated as A. Kumar, P. Liang and T. Ma do (Verified Uncertainty Calibration, NeurIPS
                 2019, and its authors' library: labels drawn anew around each bin's share; here by the folded normal's mean, no simulation)
    root         root of their debiased squared calibration error (J. Broecker, Climate Dynamics 39, 2012, has the same correction); 0 where chance alone would give more
    chance       the share of draws in which a calibrated model would show an error as large: a p-value
    confidence   the mean confidence, and `right` the share of right ones: higher confidence is overconfidence
    """

    bins: tuple[Bin, ...]
    error: float
    debiased: float
    root: float
    chance: float
    confidence: float
    right: float


def reliability(confidence: NDArray[np.float64], right: NDArray[Any], bins: int = BINS, seed: int = 0) -> Reliability:
    """Of confidences (n,) and whether the answer was right (n,).

    Equal confidences stay in one bin. p-value and bands are by simulation with a fixed seed.
    """
    right = np.asarray(right, dtype=np.float64)
    codes = _binned(confidence, max(1, min(bins, len(confidence) // FEWEST)))
    sizes = np.bincount(codes)
    said, was = np.bincount(codes, confidence) / sizes, np.bincount(codes, right) / sizes
    share, gap = sizes / len(right), said - was
    error = float(share @ np.abs(gap))
    simulated = _calibrated(confidence, codes, sizes, seed)
    low, high = np.quantile(simulated, [0.025, 0.975], axis=0)
    errors = np.abs(simulated - said) @ share
    chance = (1 + int((errors >= error - 1e-12).sum())) / (1 + len(errors))
    table = tuple(Bin(int(n), *map(float, row)) for n, *row in zip(sizes, said, was, low, high, strict=True))
    return Reliability(
        table, error, _debiased(share, gap, was, sizes), _root(share, gap, was, sizes), chance,
        float(confidence.mean()), float(right.mean()),
    )  # fmt: skip


def confidences(of: Predictions) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """What is held against what: of several classes the likeliest one's probability and whether it was right; of two, and of labels, the
    probability of the positive one and whether it was true."""
    if of.kind == "multiclass":
        return of.scores.max(axis=1).astype(np.float64), of.right
    return of.scores.ravel().astype(np.float64), of.targets.ravel() == 1


# ---- inner steps -------------------------------------------------------------------------------------------------


def _binned(confidence: NDArray[np.float64], bins: int) -> NDArray[np.int64]:
    values, codes, counts = np.unique(confidence, return_inverse=True, return_counts=True)
    place = ((counts.cumsum() - counts / 2) / len(confidence) * bins).astype(np.int64)
    return np.unique(place, return_inverse=True)[1][codes] if len(values) > 1 else np.zeros(len(confidence), np.int64)


def _calibrated(
    confidence: NDArray[np.float64], codes: NDArray[np.int64], sizes: NDArray[np.int64], seed: int
) -> NDArray[np.float64]:
    """(simulations, bins) shares of right ones where each example is right with its confidence; of many examples a bin's is drawn as
    normal, with the variance that it has."""
    generator = np.random.default_rng(seed)
    if len(confidence) * SIMULATIONS <= MOST_DRAWS:
        drawn = (generator.random(len(confidence)) < confidence for _ in range(SIMULATIONS))
        return np.stack([np.bincount(codes, each) / sizes for each in drawn])
    mean = np.bincount(codes, confidence) / sizes
    spread = np.sqrt(np.bincount(codes, confidence * (1 - confidence)).clip(0)) / sizes
    return (mean + spread * generator.standard_normal((SIMULATIONS, len(sizes)))).clip(0, 1)


def _debiased(share: Any, gap: Any, was: Any, sizes: Any) -> float:
    """Twice the error less its mean where each bin's share scatters around the one seen, as a normal variable does."""
    from scipy.special import ndtr

    scatter = np.sqrt(was * (1 - was) / sizes)
    safe = np.where(scatter > 0, scatter, 1)
    folded = scatter * math.sqrt(2 / math.pi) * np.exp(-((gap / safe) ** 2) / 2) + gap * (1 - 2 * ndtr(-gap / safe))
    expected = np.where(scatter > 0, folded, np.abs(gap))
    return max(0.0, float(share @ (2 * np.abs(gap) - expected)))


def _root(share: Any, gap: Any, was: Any, sizes: Any) -> float:
    chance = np.divide(was * (1 - was), sizes - 1, out=np.zeros(len(was)), where=sizes > 1)
    return math.sqrt(max(0.0, float(share @ (gap**2 - chance))))
