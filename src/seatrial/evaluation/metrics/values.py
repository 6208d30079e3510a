"""Regression: RMSE, MAE and R squared, beside what the mean and the median of the targets reach."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from seatrial.evaluation.metrics.sums import Named, Sums
from seatrial.evaluation.predictions import Predictions

MEAN, MEDIAN = "always answering the mean", "always answering the median"


def overall(of: Predictions) -> Sums:
    """RMSE, MAE, R squared; of several outputs the means over outputs, as scikit-learn takes them."""
    return _sums(of, _names(_targets(of), ""), each=False)


def by_output(of: Predictions) -> Sums:
    """RMSE, MAE and R squared of each output, one after the other."""
    targets = _targets(of)
    names = of.classes or tuple(map(str, range(targets.shape[1])))
    return _sums(
        of,
        [named for at, name in enumerate(names) for named in _names(targets[:, at : at + 1], f" of {name}")],
        each=True,
    )


# ---- inner steps -------------------------------------------------------------------------------------------------


def _targets(of: Predictions) -> NDArray[np.float64]:
    return of.targets.reshape(len(of), -1).astype(np.float64)


def _names(targets: NDArray[np.float64], what: str) -> list[Named]:
    around = np.abs(targets - np.median(targets, axis=0)).mean(axis=0)
    return [
        Named(f"RMSE{what}", False, float(targets.std(axis=0).mean()), MEAN),
        Named(f"MAE{what}", False, float(around.mean()), MEDIAN),
        Named(f"R squared{what}", True, 0.0, MEAN),
    ]


def _sums(of: Predictions, named: list[Named], each: bool) -> Sums:
    targets = _targets(of)
    outputs = targets.shape[1]
    errors = of.scores.reshape(len(of), -1).astype(np.float64) - targets
    centred = targets - targets.mean(axis=0)  # so that sums of squares keep their digits
    parts = [errors**2, np.abs(errors), centred, centred**2, np.ones((len(of), 1))]

    def function(sums: NDArray[np.float64]) -> NDArray[np.float64]:
        count = sums[:, -1:]
        square, absolute, first, second = (sums[:, at * outputs : (at + 1) * outputs] for at in range(4))
        scatter = second - first**2 / count
        explained = 1 - np.divide(square, scatter, out=np.full(square.shape, np.nan), where=scatter > 1e-300)
        found = np.stack([np.sqrt(square / count), absolute / count, explained], axis=2)
        return found.reshape(len(sums), -1) if each else found.mean(axis=1)

    return Sums(tuple(named), function, np.arange(len(of)), np.concatenate(parts, axis=1))
