"""Resamples of cells: the sums that a metric is computed from, drawn anew."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from seatrial.evaluation.intervals.cells import Cells

AT_ONCE = 4_000_000  # numbers in memory: 32 MB
MANY = 20_000  # kinds, from which sums are drawn as normal where they are
FEW_SUMS = 64
# Skewness of a sum below which it is drawn as normal. It moves the end of a 95 % interval by about (1.96^2 - 1) / 6 times that, in
# standard errors (Cornish and Fisher): 0.05, as much as 2,000 resamples leave to chance (0.06).
NEARLY_NORMAL = 0.1


def resampled_sums(cells: Cells, resamples: int, generator: np.random.Generator) -> Iterator[NDArray[np.float64]]:
    """The sums (r, s) of resamples, some at a time."""
    if len(cells.counts) > MANY and cells.rows.shape[1] <= FEW_SUMS and isinstance(cells.rows, np.ndarray):
        spread = _normal(cells)
        if spread is not None:
            yield cells.totals + generator.standard_normal((resamples, spread.shape[0])) @ spread
            return
    kinds, sums = cells.rows.shape
    step = max(1, AT_ONCE // max(kinds, sums))
    for start in range(0, resamples, step):
        yield cells.summed(_counts(cells, min(step, resamples - start), generator))


def _counts(cells: Cells, resamples: int, generator: np.random.Generator) -> NDArray[np.int64]:
    """(resamples, k) how many units of each kind are drawn."""
    kinds, units = len(cells.counts), cells.units
    if kinds < units:
        return generator.multinomial(units, cells.counts / units, size=resamples)
    # Where all kinds are single, counting the drawn ones is faster.
    drawn = generator.integers(0, kinds, (resamples, units)) + kinds * np.arange(resamples)[:, None]
    return np.bincount(drawn.ravel(), minlength=resamples * kinds).reshape(resamples, kinds)


def _normal(cells: Cells) -> NDArray[np.float64] | None:
    """A root (s, s) of the covariance of the sums where all of them are nearly normal; else None."""
    units = cells.units
    centred = cells.rows - cells.totals / units
    variance = cells.counts @ centred**2 / units
    third = cells.counts @ centred**3 / units
    constant = variance <= 1e-24 * np.abs(cells.totals / units).clip(1e-300) ** 2
    skewness = np.abs(third) / np.where(constant, 1, variance) ** 1.5 / np.sqrt(units)
    if (skewness[~constant] > NEARLY_NORMAL).any():
        return None
    covariance = (centred * cells.counts[:, None]).T @ centred
    values, vectors = np.linalg.eigh(covariance)
    return np.sqrt(values.clip(0))[:, None] * vectors.T
