"""Predictions held against several raters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seatrial.errors import UsageProblem
from seatrial.evaluation.metrics import classes
from seatrial.evaluation.metrics.figure import Figure
from seatrial.evaluation.metrics.sums import figures
from seatrial.evaluation.predictions import Predictions
from seatrial.evaluation.rating.agreement import cohens_kappa, fleiss_kappa, krippendorffs_alpha, majority
from seatrial.evaluation.rating.entropy import compared


@dataclass(frozen=True, slots=True)
class Rated:
    """raters: how many; agreement: among themselves; ties: examples without a majority; majority: the model against it (those
    left out); entropy: of the model, of a rater, and their difference, see `seatrial.evaluation.rating.entropy`."""

    raters: int
    agreement: tuple[Figure, ...]
    ties: int
    majority: tuple[Figure, ...]
    entropy: tuple[Figure, ...]


def rated(of: Predictions, labels: NDArray[Any], level: float, resamples: int, seed: int) -> Rated:
    """Hold classes against those of several raters, (n, raters), -1 where one gave none.

    Raises:
        UsageProblem: they do not fit the predictions.
    """
    given = np.asarray(labels)
    if of.kind not in ("binary", "multiclass") or given.ndim != 2 or len(given) != len(of) or given.shape[1] < 2:
        raise UsageProblem(
            f"Expected classes by two raters at least for each of {len(of)} examples, found an array of shape {given.shape} "
            f"for {of.kind} predictions.",
            "raters",
        )
    if given.max() >= len(of.classes):
        raise UsageProblem(f"Expected classes up to {len(of.classes) - 1}, found {given.max()}.", "raters")
    settings = (level, resamples, seed)
    found = [krippendorffs_alpha(given, "nominal", *settings)]
    if given.shape[1] == 2:
        found.append(cohens_kappa(given[:, 0], given[:, 1], *settings))
    elif (given >= 0).all():
        found.append(fleiss_kappa(given, *settings))
    most = majority(given)
    clear = most >= 0
    against = of.at(clear)
    against = Predictions(of.kind, most[clear], against.scores, against.ids, against.groups, of.classes)
    entropy = compared(given, of.labels, of.groups, *settings)
    agreed = figures([classes.overall(against)], against.groups, *settings)
    return Rated(given.shape[1], tuple(found), int((~clear).sum()), tuple(agreed), entropy)
