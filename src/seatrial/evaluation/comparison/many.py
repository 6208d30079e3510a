"""Many tests at once: Holm's step-down procedure, also where only the number of some tests is known."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from seatrial.evaluation.comparison.values import refused


def holm(p: ArrayLike, others: int = 0) -> NDArray[np.float64]:
    """Adjusted p: below 5 % for some true null hypothesis in at most 5 % of such families, however the tests depend on each other
    (Holm 1979, Scand. J. Statist. 6, 65-70).

    Args:
        p: (m,) of the tests whose p is known.
        others: tests that were made too, whose p is not known. They are taken to be less clear than all that are: this makes
            the others' adjusted p as large as it can be.

    Raises:
        UsageProblem: a p is none.
    """
    given = np.asarray(p, dtype=np.float64)
    if given.ndim != 1 or not ((given >= 0) & (given <= 1)).all():
        raise refused("p between 0 and 1, one for each test", f"{given}", "comparison-p")
    order = np.argsort(given, kind="stable")
    left = len(given) + others - np.arange(len(given))
    adjusted = np.empty_like(given)
    adjusted[order] = np.minimum(1, np.maximum.accumulate(given[order] * left))
    return adjusted
