"""Several trainings of each method on the same test examples: another training and other test examples would both change the figures.

The figures are crossed, seeds by examples. Their variance has three parts (seeds, examples, both together), estimated by the mean
squares of a two-way layout with random effects (Searle, Casella and McCulloch 1992, section 4.3), with Satterthwaite's degrees of
freedom (1946). A test over seeds alone takes the test set for the population; one over examples alone takes the training for the method.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from seatrial.evaluation.comparison.compared import LEVEL, Compared
from seatrial.evaluation.comparison.values import Values, finite, refused

_ASSUMES = (
    "Seeds and test examples (or groups) are independent draws; effects of seeds are normal. It is about the methods, on data as "
    "the test data are; the training data are taken as given."
)
_SOURCE = "Satterthwaite 1946; both sources of noise as in Bouthillier et al. 2021 (MLSys)"


@dataclass(frozen=True, slots=True)
class Spread:
    """Where the noise of a difference comes from: variances.

    seeds      of the figure of one training of each method, on these examples, as seeds make it.
    examples   of the mean over all seeds there can be, as the draw of the test examples makes it.
    mean       of the mean difference, with its `freedom`.
    """

    seeds: float
    examples: float
    mean: float
    freedom: float

    @property
    def one(self) -> float:
        """Of the difference of one new training of each, on new test data of this size."""
        return self.seeds + self.examples


def crossed(first: Values, second: Values, *, paired: bool) -> tuple[Compared, Spread]:
    """Compare two methods over seeds and examples.

    Args:
        first, second: (seeds, n) contributions of examples or groups to the figure of each training (see `contributions`).
        paired: the seeds of both are the same, in the same order: what a seed has of its own for both goes out.

    Raises:
        UsageProblem: fewer than two seeds of one of them, or arrays that do not fit.
    """
    one, other = finite(first, (None, None), "figures"), finite(second, (None, one_length(first)), "figures")
    if min(len(one), len(other)) < 2:
        raise refused("at least two seeds of each method", f"{len(one)} and {len(other)}", "comparison-few-seeds")
    if paired and one.shape != other.shape:
        raise refused("the same seeds of both methods", f"{len(one)} and {len(other)}", "comparison-shapes")
    spread = _spread([one - other]) if paired else _spread([one, other])
    return _compared(float(one.mean() - other.mean()), spread, len(one) + len(other)), spread


def one_length(values: Values) -> int:
    """Of the second axis."""
    return np.asarray(values).shape[-1]


# ---- inner steps -----------------------------------------------------------------------------------------------------


def _spread(tables: list[Values]) -> Spread:
    """Of one table of paired differences, or of two tables, the second of which is taken from the first."""
    examples = tables[0].shape[1]
    gaps = tables[0].mean(axis=0) - (tables[1].mean(axis=0) if len(tables) > 1 else 0)
    by_examples = float(gaps.var(ddof=1)) / examples  # holds the third part too, divided by the seeds
    seeds, single, seeds_mean, twice = 0.0, 0.0, 0.0, 0.0
    squares: list[tuple[float, float]] = []  # a part of the variance of the mean, and its degrees of freedom
    for table in tables:
        count = len(table)
        rows = float(table.mean(axis=1).var(ddof=1))  # of a seed's figure, as seen on these examples
        rest = table - table.mean(axis=1, keepdims=True) - table.mean(axis=0) + table.mean()
        together = float((rest**2).sum()) / ((count - 1) * (examples - 1)) / examples
        seeds += rows
        single += together
        seeds_mean += rows / count
        twice += together / count
        squares += [(rows / count, count - 1), (together / count, (count - 1) * (examples - 1))]
    squares.append((by_examples, examples - 1))
    # Both mean squares hold the third part: it is taken out once. Neither source alone can be larger than the whole.
    mean = max(seeds_mean + by_examples - twice, seeds_mean, by_examples)
    below = sum(part**2 / freedom for part, freedom in squares)
    freedom = mean**2 / below if below else 1.0
    return Spread(seeds, max(0.0, by_examples - twice), mean, freedom)


def _compared(effect: float, spread: Spread, trainings: int) -> Compared:
    from scipy.stats import t

    error = math.sqrt(spread.mean)
    statistic = effect / error if error else (math.copysign(math.inf, effect) if effect else 0.0)
    half = float(t.ppf(1 - LEVEL / 2, spread.freedom)) * error
    p = 2 * float(t.sf(abs(statistic), spread.freedom))
    low, high = effect - half, effect + half
    return Compared(
        "t over seeds and examples", statistic, p, effect, low, high, trainings, "trainings", _ASSUMES, _SOURCE
    )
