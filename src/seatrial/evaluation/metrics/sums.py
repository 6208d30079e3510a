"""Metrics that are functions of sums over examples, and how figures come from them: of one training or of several."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seatrial.evaluation.intervals.bootstrap import RESAMPLES, Function, bootstrap
from seatrial.evaluation.intervals.cells import Cells, joined
from seatrial.evaluation.intervals.interval import Interval
from seatrial.evaluation.intervals.shares import wilson
from seatrial.evaluation.metrics.figure import Figure


@dataclass(frozen=True, slots=True)
class Named:
    """One metric of several: see `Figure`. `share`: the columns of the sums whose ratio it is, where it is a share of examples."""

    name: str
    highest: bool = True
    baseline: float | None = None
    against: str = ""
    share: tuple[int, int] | None = None


@dataclass(frozen=True, eq=False)
class Sums:
    """Some metrics of one training.

    metrics    m of them
    function   of sums (r, s) the metrics (r, m)
    codes      (n,) the kind of each example
    table      (k, s) what an example of each kind adds to the sums
    """

    metrics: tuple[Named, ...]
    function: Function = field(repr=False)
    codes: NDArray[np.integer[Any]] = field(repr=False)
    table: Any = field(repr=False)


def beside(one: Sums, other: Sums) -> Sums:
    """Metrics of the same sums, to be resampled once for both."""

    def function(sums: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.concatenate([one.function(sums), other.function(sums)], axis=1)

    return Sums((*one.metrics, *other.metrics), function, one.codes, one.table)


def figures(
    trainings: Sequence[Sums],
    groups: NDArray[Any] | None = None,
    level: float = 0.95,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> list[Figure]:
    """The figures of trainings that predicted the same examples in the same order: means, with intervals of the means.

    Shares of one training have Wilson's interval, all else the bootstrap's (BCa), of groups where there are some.
    """
    first = trainings[0]
    ends = np.cumsum([0, *(each.table.shape[1] for each in trainings)])
    codes, table = joined([each.codes for each in trainings], [each.table for each in trainings])
    cells = Cells.coded(codes, table, groups)

    def parts(sums: NDArray[np.float64]) -> list[NDArray[np.float64]]:
        return [each.function(sums[:, ends[at] : ends[at + 1]]) for at, each in enumerate(trainings)]

    def mean(sums: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.mean(parts(sums), axis=0)

    totals = cells.totals[None]
    values = np.concatenate(parts(totals))  # (trainings, m)
    simple = len(trainings) == 1 and groups is None
    shares = {at: each.share for at, each in enumerate(first.metrics) if each.share is not None and simple}
    others = [at for at in range(len(first.metrics)) if at not in shares]
    found: dict[int, Interval | None] = {at: _wilson(totals[0], columns, level) for at, columns in shares.items()}
    if others and cells.units > 1:
        drawn = bootstrap(lambda sums: mean(sums)[:, others], cells, level=level, resamples=resamples, seed=seed)
        found |= dict(zip(others, drawn, strict=True))
    spread = values.std(axis=0, ddof=1) if len(trainings) > 1 else None
    return [
        Figure(
            each.name,
            float(values[:, at].mean()),
            found.get(at),
            each.highest,
            each.baseline,
            each.against,
            None if spread is None else float(spread[at]),
        )
        for at, each in enumerate(first.metrics)
    ]


def ratio(above: NDArray[np.float64], below: NDArray[np.float64]) -> NDArray[np.float64]:
    """above / below; nan where that is 0."""
    above, below = np.broadcast_arrays(above, below)
    return np.divide(above, below, out=np.full(above.shape, np.nan), where=below > 0)


def mean_of_defined(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The mean over the last axis of what is not nan; nan where nothing is."""
    defined = np.isfinite(values)
    return ratio(np.where(defined, values, 0).sum(-1), defined.sum(-1).astype(float))


# ---- inner steps -------------------------------------------------------------------------------------------------


def _wilson(totals: NDArray[np.float64], columns: tuple[int, int], level: float) -> Interval | None:
    right, total = (round(float(totals[at])) for at in columns)
    return wilson(right, total, level) if total else None
