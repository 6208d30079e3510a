"""What a moved threshold is worth on other data: fitted on one part of the predictions, scored on the rest, in turn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seatrial.errors import UsageProblem
from seatrial.evaluation.predictions import Predictions
from seatrial.evaluation.thresholds.decisions import Decided, confusion, confusion_of
from seatrial.evaluation.thresholds.moving import Threshold, moved

FOLDS = 5


@dataclass(frozen=True, slots=True, eq=False)
class CrossFitted:
    """A moved threshold and what it can be expected to bring.

    threshold  fitted to all of the predictions: the one to use.
    unmoved    the metric of the answers as they were.
    expected   the metric of `answers`, each by a threshold that was fitted without it.
    answers    (n,) class indexes.
    folds      in how many parts.
    """

    threshold: Threshold
    unmoved: float
    expected: float
    answers: NDArray[np.int64]
    folds: int

    @property
    def optimism(self) -> float:
        """How much too good the fitted threshold looks on what it was fitted to."""
        return self.threshold.value - self.expected


def cross_fitted(predictions: Predictions, metric: Decided, *, folds: int = FOLDS, seed: int = 0) -> CrossFitted:
    """Move the threshold, and see what that brings on examples that it was not fitted to. Each fold has its share of each class;
    examples of one group are in one fold.

    Raises:
        UsageProblem: some class has one example only, or the predictions are not of one class an example.
    """
    whole = moved(predictions, metric)
    least = int(np.unique(predictions.targets, return_counts=True)[1].min())
    units = len(predictions) if predictions.groups is None else len(np.unique(predictions.groups))
    used = min(folds, least, units)
    if used < 2:
        raise UsageProblem(
            "Expected at least two examples of each class, and two groups, to fit a threshold and to score it, found one.",
            "threshold-examples",
            "Give more validation data of it; the logit adjustment needs none.",
        )
    answers = np.empty(len(predictions), dtype=np.int64)
    for fitted, scored in _folds(predictions, used, seed):
        if len(scored):  # few groups may leave a fold empty
            answers[scored] = moved(predictions.at(fitted), metric).answers(predictions.at(scored))
    expected = float(metric.of(confusion(predictions.targets, answers, len(predictions.classes))))
    return CrossFitted(whole, float(metric.of(confusion_of(predictions))), expected, answers, used)


def _folds(predictions: Predictions, folds: int, seed: int) -> Any:
    from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

    kind = StratifiedKFold if predictions.groups is None else StratifiedGroupKFold
    splitter = kind(folds, shuffle=True, random_state=seed)
    return splitter.split(np.zeros(len(predictions)), predictions.targets, predictions.groups)
