"""Figures of one training with a remedy, on the validation data: decisions, what each class gets, and how far probabilities hold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seatrial.evaluation.predictions import Predictions
from seatrial.evaluation.thresholds.crossing import CrossFitted, cross_fitted
from seatrial.evaluation.thresholds.decisions import METRICS, Confusions, Decided, confusion, confusion_of, recalls
from seatrial.evaluation.thresholds.moving import adjusted
from seatrial.practice.imbalance.rarity import Rarity
from seatrial.practice.imbalance.remedies import ADJUSTED, THRESHOLD, Choice

_LEAST = 1e-12


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """One training.

    figure       the metric that is compared.
    confusion    (classes, classes).
    answers      (n,) class indexes; (n, classes, classes) counts of pixels, of a segmentation.
    precision    average precision of the rarest class; nan where it is not known.
    loss         log loss of the probabilities as they come, and `corrected` by the shares of classes; nan where not known.
    crossed      the threshold, where one was moved.
    """

    figure: float
    confusion: Confusions
    answers: NDArray[np.int64]
    precision: float
    loss: float
    corrected: float
    crossed: CrossFitted | None = None

    @property
    def recalls(self) -> NDArray[Any]:
        """(classes,)"""
        return recalls(self.confusion)

    @property
    def accuracy(self) -> float:
        return float(METRICS["accuracy"].of(self.confusion))


def judge(predictions: Predictions, chosen: Choice, rarity: Rarity, metric: Decided) -> Judged:
    """Figures of a training's predictions for the validation data, with what a choice does afterwards."""
    if predictions.kind == "segmentation":
        table = confusion_of(predictions)
        nothing = float("nan")
        return Judged(float(metric.of(table)), table, predictions.scores, nothing, nothing, nothing)
    answers, crossed = predictions.labels, None
    if chosen.after == ADJUSTED:
        answers = adjusted(predictions, rarity.shares)
    elif chosen.after == THRESHOLD:
        crossed = cross_fitted(predictions, metric)
        answers = crossed.answers
    table = confusion(predictions.targets, answers, len(rarity.counts))
    odds = chosen.remedy.odds(rarity)
    corrected = predictions if odds is None else corrected_by(predictions, odds)
    loss, after = _log_loss(predictions), float("nan") if odds is None else _log_loss(corrected)
    return Judged(float(metric.of(table)), table, answers, _precision(corrected, rarity), loss, after, crossed)


def corrected_by(predictions: Predictions, odds: NDArray[Any]) -> Predictions:
    """Predictions with each probability multiplied by its class's odds, and made to add up to 1 again: a training with other
    shares of classes, or with weights, gives the probabilities of data that are so (Elkan 2001, theorem 2; Saerens et al.,
    "Adjusting the outputs of a classifier to new a priori probabilities", 2002, equation 2)."""
    values = predictions.probabilities * odds
    values = values / values.sum(axis=1, keepdims=True)
    return predictions.with_scores(values[:, 1] if predictions.kind == "binary" else values)


def rarest_scores(predictions: Predictions, rarity: Rarity) -> tuple[NDArray[Any], NDArray[Any]]:
    """(n,) whether each example is of the rarest class that the validation data have, and its probability of being so."""
    seen = np.where(rarity.validation > 0, rarity.counts, np.iinfo(np.int64).max)
    at = int(seen.argmin())
    return predictions.targets == at, predictions.probabilities[:, at]


def _precision(predictions: Predictions, rarity: Rarity) -> float:
    from sklearn.metrics import average_precision_score

    true, scores = rarest_scores(predictions, rarity)
    return float(average_precision_score(true, scores))


def _log_loss(predictions: Predictions) -> float:
    right = np.take_along_axis(predictions.probabilities, predictions.targets.astype(int)[:, None], axis=1)
    return float(-np.log(np.maximum(right, _LEAST)).mean())
