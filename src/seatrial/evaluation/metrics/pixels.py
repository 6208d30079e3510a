"""Segmentation, from counts of pixels: intersection over union and Dice of each class over all images, pixel accuracy.

What is drawn anew for an interval are images (or their groups), since the pixels of one image are not independent.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from seatrial.evaluation.metrics import overlap
from seatrial.evaluation.metrics.sums import Named, Sums, mean_of_defined, ratio
from seatrial.evaluation.predictions import Predictions


def overall(of: Predictions) -> Sums:
    """Mean IoU, mean Dice (of the classes that are true or answered somewhere), pixel accuracy, balanced accuracy."""
    share = of.targets.sum(axis=0) / max(1, of.targets.sum())
    named = (
        Named("mean IoU"),
        Named("mean Dice"),
        Named("pixel accuracy", baseline=float(share.max()), against="always answering the largest class"),
        Named("balanced accuracy", baseline=1 / max(1, int((share > 0).sum())), against="any constant answer"),
    )

    def function(sums: NDArray[np.float64]) -> NDArray[np.float64]:
        h, t, c = np.split(sums, 3, axis=1)
        union = mean_of_defined(overlap.intersection_over_union(h, t, c))
        right = ratio(h.sum(-1), t.sum(-1))
        return np.stack([union, overlap.macro_f1(h, t, c), right, overlap.balanced_accuracy(h, t)], axis=1)

    return Sums(named, function, np.arange(len(of)), _counts(of))


def by_class(of: Predictions) -> Sums:
    """Recall, precision, Dice and IoU of each class, one after the other."""
    parts = ("recall", "precision", "Dice", "IoU")
    named = tuple(Named(f"{part} of {name}") for name in of.classes for part in parts)

    def function(sums: NDArray[np.float64]) -> NDArray[np.float64]:
        h, t, c = np.split(sums, 3, axis=1)
        found = [
            overlap.recall(h, t),
            overlap.precision(h, c),
            overlap.f1(h, t, c),
            overlap.intersection_over_union(h, t, c),
        ]
        return np.stack(found, axis=2).reshape(len(sums), -1)

    return Sums(named, function, np.arange(len(of)), _counts(of))


def _counts(of: Predictions) -> NDArray[np.float64]:
    """(n, 3 classes) pixels of each image: rightly answered, true, answered."""
    counts = of.scores.astype(np.float64)
    return np.concatenate([np.einsum("ncc->nc", counts), counts.sum(axis=2), counts.sum(axis=1)], axis=1)
