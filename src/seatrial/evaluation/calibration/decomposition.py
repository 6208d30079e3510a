"""What a Brier score is made of: miscalibration, discrimination, uncertainty.

    Brier score = miscalibration - discrimination + uncertainty

by the best monotone recalibration (pool adjacent violators): T. Dimitriadis, T. Gneiting and A. I. Jordan, Stable reliability diagrams
for probabilistic classifiers, PNAS 118, 2021. Other than with bins (A. H. Murphy, 1973) nothing must be chosen and the three add up
exactly. With few examples miscalibration is somewhat too high, since the recalibration fits chance too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seatrial.evaluation.predictions import Predictions

MOST = 20_000_000  # probabilities


@dataclass(frozen=True, slots=True)
class Decomposition:
    """miscalibration: what recalibration would gain; discrimination: what the model knows of the input; uncertainty: the score of
    always answering the classes' shares."""

    miscalibration: float
    discrimination: float
    uncertainty: float


def decomposed(of: Predictions) -> Decomposition | None:
    """The parts of the Brier score as `metrics.probabilities` defines it: summed over classes, averaged over labels. None of more than
    2e7 probabilities."""
    if of.scores.size > MOST:
        return None
    if of.kind == "multiclass":
        true = of.targets.astype(np.int64)[:, None] == np.arange(of.scores.shape[1])
        parts = np.sum([_parts(true[:, at], of.scores[:, at]) for at in range(true.shape[1])], axis=0)
    else:
        targets, scores = (each.reshape(len(of), -1) for each in (of.targets, of.scores))
        parts = np.mean([_parts(targets[:, at], scores[:, at]) for at in range(targets.shape[1])], axis=0)
    return Decomposition(*map(float, parts))


def _parts(true: NDArray[Any], scores: NDArray[Any]) -> tuple[float, float, float]:
    from sklearn.isotonic import IsotonicRegression

    true, scores = true.astype(np.float64), scores.astype(np.float64)
    best = IsotonicRegression(y_min=0, y_max=1).fit(scores, true).predict(scores)
    score, recalibrated = (float(((each - true) ** 2).mean()) for each in (scores, best))
    uncertainty = float(true.mean() * (1 - true.mean()))
    return score - recalibrated, uncertainty - recalibrated, uncertainty
