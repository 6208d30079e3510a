"""What each part of the test data contributes to a metric: jackknife pseudo-values, whose mean is the metric and whose spread is its
noise. With them every smooth metric is treated as a mean over examples is."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from seatrial.evaluation.comparison.swapping import Metric
from seatrial.evaluation.comparison.values import Values, of_groups, refused

BLOCKS = 200  # of a metric that is no mean: more would cost more than they tell


def of_means(figures: Values, groups: ArrayLike | None = None) -> Values:
    """Contributions of groups to means over examples, (rows, groups), whose mean over groups is each row's mean.

    Args:
        figures: (rows, n) a figure of each example, one row a training.
        groups: (n,) names; each example contributes by itself if nothing is given.

    Groups of unlike size: the mean is a ratio (sum over count), taken as linear around it (Cochran 1977, section 6.4).
    """
    if groups is None:
        return figures
    numbers = of_groups(groups, figures.shape[1])
    sizes = np.bincount(numbers)
    sums = np.stack([np.bincount(numbers, weights=row) for row in figures])
    scale = len(sizes) / figures.shape[1]
    return scale * sums - (scale * sizes - 1) * figures.mean()


def of_metric(
    metric: Metric,
    targets: NDArray[Any],
    predictions: list[NDArray[Any]],
    groups: ArrayLike | None = None,
    seed: int = 0,
) -> Values:
    """Pseudo-values of any metric, (trainings, blocks): the metric without a block of examples, the delete-a-group jackknife
    (Quenouille 1956; Kott 2001). Blocks are drawn, of equal size, at most 200; groups stay whole.

    Args:
        predictions: of each training, first axis n.

    Raises:
        UsageProblem: fewer than two blocks are possible.
    """
    numbers = of_groups(groups, len(targets))
    names = int(numbers.max()) + 1
    blocks = min(BLOCKS, names)
    if blocks < 2:
        raise refused("at least two groups of examples", str(names), "comparison-few", "One shows no spread.")
    block = np.random.default_rng(seed).permutation(np.arange(names) % blocks)[numbers]
    kept = [block != at for at in range(blocks)]
    whole = np.array([[metric(targets, each)] for each in predictions])
    without = np.array([[metric(targets[keep], each[keep]) for keep in kept] for each in predictions])
    if not (np.isfinite(whole).all() and np.isfinite(without).all()):
        hint = "A class may have too few examples for it: choose a figure that is a mean over examples."
        raise refused(
            "a figure that can be computed without any part of the examples", "nan", "comparison-figure", hint
        )
    pseudo = blocks * whole - (blocks - 1) * without
    return (
        pseudo - pseudo.mean(axis=1, keepdims=True) + whole
    )  # centred at the metric itself, not at its jackknife estimate
