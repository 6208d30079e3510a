"""Which of many nearest neighbours are nearer than chance makes them: the null that near duplicates are judged by.

Where examples lie evenly, the volumes of the balls that reach to the first, second, ... neighbour are the arrivals of a Poisson
process: with d the local dimension and r(j) the distances, j * log(r(j+1) / r(j)) are independent and exponential with mean 1/d
(Facco et al., Scientific Reports 7, 12140, 2017, equation 3, for j = 1; Levina & Bickel, NeurIPS 2004, for more). So nothing has to be known
of the scale of the data or of its dimension: both are read from its farther neighbours, and the first is judged by them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Reals = NDArray[np.floating[Any]]
NEIGHBOURS = 20
"""So many are enough for a dimension that errs by a quarter, and few enough for a neighbourhood to be even."""
FEWEST_TRAINING = 32
FALSE_SHARE = 0.003
"""Expected share of false ones among those found (Benjamini & Hochberg 1995): where there is none, three data sets in a thousand have an alarm."""
_LEAST_RATIO = 1e-9
# Those that may be twins say nothing of what is ordinary.
_SUSPECTED = 0.1


def neighbours_wanted(training: int) -> int:
    """How many neighbours are looked at of so many training examples; 0 where they are too few for any judgement."""
    return 0 if training < FEWEST_TRAINING else min(NEIGHBOURS, training // 4)


def nearer_than_chance(
    distances: Reals, comparisons: int | None = None, differing: NDArray[np.int64] | None = None
) -> NDArray[np.bool_]:
    """Which rows have a first neighbour that chance does not explain.

    Args:
        distances: (n, k) ascending along the second axis, from n test examples to their k nearest training examples.
        comparisons: how many rows there would have been: where only the most suspicious are given.
        differing: (n,) in how many columns an example and its first neighbour differ. Two that share a category and every other
            code are free to be near in what is left only: their dimension is no higher.

    Returns:
        (n,) bool. Up to k // 4 - 1 twins of an example are recognised: more look like a place where examples are dense.
    """
    if len(distances) == 0:
        return np.zeros(0, bool)
    comparisons = comparisons or len(distances)
    reach, chances = _chances(distances, differing)
    found = _few_false(chances, comparisons)
    kept = reach[~_few_false(chances, comparisons, _SUSPECTED)]
    if found.any() and len(kept) >= 10:
        found &= _few_false(np.maximum(chances, _tail(kept, reach)), comparisons)
    return found


def _chances(distances: Reals, differing: NDArray[np.int64] | None) -> tuple[Reals, Reals]:
    """log(r(k) / r(1)) of each row, and how likely it is at least that large."""
    k = distances.shape[1]
    first = max(2, k // 4)
    farthest = distances[:, -1:].astype(np.float64)
    logs = np.log(np.maximum(distances / np.where(farthest > 0, farthest, 1), _LEAST_RATIO))
    spacings = np.diff(logs[:, first - 1 :], axis=1) * np.arange(first, k)
    local = (k - first) / np.maximum(spacings.sum(1), 1e-9)
    usual = np.median(local)
    # Where one part of the data is flatter than the rest, its own dimension holds, as far as so few neighbours tell it; nowhere a higher one.
    dimension = np.minimum(2 / (1 / local + 1 / usual), usual)
    if differing is not None:
        dimension = np.minimum(dimension, differing)
    reach = np.where(farthest[:, 0] > 0, -logs[:, 0], 0.0)
    inside = np.exp(-dimension * reach)
    return reach, -np.expm1((k - 1) * np.log1p(-np.minimum(inside, 1 - 1e-12)))


def _tail(ordinary: Reals, reach: Reals) -> Reals:
    """The chance of each `reach` by the tail of the ordinary ones, which is exponential under the null (its slope by the slower of two stretches:
    Hill 1975). Data that is not even (mixtures of codes and measurements, heavy tails, zeros) is judged by its own unevenness."""
    half, fifth, twentieth = np.quantile(ordinary, (0.5, 0.8, 0.95))
    slope = min(np.log(0.5 / 0.2) / max(fifth - half, 1e-9), np.log(0.2 / 0.05) / max(twentieth - fifth, 1e-9))
    return np.minimum(1.0, 0.2 * np.exp(-slope * (reach - fifth)))


def _few_false(chances: Reals, comparisons: int, share: float = FALSE_SHARE) -> NDArray[np.bool_]:
    """Benjamini and Hochberg's procedure; comparisons that are not given count as chances of 1."""
    ordered = np.sort(chances)
    below = np.flatnonzero(ordered <= share * np.arange(1, len(ordered) + 1) / comparisons)
    return chances <= ordered[below[-1]] if len(below) else np.zeros(len(chances), bool)
