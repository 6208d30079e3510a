"""The threshold that is best for a metric on the predictions at hand: swept exactly between all scores.

Probabilities that are right need no fit: for balanced accuracy the best threshold is the class's own share, for accuracy one half
(Elkan, "The foundations of cost-sensitive learning", 2001; Menon et al., "On the statistical consistency of algorithms for binary
classification under class imbalance", 2013). A fitted one serves where they are not right, and for metrics such as F1, whose best
threshold depends on how good the model is (Lipton et al., "Optimal thresholding of classifiers to maximize F1 measure", 2014).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seatrial.evaluation.predictions import Predictions
from seatrial.evaluation.thresholds.decisions import Counts, Decided, check_kind, confusion

_ROUNDS = 20
_SAME = 1e-12
_POWERS = np.linspace(
    0, 1.5, 7
)  # of the classes' shares, to begin from: 0 leaves answers as they are, 1 is the logit adjustment
_MOST = (
    200_000  # figures of classes at once: beyond it, only each second, third, ... cut among several classes is tried
)


@dataclass(frozen=True, slots=True, eq=False)
class Threshold:
    """Answers the class with the largest weight times probability.

    weights  (classes,) of two classes (t, 1 - t): class 1 is answered from a probability of t on.
    value    of the metric, on the predictions that it was fitted to: too good by itself, see `crossing.cross_fitted`.
    """

    weights: NDArray[np.float64]
    value: float

    @property
    def threshold(self) -> float:
        """From which probability of class 1 on it is answered, of two classes."""
        return float(self.weights[0])

    def answers(self, predictions: Predictions) -> NDArray[np.int64]:
        """(n,) class indexes."""
        if predictions.kind == "binary":
            return (predictions.scores >= self.threshold).astype(np.int64)
        return (predictions.probabilities * self.weights).argmax(axis=1)


def moved(predictions: Predictions, metric: Decided) -> Threshold:
    """The threshold, or the weights of classes, with the highest value of a metric.

    Of two classes all thresholds are compared; of more each class's weight in turn, exactly between all examples, until none
    brings anything (the best one for all classes at once would be a search without end).

    Raises:
        UsageProblem: the predictions are not of one class an example.
    """
    check_kind(predictions.kind)
    if predictions.kind == "binary":
        return _binary(predictions, metric)
    return _several(predictions, metric)


def adjusted(predictions: Predictions, shares: NDArray[Any], power: float = 1.0) -> NDArray[np.int64]:
    """(n,) answers with each probability divided by the class's share of the training data, to a power: the logit adjustment
    afterwards (Menon et al., "Long-tail learning via logit adjustment", 2021, equation 9)."""
    return (predictions.probabilities * shares**-power).argmax(axis=1)


# ---- inner steps -------------------------------------------------------------------------------------------------


def _binary(predictions: Predictions, metric: Decided) -> Threshold:
    order = np.argsort(predictions.scores, kind="stable")
    scores, targets = predictions.scores[order], predictions.targets[order].astype(np.int64)
    cuts = np.flatnonzero(np.diff(scores) > 0) + 1
    cuts = np.concatenate([[0], cuts, [len(scores)]])  # so many of the lowest scores are answered 0
    ones = np.concatenate([[0], np.cumsum(targets)])[cuts]
    zeros, all_ones = cuts - ones, int(targets.sum())
    true = np.array([len(targets) - all_ones, all_ones])
    answered, right = np.stack([cuts, len(targets) - cuts], axis=-1), np.stack([zeros, all_ones - ones], axis=-1)
    values = metric.of_counts(Counts(np.broadcast_to(true, right.shape), answered, right))
    below = np.concatenate([[min(0.0, scores[0])], scores])[cuts]
    above = np.concatenate([scores, [max(1.0, np.nextafter(scores[-1], np.inf))]])[cuts]
    at = _widest(values, above - below)
    middle = 0.0 if at == 0 else max((below[at] + above[at]) / 2, np.nextafter(below[at], np.inf))
    return Threshold(np.array([middle, 1 - middle]), float(values[at]))


def _widest(values: NDArray[Any], gaps: NDArray[Any]) -> int:
    """Of the best values that with the widest gap around it."""
    best = values >= values.max() - _SAME
    return int(np.where(best, gaps, -np.inf).argmax())


def _several(predictions: Predictions, metric: Decided) -> Threshold:
    probabilities, targets = predictions.probabilities, predictions.targets.astype(np.int64)
    classes = probabilities.shape[1]
    shares = np.maximum(np.bincount(targets, minlength=classes), 1) / len(targets)
    starts = [shares**-power for power in _POWERS]
    values = [float(metric.of(confusion(targets, (probabilities * w).argmax(axis=1), classes))) for w in starts]
    at = int(np.argmax(values))
    weights, value = starts[at].copy(), values[at]
    for _ in range(_ROUNDS):
        before = value
        for each in range(classes):
            weight, found = _best_weight(probabilities, targets, weights, each, metric)
            if found > value + _SAME:
                weights[each], value = weight, found
        if value <= before + _SAME:
            break
    return Threshold(weights / weights.sum(), value)


def _best_weight(
    probabilities: NDArray[Any], targets: NDArray[Any], weights: NDArray[Any], of: int, metric: Decided
) -> tuple[float, float]:
    """The best weight of one class, those of the others as they are, and the metric's value with it."""
    classes = len(weights)
    others = probabilities * weights
    others[:, of] = -1.0
    rivals, levels = others.argmax(axis=1), others.max(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        needed = np.where(probabilities[:, of] > 0, levels / probabilities[:, of], np.inf)  # the weight that it takes
    order = np.argsort(needed, kind="stable")
    edges = needed[order]
    cuts = np.concatenate([np.flatnonzero(np.diff(edges) > 0) + 1, [len(edges)]])
    cuts = cuts[np.isfinite(edges[cuts - 1]) & (edges[cuts - 1] > 0)]
    if not len(cuts):
        return float(weights[of]), -np.inf
    cuts = cuts[:: max(1, len(cuts) * classes // _MOST)]
    values = metric.of_counts(_switched(targets[order], rivals[order], of, cuts, classes))
    below, above = edges[cuts - 1], np.append(edges, np.inf)[cuts]
    gaps = np.log(np.minimum(above, 4 * below)) - np.log(below)  # the last one has no end
    at = _widest(values, gaps)
    return float(np.sqrt(below[at] * min(above[at], 4 * below[at]))), float(values[at])


def _switched(targets: NDArray[Any], rivals: NDArray[Any], of: int, cuts: NDArray[Any], classes: int) -> Counts:
    """Counts (cuts, classes) with the first so many examples answered by one class, the others by its rivals."""
    steps = np.searchsorted(cuts, np.arange(len(targets)), side="right")
    kept = steps < len(cuts)
    steps, was, true = steps[kept], rivals[kept], targets[kept]
    answered, right = np.zeros((2, len(cuts), classes), dtype=np.int64)
    np.add.at(answered, (steps, was), -1)
    np.add.at(right, (steps, was), -(was == true).astype(np.int64))
    answered[:, of] += np.bincount(steps, minlength=len(cuts))
    right[:, of] += np.bincount(steps[true == of], minlength=len(cuts))
    first_answered = np.bincount(rivals, minlength=classes)
    first_right = np.bincount(rivals[rivals == targets], minlength=classes)
    all_true = np.broadcast_to(np.bincount(targets, minlength=classes), answered.shape)
    return Counts(all_true, first_answered + np.cumsum(answered, axis=0), first_right + np.cumsum(right, axis=0))
