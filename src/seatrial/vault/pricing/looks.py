"""Exact scores, with intervals that are widened for the number of looks.

k models scored on one test set, the best of them reported: its score is too good, since luck helped to choose it. An
interval at the level 1 - alpha / k for each holds for all k at once with probability 1 - alpha, so for the best one too
(Bonferroni's union bound). Sidak's (1 - alpha)^(1/k) would be hardly narrower (k = 10: 0.9949 for 0.9950) and needs
independence or normality; the union bound holds however the models depend on each other.

It asks for models that were chosen without the earlier answers. Where an answer led to the next model, k models are not
k but all that the answers could have led to: `adaptive_margin` counts these.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from seatrial.evaluation.intervals.arbitrary import resampled
from seatrial.evaluation.intervals.interval import Interval
from seatrial.evaluation.intervals.means import student
from seatrial.evaluation.intervals.shares import clopper_pearson
from seatrial.vault.pricing import claims
from seatrial.vault.pricing.answer import Answer
from seatrial.vault.pricing.values import checked, count, share

LEVEL = 0.95
LARGE = 5_000  # examples from which the t interval serves: what BCa corrects falls with n, what it costs rises with n^2


def widened(level: float, looks: int) -> float:
    """The level of each interval so that those of `looks` models hold at once: 1 - (1 - level) / looks."""
    return 1 - (1 - share("level", level)) / count("looks", looks)


def proportion(right: int, total: int, looks: int = 1, level: float = LEVEL) -> Interval:
    """Of a share, e.g. an accuracy: Clopper and Pearson's, which never covers less than its level, however far out in the tails
    the widening asks for it; Wilson's interval does there.
    """
    return _told(clopper_pearson(right, count("examples", total), widened(level, looks)), level, looks)


def mean(values: ArrayLike, looks: int = 1, level: float = LEVEL, seed: int = 0) -> Interval | None:
    """Of the mean of one value an example, shape (n,): `proportion` where all are 0 or 1, else the bootstrap (BCa), or Student's t
    from 5,000 examples on. None where all values are the same: then nothing tells how far they scatter.
    """
    array = checked(values)
    if np.isin(array, (0, 1)).all():
        return proportion(int(array.sum()), array.size, looks, level)
    if np.ptp(array) == 0:
        return None
    if array.size >= LARGE:
        return _told(student(array, widened(level, looks)), level, looks)

    def means(sample: NDArray[np.float64], axis: int = -1) -> NDArray[np.float64]:
        return np.mean(sample, axis=axis)

    return _told(resampled(means, [array], widened(level, looks), seed, vectorized=True), level, looks)


def metric(
    function: Callable[..., float], data: Sequence[ArrayLike], looks: int = 1, level: float = LEVEL, seed: int = 0
) -> Interval | None:
    """Of a metric that is no mean, e.g. the F1 score of (labels, predictions): examples are resampled together (BCa).

    `function` is called with resampled arrays, some thousand times and once for each example.
    """
    arrays = [np.asarray(each) for each in data]

    def on(at: NDArray[np.int_]) -> float:
        return float(function(*(each[at] for each in arrays)))

    found = resampled(on, [np.arange(len(arrays[0]))], widened(level, looks), seed, vectorized=False)
    return _told(found, level, looks)


def exact(values: ArrayLike, looks: int = 1, level: float = LEVEL, seed: int = 0) -> Answer:
    """An exact mean with its interval for the `looks`-th look. Ask again for an earlier model with the present number of
    looks: what its interval must cover has grown since.

    Args:
        values: one value an example, shape (n,), e.g. 1 where the prediction is right.
    """
    array = checked(values)
    value = float(array.mean())
    # Of other values there are answers without number, which may lead to models without number.
    told = _adaptive(value, array.size, looks, level) if looks > 1 and np.isin(array, (0, 1)).all() else None
    error = float(array.std(ddof=1)) / math.sqrt(array.size) if array.size > 1 else 0.0
    return _answer(value, mean(array, looks, level, seed), told, error, looks)


def exact_metric(
    function: Callable[..., float], data: Sequence[ArrayLike], looks: int = 1, level: float = LEVEL, seed: int = 0
) -> Answer:
    """As `exact`, of a metric that is no mean (see `metric`)."""
    from scipy.stats import norm

    interval = metric(function, data, looks, level, seed)
    # The bootstrap's standard error, read off its interval.
    reach = 2 * float(norm.ppf(0.5 + widened(level, looks) / 2))
    error = 0.0 if interval is None else (interval.high - interval.low) / reach
    return _answer(float(function(*map(np.asarray, data))), interval, None, error, looks)


def adaptive_margin(examples: int, looks: int, level: float = LEVEL, answers: int | None = None) -> float:
    """How far a mean of values in [0, 1] may lie off where each model may have been chosen by all answers before it.

    An analyst who draws no other knowledge of the test set can reach at most 1 + m + ... + m^(k-1) models by k - 1 answers
    with m possible values each (m = n + 1 for exact shares of n examples): a union bound over these with Hoeffding's
    inequality, as in the proof of Theorem 3.1 of the Ladder. It grows with sqrt(k), as the error of the boosting attack does.
    """
    possible = count("possible answers", answers or count("examples", examples) + 1, least=2)
    models = (count("looks", looks) - 1) * math.log(possible)  # the logarithm of the sum's last term
    models += math.log1p(1 / (possible - 1)) if looks > 1 else 0.0  # and of all of it, at most
    return math.sqrt((math.log(2 / (1 - share("level", level))) + models) / (2 * examples))


def expected_optimism(error: float, looks: int) -> float:
    """How much too good the best of k equal models looks on average: the expected maximum of k independent normal errors of
    standard deviation `error`, at most sqrt(2 ln k) * error. Errors that go together, as those of alike models do, give
    less (Slepian's inequality).
    """
    if count("looks", looks) == 1:
        return 0.0
    from scipy.integrate import quad

    def upper(x: float) -> float:
        return 1 - (0.5 * math.erfc(-x / math.sqrt(2))) ** looks  # P(maximum > x)

    def lower(x: float) -> float:
        return (0.5 * math.erfc(x / math.sqrt(2))) ** looks  # P(maximum < -x)

    return error * (quad(upper, 0, 12)[0] - quad(lower, 0, 12)[0])


def _answer(value: float, interval: Interval | None, told: Interval | None, error: float, looks: int) -> Answer:
    worst = interval if looks == 1 else told
    sentence = claims.exact(looks, interval, worst, expected_optimism(error, looks))
    return Answer("exact", value, looks, sentence, interval=interval, worst=worst)


def _adaptive(value: float, examples: int, looks: int, level: float) -> Interval:
    margin = adaptive_margin(examples, looks, level)
    method = f"Hoeffding, over all models that {looks - 1} exact answers can lead to"
    return Interval(max(0.0, value - margin), min(1.0, value + margin), level, method)


@overload
def _told(found: Interval, level: float, looks: int) -> Interval: ...
@overload
def _told(found: Interval | None, level: float, looks: int) -> Interval | None: ...
def _told(found: Interval | None, level: float, looks: int) -> Interval | None:
    """A widened interval as one that holds at the level for all looks at once."""
    if found is None:
        return None
    return replace(
        found, level=level, method=found.method if looks == 1 else f"{found.method}, Bonferroni for {looks} looks"
    )
