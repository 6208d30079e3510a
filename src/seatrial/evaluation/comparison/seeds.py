"""What a few paired figures support: differences over seeds, their interval, and how many seeds would show one.

Each seed is a block: all candidates begin with the same weights and see the same batches, so their figures are compared seed by
seed. The interval is Student's for the mean of the differences. With several pairs it is widened (Bonferroni), so that where
nothing differs, some difference is shown in at most 5 % of comparisons.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from seatrial.evaluation.comparison.compared import LEVEL, Compared
from seatrial.evaluation.comparison.values import finite, refused

POWER = 0.8
MOST_SEEDS = 1000
SPREAD = 0.8  # share of an upper bound on the spread, for the pessimistic number of seeds


@dataclass(frozen=True, slots=True)
class Difference:
    """The figure of one candidate minus that of another, over seeds.

    mean, low, high   with its interval (nan where fewer than two seeds have both)
    spread            standard deviation over seeds
    seeds             that have both figures
    level             of the interval: 1 minus its probability
    """

    mean: float
    low: float
    high: float
    spread: float
    seeds: int
    level: float

    @property
    def shown(self) -> bool:
        """Whether the interval lies on one side of zero."""
        return self.low > 0 or self.high < 0

    @property
    def needed(self) -> float:
        """Seeds that would show a difference as large as the mean with probability POWER, were it real; inf: more than
        MOST_SEEDS."""
        return seeds_needed(self.mean, self.spread, self.level)

    @property
    def needed_high(self) -> float:
        """The same, if the spread is as large as these few seeds leave possible (upper bound at SPREAD)."""
        from scipy.stats import chi2

        freedom = self.seeds - 1
        return seeds_needed(
            self.mean, self.spread * math.sqrt(freedom / float(chi2.ppf(1 - SPREAD, freedom))), self.level
        )

    @property
    def detectable(self) -> float:
        """The smallest real difference that so many seeds would show with probability POWER."""
        return smallest_shown(self.spread, self.seeds, self.level)


def difference(first: Sequence[float], second: Sequence[float], pairs: int = 1) -> Difference:
    """The paired difference of two candidates' figures, one a seed in the same order; not finite ones are left out.

    Args:
        first, second: the figures.
        pairs: how many pairs are compared in all.
    """
    gaps = np.asarray(first, dtype=float) - np.asarray(second, dtype=float)
    gaps = gaps[np.isfinite(gaps)]
    count = len(gaps)
    level = LEVEL / pairs
    if count < 2:
        nothing = math.nan
        return Difference(float(gaps.mean()) if count else nothing, nothing, nothing, nothing, count, level)
    from scipy.stats import t

    mean = float(gaps.mean())
    # Figures that are counted (an accuracy) come in grains: a spread below a grain's own is not believed.
    spread = max(float(gaps.std(ddof=1)), _grain(first, second) / math.sqrt(12))
    half = float(t.ppf(1 - level / 2, count - 1)) * spread / math.sqrt(count)
    return Difference(mean, mean - half, mean + half, spread, count, level)


def paired_t(first: ArrayLike, second: ArrayLike) -> Compared:
    """The same as a test of one pair: Student's, on the differences seed by seed.

    Not a rank test: of three seeds each Mann and Whitney's smallest p is 0.1, of five paired seeds Wilcoxon's is 0.06, so that few
    seeds could never show anything; and a permutation of so few has the same grain.

    Args:
        first, second: (seeds,) scores in the order of the same seeds.

    Raises:
        UsageProblem: fewer than two seeds, or a score that is not finite.
    """
    from scipy.stats import t

    one, other = finite(first, (None,), "scores"), finite(second, (None,), "scores")
    if one.shape != other.shape or len(one) < 2:
        found = f"{len(one)} and {len(other)}"
        raise refused("the same seeds of both methods, at least two", found, "comparison-few-seeds")
    found = difference(one.tolist(), other.tolist())
    error = found.spread / math.sqrt(found.seeds)
    statistic = found.mean / error if error else (math.copysign(math.inf, found.mean) if found.mean else 0.0)
    p = 2 * float(t.sf(abs(statistic), found.seeds - 1))
    assumes = "Differences over seeds are normal. It is about the methods on this very test set: other examples are not in it."
    source = "Student 1908; a spread below the grain of counted scores is not believed"
    return Compared(
        "paired t over seeds", statistic, p, found.mean, found.low, found.high, found.seeds, "seeds", assumes, source
    )


def seeds_needed(real: float, spread: float, level: float) -> float:
    """Seeds with which a paired t test shows a real difference with probability POWER; inf if it is more than MOST_SEEDS."""
    if spread == 0:
        return 2.0 if real else math.inf
    effect = abs(real) / spread
    if _power(effect, MOST_SEEDS, level) < POWER:
        return math.inf
    low, high = 1, MOST_SEEDS
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if _power(effect, middle, level) >= POWER else (middle, high)
    return float(high)


def smallest_shown(spread: float, seeds: int, level: float) -> float:
    """The smallest real difference that so many seeds show with probability POWER."""
    if spread == 0:
        return 0.0
    low, high = 0.0, 1.0
    while _power(high, seeds, level) < POWER:
        high *= 2
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (low, middle) if _power(middle, seeds, level) >= POWER else (middle, high)
    return high * spread


def _power(effect: float, seeds: int, level: float) -> float:
    """Of a two-sided paired t test (Cohen 1988, section 2.5); what the other side adds is left out."""
    from scipy.stats import nct, t

    if seeds < 2:
        return 0.0
    bound = float(t.ppf(1 - level / 2, seeds - 1))
    found = float(nct.sf(bound, seeds - 1, effect * math.sqrt(seeds)))
    return found if math.isfinite(found) else float(effect * math.sqrt(seeds) > bound)


def _grain(first: Sequence[float], second: Sequence[float]) -> float:
    """The unit in which figures are counted, as accuracies are; 0 where they are not, or where both are the same throughout."""
    if list(first) == list(second):
        return 0.0
    values = np.unique(np.asarray([*first, *second], dtype=float))
    values = values[np.isfinite(values)]
    if len(values) < 2:
        return 0.0
    unit = float(np.diff(values).min())
    counts = (values - values[0]) / unit
    return unit if bool(np.all(np.abs(counts - np.round(counts)) < 1e-6 * np.maximum(counts, 1))) else 0.0
