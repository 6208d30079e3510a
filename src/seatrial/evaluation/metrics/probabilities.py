"""Proper scores of probabilities: log loss and Brier score, lowest for the true probabilities."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from seatrial.evaluation.metrics.sums import Named, Sums
from seatrial.evaluation.predictions import Predictions

SMALLEST = float(np.finfo(np.float64).eps)  # a probability of 0 is taken for this, as scikit-learn does
AGAINST = "the share of each class, whatever the input"


def proper(of: Predictions) -> Sums:
    """Log loss (natural logarithm) and Brier score: of classes the mean squared length of probabilities minus truth, of two classes half of
    that; of several labels the mean over labels (G. W. Brier, Monthly Weather Review 78, 1950)."""
    summands = np.stack([log_losses(of), squared(of), np.ones(len(of))], axis=1)
    constant = of.with_scores(_shares(of))
    named = (
        Named("log loss", False, float(log_losses(constant).mean()), AGAINST),
        Named("Brier score", False, float(squared(constant).mean()), AGAINST),
    )
    return Sums(named, lambda sums: sums[:, :2] / sums[:, 2:], np.arange(len(of)), summands)


def log_losses(of: Predictions) -> NDArray[np.float64]:
    """(n,) of each example."""
    if of.kind == "multilabel":
        right = np.where(of.targets == 1, of.scores, 1 - of.scores)
        return -np.log(right.clip(SMALLEST, 1)).mean(axis=1)
    right = np.take_along_axis(of.probabilities, of.targets.astype(np.int64)[:, None], axis=1)[:, 0]
    return -np.log(right.clip(SMALLEST, 1))


def squared(of: Predictions) -> NDArray[np.float64]:
    """(n,) Brier score of each example."""
    if of.kind == "multiclass":
        right = np.take_along_axis(of.scores, of.targets.astype(np.int64)[:, None], axis=1)[:, 0]
        return (of.scores**2).sum(axis=1) - 2 * right + 1
    error = (of.scores - of.targets) ** 2
    return error.mean(axis=1) if error.ndim == 2 else error


def _shares(of: Predictions) -> NDArray[np.float64]:
    """Scores that are the same for each example: the share of each class or label."""
    if of.kind == "multiclass":
        shares = np.bincount(of.targets.astype(np.int64), minlength=of.scores.shape[1]) / len(of)
        return np.broadcast_to(shares, of.scores.shape)
    return np.broadcast_to(of.targets.mean(axis=0), of.scores.shape)
