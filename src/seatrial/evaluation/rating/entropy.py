"""The measure that forgives a classifier the confusions which people make too.

S. Steidl, M. Levit, A. Batliner, E. Noeth and H. Niemann, "Of all things the measure is man": automatic classification of emotions and
inter-labeler consistency, ICASSP 2005; in our reading of it: one rater is left out; the others' ratings are a soft reference. The entropy of the mean of this
reference and of a decision (weights 1 : 1) is small where the decision is what the others say, and where they do not agree it is large
whatever is decided. The decision is the classifier's, or that of the rater who was left out; all raters are left out in turn. A
classifier whose mean entropy is that of the raters is confused as people are.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from seatrial.evaluation.intervals.bootstrap import RESAMPLES, bootstrap
from seatrial.evaluation.intervals.cells import Cells
from seatrial.evaluation.metrics.figure import Figure
from seatrial.evaluation.rating.agreement import Labels, votes


def entropies(labels: Labels, decided: NDArray[np.integer[Any]]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(n,) entropies in bits of a classifier's decisions (n,) and of the raters' (n, raters), each the mean over raters left out.

    nan of examples with fewer than two ratings.
    """
    given = np.asarray(labels)
    counts = votes(given, int(decided.max(initial=0)) + 1)
    several = counts.sum(axis=1) > 1
    machine, people = np.zeros(len(given)), np.zeros(len(given))
    for rater in range(given.shape[1]):
        here = (given[:, rater] >= 0) & several
        own = np.eye(counts.shape[1])[given[here, rater]]
        others = counts[here] - own
        reference = others / others.sum(axis=1, keepdims=True)
        machine[here] += _entropy((reference + np.eye(counts.shape[1])[decided[here]]) / 2)
        people[here] += _entropy((reference + own) / 2)
    raters = (given >= 0).sum(axis=1)
    return tuple(np.where(several, each / raters.clip(1), np.nan) for each in (machine, people))  # pyright: ignore[reportReturnType]


def compared(
    labels: Labels,
    decided: NDArray[np.integer[Any]],
    groups: NDArray[Any] | None,
    level: float = 0.95,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> tuple[Figure, Figure, Figure]:
    """Mean entropy of the classifier, of the raters, and the classifier's less the raters': at most 0 where it is confused as people are."""  # fmt: skip
    machine, people = entropies(labels, decided)
    known = np.isfinite(machine)
    summands = np.stack([machine, people, np.ones(len(machine))], axis=1)[known]
    cells = Cells.of(summands, None if groups is None else groups[known])

    def means(sums: NDArray[np.float64]) -> NDArray[np.float64]:
        one, other = sums[:, 0] / sums[:, 2], sums[:, 1] / sums[:, 2]
        return np.stack([one, other, one - other], axis=1)

    values = means(cells.totals[None])[0]
    intervals = bootstrap(means, cells, level=level, resamples=resamples, seed=seed)
    names = ("entropy of the model", "entropy of a rater", "model less rater")
    return tuple(  # pyright: ignore[reportReturnType]
        Figure(name, float(value), interval, False)
        for name, value, interval in zip(names, values, intervals, strict=True)
    )


def _entropy(shares: NDArray[np.float64]) -> NDArray[np.float64]:
    return -(shares * np.log2(np.where(shares > 0, shares, 1))).sum(axis=1)
