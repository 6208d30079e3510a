"""How far raters agree: kappa of two (Cohen), of several (Fleiss), alpha for any number with gaps (Krippendorff).

All take labels (n, raters) of classes 0, 1, ...; -1 where a rater gave none.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from seatrial.errors import UsageProblem
from seatrial.evaluation.intervals.bootstrap import RESAMPLES, bootstrap
from seatrial.evaluation.intervals.cells import Cells
from seatrial.evaluation.metrics.figure import Figure

Scale = Literal["nominal", "ordinal", "interval"]
Labels = NDArray[np.integer[Any]]


def votes(labels: Labels, classes: int = 0) -> NDArray[np.int64]:
    """(n, classes) how many raters gave each example each class.

    Raises:
        UsageProblem: they are no classes.
    """
    given = np.asarray(labels)
    if given.ndim != 2 or given.dtype.kind not in "iu" or given.min(initial=0) < -1:
        raise UsageProblem(
            f"Expected classes (n, raters) from 0 on, -1 for none, found {given.dtype} of shape {given.shape}.",
            "raters",
        )
    count = max(classes, int(given.max(initial=0)) + 1)
    return np.stack([(given == each).sum(axis=1) for each in range(count)], axis=1)


def majority(labels: Labels) -> NDArray[np.int64]:
    """(n,) the class that most raters gave; -1 where there is no single one."""
    counts = votes(labels)
    most = counts.max(axis=1, keepdims=True)
    single = ((counts == most).sum(axis=1) == 1) & (most[:, 0] > 0)
    return np.where(single, counts.argmax(axis=1), -1)


def mean_rating(ratings: NDArray[Any]) -> NDArray[np.float64]:
    """(n,) the mean of ratings (n, raters), nan where a rater gave none; nan where nobody gave one."""
    given = np.isfinite(ratings)
    count = given.sum(axis=1)
    return np.divide(np.where(given, ratings, 0).sum(axis=1), count, out=np.full(len(ratings), np.nan), where=count > 0)


def cohens_kappa(
    first: Labels, second: Labels, level: float = 0.95, resamples: int = RESAMPLES, seed: int = 0
) -> Figure:
    """Of two raters, over the examples that both rated (J. Cohen, Educ. Psychol. Meas. 20, 1960)."""
    both = (first >= 0) & (second >= 0)
    one, other = first[both], second[both]
    count = int(max(one.max(initial=0), other.max(initial=0))) + 1

    def kappa(sums: NDArray[np.float64]) -> NDArray[np.float64]:
        table = sums.reshape(-1, count, count)
        total = table.sum(axis=(1, 2))
        agreed = np.einsum("rcc->r", table) / total
        chance = (table.sum(axis=2) * table.sum(axis=1)).sum(axis=1) / total**2
        return _above(agreed, chance)

    cells = Cells.coded(one * count + other, np.eye(count * count))
    return _figure("Cohen's kappa", kappa, cells, level, resamples, seed)


def fleiss_kappa(labels: Labels, level: float = 0.95, resamples: int = RESAMPLES, seed: int = 0) -> Figure:
    """Of several raters, the same number for each example (J. L. Fleiss, Psychol. Bull. 76, 1971).

    Raises:
        UsageProblem: some examples have more ratings than others.
    """
    counts = votes(labels)
    raters = counts.sum(axis=1)
    if raters.min() != raters.max() or raters[0] < 2:
        raise UsageProblem(
            f"Expected as many ratings for each example, at least two, found {raters.min()} to {raters.max()}.",
            "raters",
            "Krippendorff's alpha allows gaps.",
        )
    pairs = float(raters[0] * (raters[0] - 1))
    agreeing = ((counts * (counts - 1)).sum(axis=1) / pairs)[:, None]

    def kappa(sums: NDArray[np.float64]) -> NDArray[np.float64]:
        total = sums[:, -1]
        shares = sums[:, 1:-1] / (total * raters[0])[:, None]
        return _above(sums[:, 0] / total, (shares**2).sum(axis=1))

    cells = Cells.of(np.concatenate([agreeing, counts, np.ones((len(counts), 1))], axis=1))
    return _figure("Fleiss' kappa", kappa, cells, level, resamples, seed)


def krippendorffs_alpha(
    labels: Labels, scale: Scale = "nominal", level: float = 0.95, resamples: int = RESAMPLES, seed: int = 0
) -> Figure:
    """Of any number of raters with gaps; classes are names, ranks or numbers by the scale (K. Krippendorff, Computing Krippendorff's
    Alpha-Reliability, 2011). The interval is that of other examples with these raters."""
    counts = votes(labels).astype(np.float64)
    counts = counts[counts.sum(axis=1) > 1]  # an example that one rater saw has no pair
    if not len(counts):
        raise UsageProblem("Expected examples with several ratings, found none.", "raters")
    classes, raters = counts.shape[1], counts.sum(axis=1)
    pairs = counts[:, :, None] * counts[:, None, :] - np.einsum("nc,cd->ncd", counts, np.eye(classes))
    coincidences = (pairs / (raters - 1)[:, None, None]).reshape(len(counts), -1)

    def alpha(sums: NDArray[np.float64]) -> NDArray[np.float64]:
        table = sums.reshape(-1, classes, classes)
        sizes = table.sum(axis=2)
        distance = _distances(sizes, scale)
        seen = (table * distance).sum(axis=(1, 2))
        chance = (sizes[:, :, None] * sizes[:, None, :] * distance).sum(axis=(1, 2)) / (sizes.sum(axis=1) - 1)
        return 1 - np.divide(seen, chance, out=np.full(len(seen), np.nan), where=chance > 0)

    return _figure(f"Krippendorff's alpha ({scale})", alpha, Cells.of(coincidences), level, resamples, seed)


# ---- inner steps -------------------------------------------------------------------------------------------------


def _above(agreed: NDArray[np.float64], chance: NDArray[np.float64]) -> NDArray[np.float64]:
    """Agreement above chance, as a share of all that is possible; nan where chance alone agrees always."""
    return np.divide(agreed - chance, 1 - chance, out=np.full(agreed.shape, np.nan), where=chance < 1)


def _figure(name: str, function: Any, cells: Cells, level: float, resamples: int, seed: int) -> Figure:
    value = float(function(cells.totals[None])[0])
    interval = bootstrap(function, cells, level=level, resamples=resamples, seed=seed)[0] if cells.units > 1 else None
    return Figure(name, value, interval, True, 0.0, "agreement by chance")


def _distances(sizes: NDArray[np.float64], scale: Scale) -> NDArray[np.float64]:
    """(r, classes, classes) squared differences of classes (sections D of the paper)."""
    classes = sizes.shape[1]
    if scale == "nominal":
        return np.broadcast_to(1.0 - np.eye(classes), (len(sizes), classes, classes))
    if scale == "interval":
        steps = np.subtract.outer(np.arange(classes), np.arange(classes)).astype(np.float64)
        return np.broadcast_to(steps**2, (len(sizes), classes, classes))
    middle = (
        sizes.cumsum(axis=1) - sizes / 2
    )  # ranks: how many ratings lie between, halves of the two classes themselves
    return (middle[:, :, None] - middle[:, None, :]) ** 2
