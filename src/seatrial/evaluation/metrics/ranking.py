"""How well scores rank: the area under the ROC curve and average precision, of two classes, of each class against the rest, of labels.

Both are functions of how many examples of either kind have each score. More than 512 scores (256 where there are several
columns) are put into so many bins, which resampling then counts. The area stays exact: a bin's pairs enter by the
share in which the positive one is ranked above. What is left out is that this share scatters within a bin too, about one part in
(number of bins)^2 of the variance. Average precision is exact at the data, and its scatter is that of the binned one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seatrial.evaluation.intervals.interval import Interval
from seatrial.evaluation.intervals.means import linear
from seatrial.evaluation.metrics.figure import Figure
from seatrial.evaluation.metrics.sums import Named, Sums, figures, mean_of_defined, ratio
from seatrial.evaluation.predictions import Predictions

BINS, BINS_EACH = 512, 256
MOST_EXACT = (
    50_000  # units times columns up to which several columns are resampled together; beyond, DeLong's error is used
)
AREA, PRECISION = "ROC AUC", "average precision"


def ranked(
    trainings: Sequence[Predictions], level: float, resamples: int, seed: int
) -> tuple[list[Figure], list[Figure]]:
    """Area and average precision: overall (the mean over columns), and of each column, [area, precision, area, ...].

    The second list is empty for two classes: there is one column.
    """
    first = trainings[0]
    columns = [columns_of(each) for each in trainings]
    groups, count = first.groups, columns[0][0].shape[1]
    units = len(first) if groups is None else len(np.unique(groups))
    counted = (
        count == len(trainings) == 1 and groups is None
    )  # then a resample is drawn as counts of bins, however many there are
    named = _names(first, count == 1)
    if counted or units * count <= MOST_EXACT:
        found = figures([_sums(*each, named) for each in columns], groups, level, resamples, seed)
    else:
        found = _by_delong(columns, named, groups, level)
    return found[:2], [] if count == 1 else found[2:]


def area(positive: NDArray[np.bool_], scores: NDArray[np.float64]) -> Sums:
    """Area and average precision of one column of scores (n,), of whether positive (n,)."""
    return _sums(positive[:, None], scores[:, None], (Named(AREA), Named(PRECISION)))


def columns_of(of: Predictions) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """(n, columns) whether positive, and scores: one column of two classes, one of each class against the rest, one of each label."""
    if of.kind == "multiclass":
        return of.targets.astype(np.int64)[:, None] == np.arange(of.scores.shape[1]), of.scores
    targets, scores = (each.reshape(len(of), -1) for each in (of.targets, of.scores))
    return targets == 1, scores


def placements(positive: NDArray[np.bool_], scores: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
    """The area under the ROC curve, and what each example (n,) contributes to its error: DeLong's structural components, centred
    (DeLong, DeLong and Clarke-Pearson, Biometrics 44, 1988). nan and zeros where either kind is missing.
    """
    above, below = int(positive.sum()), int((~positive).sum())
    if not above or not below:
        return float("nan"), np.zeros(len(scores))
    codes, under, over = _counted(positive, scores)
    won = np.where(
        positive, ((under.cumsum() - under / 2) / below)[codes], 1 - ((over.cumsum() - over / 2) / above)[codes]
    )
    area = float(won[positive].mean())
    return area, (won - area) * len(scores) / np.where(positive, above, below)


def average_precision(positive: NDArray[np.bool_], scores: NDArray[np.float64]) -> float:
    """The mean, over positives, of the precision at their score, as scikit-learn has it; nan without positives."""
    _, below, above = _counted(positive, scores)
    return float(_average_precision(below, above))


# ---- inner steps -------------------------------------------------------------------------------------------------


def _names(of: Predictions, alone: bool) -> tuple[Named, ...]:
    positive = columns_of(of)[0].mean(axis=0)
    mean = "" if alone else "macro "
    chance = "scores at random"
    base = float(positive[positive > 0].mean()) if (positive > 0).any() else None
    named = [Named(mean + AREA, True, 0.5, chance), Named(mean + PRECISION, True, base, chance)]
    if not alone:
        for name, share in zip(of.classes, positive, strict=True):
            named += [
                Named(f"{AREA} of {name}", True, 0.5, chance),
                Named(f"{PRECISION} of {name}", True, float(share), chance),
            ]
    return tuple(named)


@dataclass(frozen=True, eq=False)
class _Column:
    """One column of scores, binned.

    bins         (n,) the bin of each example, lowest scores first
    within       (bins,) the share of each bin's pairs in which the positive one is ranked above; a half of equal scores
    precision    average precision, not binned
    """

    bins: NDArray[np.int64]
    within: NDArray[np.float64]
    precision: float


def _sums(positive: NDArray[np.bool_], scores: NDArray[np.float64], named: tuple[Named, ...]) -> Sums:
    """Sums: for each column how many negatives, then how many positives, are in each bin, lowest scores first."""
    from scipy import sparse

    count = scores.shape[1]
    columns = [_column(positive[:, at], scores[:, at], BINS if count == 1 else BINS_EACH) for at in range(count)]
    width = max(len(each.within) for each in columns)
    within = np.stack([np.pad(each.within, (0, width - len(each.within))) for each in columns])
    places = np.stack([each.bins + width * positive[:, at] for at, each in enumerate(columns)], axis=1)
    whole = np.stack([np.bincount(places[:, at], minlength=2 * width) for at in range(count)]).astype(np.float64)
    binned = _average_precision(whole[:, :width], whole[:, width:])
    offsets = np.nan_to_num([each.precision for each in columns] - binned)

    def function(sums: NDArray[np.float64]) -> NDArray[np.float64]:
        counts = sums.reshape(len(sums), count, 2, width)
        below, above = counts[:, :, 0], counts[:, :, 1]
        areas, precisions = _area(below, above, within), _average_precision(below, above) + offsets
        means = np.stack([mean_of_defined(areas), mean_of_defined(precisions)], axis=1)
        if count == 1:
            return means
        return np.concatenate([means, np.stack([areas, precisions], axis=2).reshape(len(sums), -1)], axis=1)

    if count == 1:
        return Sums(named, function, places[:, 0], sparse.eye_array(2 * width, format="csr"))
    at = places + 2 * width * np.arange(count)
    table = sparse.csr_array(
        (np.ones(at.size), at.ravel(), np.arange(0, at.size + 1, count)), shape=(len(scores), count * 2 * width)
    )
    return Sums(named, function, np.arange(len(scores)), table)


def _column(positive: NDArray[np.bool_], scores: NDArray[np.float64], bins: int) -> _Column:
    """Equal scores are in one bin; positives and negatives about equally many in each."""
    codes, below, above = _counted(positive, scores)
    precision = float(_average_precision(below, above))
    if len(above) <= bins:
        return _Column(codes, np.full(len(above), 0.5), precision)
    share = (above / max(1, above.sum()) + below / max(1, below.sum())) / 2
    place = ((share.cumsum() - share / 2) * bins).astype(np.int64).clip(0, bins - 1)
    place = np.unique(place, return_inverse=True)[1]
    each = np.bincount(place, below)
    under = below.cumsum() - below / 2 - (each.cumsum() - each)[place]  # negatives of the bin below, ties as halves
    won, pairs = np.bincount(place, above * under), each * np.bincount(place, above)
    return _Column(place[codes], np.divide(won, pairs, out=np.full(len(won), 0.5), where=pairs > 0), precision)


def _counted(
    positive: NDArray[np.bool_], scores: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    """Which of all different scores, lowest first, each example has; how many negatives and how many positives have each."""
    values, codes = np.unique(scores, return_inverse=True)
    above = np.bincount(codes[positive], minlength=len(values)).astype(np.float64)
    return codes, np.bincount(codes, minlength=len(values)) - above, above


def _area(below: NDArray[np.float64], above: NDArray[np.float64], within: NDArray[np.float64]) -> NDArray[np.float64]:
    under = below.cumsum(axis=-1) - below
    won = (above * (under + within * below)).sum(-1)
    return ratio(won, above.sum(-1) * below.sum(-1))


def _average_precision(below: NDArray[np.float64], above: NDArray[np.float64]) -> NDArray[np.float64]:
    """The mean, over positives, of the precision at their score; over the last axis, lowest scores first."""
    hits = above[..., ::-1].cumsum(axis=-1)
    called = hits + below[..., ::-1].cumsum(axis=-1)
    precision = np.divide(hits, called, out=np.zeros(hits.shape), where=called > 0)
    return ratio((above[..., ::-1] * precision).sum(-1), hits[..., -1])


def _by_delong(
    columns: Sequence[tuple[NDArray[np.bool_], NDArray[np.float64]]],
    named: tuple[Named, ...],
    groups: NDArray[Any] | None,
    level: float,
) -> list[Figure]:
    """Areas with DeLong's error, of many units; average precision without interval. Of `columns` one for each training."""
    each = range(columns[0][0].shape[1])
    found = [[placements(positive[:, at], scores[:, at]) for at in each] for positive, scores in columns]
    areas = np.array([[area for area, _ in training] for training in found])
    precisions = np.array([[average_precision(p[:, at], s[:, at]) for at in each] for p, s in columns])
    influences = np.mean([[part for _, part in training] for training in found], axis=0)
    defined = np.isfinite(areas[0])
    means = influences[defined].mean(axis=0) if defined.any() else np.zeros(influences.shape[1])
    made: list[Figure] = []
    rows = [(mean_of_defined(areas), mean_of_defined(precisions), means)]
    rows += [(areas[:, at], precisions[:, at], influences[at]) for at in each] if len(named) > 2 else []
    for at, (area_of, precision_of, influence) in enumerate(rows):
        interval = linear(float(area_of.mean()), influence, groups, level, "DeLong") if influence.any() else None
        made += [_figure(named[2 * at], area_of, interval), _figure(named[2 * at + 1], precision_of, None)]
    return made


def _figure(named: Named, values: NDArray[np.float64], interval: Interval | None) -> Figure:
    spread = float(values.std(ddof=1)) if len(values) > 1 else None
    return Figure(named.name, float(values.mean()), interval, True, named.baseline, named.against, spread)
