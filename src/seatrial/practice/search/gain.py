"""What more candidates would bring, and how much of it is noise.

The noise is the standard deviation between seeds of one candidate. The gain is what a round of new candidates is expected to bring
over the best one there is, by a Gaussian process through the results whose noise is that of the seeds (expected improvement of a
batch: Mockus 1978; Ginsbourger et al. 2010; as a rule for stopping: Makarova et al., "Automatic Termination for Hyperparameter
Optimization", 2022, who stop where what is left to gain is below the noise of the figure). Pure: figures in, figures out.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seatrial.practice.search.candidates import Candidate

_DRAWS = 2000
# Candidates much worse than the median teach nothing about the best: beyond so many quartile distances their figures are equal.
_BEYOND = 2.0
_LEAST = 4


def noise_between_seeds(groups: Iterable[Sequence[float]]) -> float:
    """Standard deviation of one training's figure between seeds, pooled over candidates (each with figures of several seeds);
    nan where no candidate has two."""
    total, freedom = 0.0, 0
    for group in groups:
        values = np.array([value for value in group if math.isfinite(value)])
        if len(values) > 1:
            total += float(((values - values.mean()) ** 2).sum())
            freedom += len(values) - 1
    return math.sqrt(total / freedom) if freedom else math.nan


def expected_gain(
    known: Sequence[Candidate],
    figures: Mapping[int, float],
    proposed: Sequence[Candidate],
    noise: float,
    *,
    highest: bool,
) -> float:
    """How much better than the best known candidate the best of the proposed ones is expected to be, noise aside; never below
    zero, nan where too few are known.

    Args:
        figures: of the known ones by number; those without are left out.
        noise: standard deviation of a figure.
    """
    usable = [each for each in known if math.isfinite(figures.get(each.number, math.nan))]
    if len(usable) < _LEAST or not proposed or not math.isfinite(noise):
        return math.nan
    points = coordinates([*usable, *proposed])
    values = np.array([figures[each.number] for each in usable]) * (-1 if highest else 1)
    low, middle, high = np.quantile(values, [0.25, 0.5, 0.75])
    values = np.minimum(values, middle + _BEYOND * (high - low)) if high > low else values
    scale = float(values.std())
    if scale == 0:
        return 0.0
    process: Any = _process(points.shape[1], max(noise / scale, 1e-3) ** 2)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a length at its bound: a parameter without effect
        process.fit(points[: len(usable)], (values - values.mean()) / scale)
        means = process.predict(points[: len(usable)])
        asked = np.vstack([points[int(np.argmin(means))], points[len(usable) :]])
        draws = process.sample_y(asked, _DRAWS, random_state=0)
    return float(np.maximum(0.0, draws[0] - draws[1:].min(axis=0)).mean() * scale)


def coordinates(candidates: Sequence[Candidate]) -> NDArray[np.float64]:
    """(candidates, dimensions) in 0 to 1: numbers on the scale on which they are drawn, a dimension for each choice, and one that
    tells whether a parameter is there at all."""
    from optuna.distributions import CategoricalDistribution, json_to_distribution

    columns: list[list[float]] = []
    for name in sorted({name for each in candidates for name in each.params}):
        words = [each.distributions.get(name) for each in candidates]
        given = [None if each is None else json_to_distribution(each) for each in words]
        there = [name in each.params for each in candidates]
        if not all(there):
            columns.append([float(each) for each in there])
        first: Any = next(each for each in given if each is not None)
        if isinstance(first, CategoricalDistribution):
            values = [each.params.get(name) for each in candidates]
            columns += [[float(has and value == choice) for has, value in zip(there, values, strict=True)] for choice in first.choices]  # fmt: skip
        else:
            columns.append([_place(each.params[name], given[at]) if there[at] else 0.5 for at, each in enumerate(candidates)])  # fmt: skip
    return np.array(columns).T


def _place(value: float, distribution: Any) -> float:
    low, high = float(distribution.low), float(distribution.high)
    if distribution.log:
        value, low, high = math.log(value), math.log(low), math.log(high)
    return (value - low) / (high - low) if high > low else 0.5


def _process(dimensions: int, noise: float) -> Any:
    from sklearn.gaussian_process import GaussianProcessRegressor
    from sklearn.gaussian_process.kernels import ConstantKernel, Matern

    each: Any = np.full(dimensions, 0.5)  # a length for each dimension
    lengths = Matern(each, (0.05, 20.0), nu=2.5)
    kernel = ConstantKernel(1.0, (0.05, 20.0)) * lengths
    return GaussianProcessRegressor(kernel, alpha=noise, n_restarts_optimizer=2, random_state=0)
