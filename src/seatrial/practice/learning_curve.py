"""What more data would bring: a power law through the results on growing subsets, and how sure it is.

    result(n) = level + scale * n^-exponent

(Hestness et al., "Deep Learning Scaling is Predictable, Empirically", 2017; for small data Cortes et al., "Learning Curves:
Asymptotic Values and Rate of Convergence", 1993). Pure: figures in, figures and a sentence out.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seatrial.numbers import decimal

LEAST_SIZES = 3
EXPONENTS = np.geomspace(0.05, 2.0, 60)  # those seen in practice are 0.07 to 1
REPLICATES = 500
COVERED = 0.95
NOTHING = 0.01  # of all that the subsets differ: a gain below it is none


@dataclass(frozen=True, slots=True)
class Point:
    """A result of a training on so many examples."""

    examples: int
    seed: int
    value: float


@dataclass(frozen=True, slots=True)
class Law:
    """result(n) = level + scale * n^-exponent; scale is above 0 for losses, below 0 where the highest is the best."""

    level: float
    scale: float
    exponent: float

    def at(self, examples: float) -> float:
        return self.level + self.scale * examples**-self.exponent


@dataclass(frozen=True, slots=True)
class Forecast:
    """The result on so many examples, and the interval in which it lies (95 %)."""

    examples: int
    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class LearningCurve:
    """`now`: the law on all examples; `twice`: on twice as many. Without a law there is only the sentence `said`."""

    points: tuple[Point, ...]
    law: Law | None
    now: Forecast | None
    twice: Forecast | None
    said: str


def learning_curve(points: Sequence[Point], *, highest: bool, seed: int = 0) -> LearningCurve:
    """Fit the law and say what twice the data would bring.

    Args:
        points: results, several for each of at least three numbers of examples.
        highest: whether high values are good ones.
        seed: of the intervals, which are drawn.
    """
    points = tuple(points)
    if len({each.examples for each in points}) < LEAST_SIZES:
        return LearningCurve(points, None, None, None, f"Cannot be told: {LEAST_SIZES} sizes at least are needed.")
    if not all(math.isfinite(each.value) for each in points):
        return LearningCurve(points, None, None, None, "Cannot be told: a training ended without a result.")
    sizes = np.array([each.examples for each in points], dtype=float)
    values = np.array([each.value for each in points])
    bounded = bool((values >= 0).all()) and (not highest or bool((values <= 1).all()))
    law = _fitted(sizes, values[None], highest, bounded)[0]
    now, twice, gains = _forecasts(law, sizes, values, highest, bounded, np.random.default_rng(seed))
    return LearningCurve(points, law, now, twice, _said(points, now, twice, gains))


def _fitted(sizes: NDArray[Any], results: NDArray[Any], highest: bool, bounded: bool) -> list[Law]:
    """A law for each row of results, by least squares. For each exponent the rest is linear: a scale of the right sign, and a
    level that is free or, `bounded`, at most 1 (of shares) or at least 0 (of losses)."""
    sign = -1.0 if highest else 1.0
    bound = float(highest)
    # How far results are from the bound: level + scale * column, both at least 0, or the level free.
    distances = sign * (results - bound)
    laws: list[Law] = []
    found = [_linear(sizes**-exponent, distances, bounded) for exponent in EXPONENTS]
    best = np.argmin([rest for _, _, rest in found], axis=0)
    for row, at in enumerate(best):
        level, scale, _ = found[at]
        laws.append(Law(bound + sign * float(level[row]), sign * float(scale[row]), float(EXPONENTS[at])))
    return laws


def _linear(column: NDArray[Any], rows: NDArray[Any], bounded: bool) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Level, scale and sum of squares of each row. Where the free solution breaks a bound, one unknown is at it."""
    centred = column - column.mean()
    scale = np.maximum(0, rows @ centred / (centred @ centred))
    level = rows.mean(1) - scale * column.mean()
    if bounded:
        low = level < 0
        scale = np.where(low, np.maximum(0, rows @ column / (column @ column)), scale)
        level = np.where(low, 0, level)
    rest = ((rows - level[:, None] - scale[:, None] * column) ** 2).sum(1)
    return level, scale, rest


def _forecasts(
    law: Law,
    sizes: NDArray[Any],
    values: NDArray[Any],
    highest: bool,
    bounded: bool,
    generator: np.random.Generator,
) -> tuple[Forecast, Forecast, tuple[float, float]]:
    """Intervals by the parametric bootstrap: results drawn anew around the law, with the spread that seeds of one size have, and
    the law fitted to them. Also that of the gain from twice the data (above 0: better)."""
    most = int(sizes.max())
    fitted = law.level + law.scale * sizes**-law.exponent
    noise = _spread(sizes, values, fitted) * generator.standard_normal((REPLICATES, len(sizes)))
    others = _fitted(sizes, fitted + noise, highest, bounded)
    drawn = np.array([(each.at(most), each.at(2 * most)) for each in others])
    tail = (1 - COVERED) / 2
    (low, low2), (high, high2) = np.quantile(drawn, [tail, 1 - tail], axis=0)
    gains = (drawn[:, 1] - drawn[:, 0]) * (1 if highest else -1)
    least, largest = np.quantile(gains, [tail, 1 - tail])
    return (
        Forecast(most, law.at(most), float(low), float(high)),
        Forecast(2 * most, law.at(2 * most), float(low2), float(high2)),
        (float(least), float(largest)),
    )


def _spread(sizes: NDArray[Any], values: NDArray[Any], fitted: NDArray[Any]) -> NDArray[Any]:
    """Standard deviation of a result at each size: as its seeds differ, drawn towards the mean over all sizes; what the law
    misses counts too."""
    groups = {size: values[sizes == size] for size in np.unique(sizes)}
    within = sum(float(((each - each.mean()) ** 2).sum()) for each in groups.values())
    free = len(values) - len(groups)
    unexplained = float(((values - fitted) ** 2).sum()) / max(1, len(values) - 3)
    pooled = max(within / free if free else 0.0, unexplained)
    own = {
        size: (pooled * 2 + float(((each - each.mean()) ** 2).sum())) / (2 + len(each) - 1)
        for size, each in groups.items()
    }
    return np.sqrt([own[size] for size in sizes])


def _said(points: Sequence[Point], now: Forecast, twice: Forecast, gains: tuple[float, float]) -> str:
    sizes = sorted({each.examples for each in points})
    means = [float(np.mean([each.value for each in points if each.examples == size])) for size in sizes]
    least, largest = gains
    figures = f"from {_short(now.value)} to {_short(twice.value)} ({_short(twice.low)} to {_short(twice.high)})"
    if least > NOTHING * abs(means[-1] - means[0]):
        return f"Twice the data: {figures}."
    if largest < abs(means[-1] - means[-2]):
        return f"Twice the data would bring less than the last doubling did, if anything: {figures}."
    return f"What twice the data would bring cannot be told: {figures}."


def _short(value: float) -> str:
    return decimal(value, 3)
