"""Two methods trained anew on parts of the same data: the 5x2cv tests, and the t test that knows that trainings share examples."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from seatrial.evaluation.comparison.compared import LEVEL, Compared
from seatrial.evaluation.comparison.values import finite, refused

_HALVES = (
    "Differences of the two halves are normal, of equal spread and independent, which learners that hang on single examples break; "
    "the methods are trained on half of the data."
)


def five_by_two_f(differences: ArrayLike) -> Compared:
    """The combined 5x2cv F test (Alpaydin 1999). More power than the t test, and it does not hang on which half came first.

    Args:
        differences: (5, 2) score of the first method minus that of the second, in five divisions of the data into halves: trained
            on one half and measured on the other, and the reverse.

    The interval is the inversion of the test: all effects that it does not reject. It is nan where it rejects them all, because
    divisions differ by more than the halves of each do.
    """
    from scipy.stats import f

    gaps, variances = _halves(differences)
    spread, mean = 2 * float(variances.sum()), float(gaps.mean())
    statistic = _ratio(float((gaps**2).sum()), spread)
    around = float(((gaps - mean) ** 2).sum())
    half = (float(f.ppf(1 - LEVEL, 10, 5)) * spread - around) / 10
    half = math.sqrt(half) if half >= 0 else math.nan
    p = float(f.sf(statistic, 10, 5))
    source = "Alpaydin 1999, Neural Computation 11, 1885-1892"
    return Compared(
        "5x2cv combined F", statistic, p, mean, mean - half, mean + half, 10, "trainings each", _HALVES, source
    )


def five_by_two_t(differences: ArrayLike) -> Compared:
    """The 5x2cv paired t test (Dietterich 1998). Its effect is the first difference, which alone its numerator looks at.

    Args:
        differences: as for `five_by_two_f`.
    """
    from scipy.stats import t

    gaps, variances = _halves(differences)
    error, first = math.sqrt(float(variances.mean())), float(gaps[0, 0])
    statistic = _ratio(first, error)
    half = float(t.ppf(1 - LEVEL / 2, 5)) * error
    source = "Dietterich 1998, Neural Computation 10, 1895-1923"
    p = 2 * float(t.sf(abs(statistic), 5))
    return Compared(
        "5x2cv paired t", statistic, p, first, first - half, first + half, 10, "trainings each", _HALVES, source
    )


def corrected_t(differences: ArrayLike, ratio: float) -> Compared:
    """The corrected resampled t test (Nadeau and Bengio 2003): for k-fold, repeated k-fold and random divisions. The uncorrected
    one takes trainings on nearly the same examples for independent, and finds differences where there are none.

    Args:
        differences: (n,) score of the first method minus that of the second, in each division.
        ratio: test examples over training examples: 1 / (k - 1) for k folds; 0 is the uncorrected test.

    Raises:
        UsageProblem: fewer than two differences.
    """
    from scipy.stats import t

    gaps = finite(differences, (None,), "differences")
    count = len(gaps)
    if count < 2:
        raise refused("at least two divisions", "1", "comparison-few", "One shows no spread: use folds.")
    mean = float(gaps.mean())
    error = math.sqrt((1 / count + ratio) * float(gaps.var(ddof=1)))
    statistic = _ratio(mean, error)
    half = float(t.ppf(1 - LEVEL / 2, count - 1)) * error
    p = 2 * float(t.sf(abs(statistic), count - 1))
    assumes = (
        "Differences are normal and correlated as their shared examples suggest (test over test and training examples): an "
        "approximation, for no unbiased estimate of the variance of k-fold cross-validation exists (Bengio and Grandvalet 2004)."
    )
    source = "Nadeau and Bengio 2003, Machine Learning 52, 239-281"
    return Compared(
        "corrected resampled t", statistic, p, mean, mean - half, mean + half, count, "divisions", assumes, source
    )


def _halves(differences: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """The differences and the variance of each pair."""
    gaps = finite(differences, (5, 2), "differences of 5 times 2 folds")
    return gaps, ((gaps - gaps.mean(axis=1, keepdims=True)) ** 2).sum(axis=1)


def _ratio(above: float, below: float) -> float:
    if below:
        return above / below
    return math.copysign(math.inf, above) if above else 0.0
