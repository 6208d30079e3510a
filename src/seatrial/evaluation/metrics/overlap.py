"""Metrics of counts: how often a class was true, was answered, and both. Of classes, labels and pixels alike.

All take hits, true, called (..., classes): how often each class was rightly answered, was true, was answered.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from seatrial.evaluation.metrics.sums import mean_of_defined, ratio

Counts = NDArray[np.float64]


def recall(hits: Counts, true: Counts) -> Counts:
    return ratio(hits, true)


def precision(hits: Counts, called: Counts) -> Counts:
    return ratio(hits, called)


def f1(hits: Counts, true: Counts, called: Counts) -> Counts:
    """2PR / (P + R), which is Dice's coefficient; nan of a class that is neither true nor answered."""
    return ratio(2 * hits, true + called)


def intersection_over_union(hits: Counts, true: Counts, called: Counts) -> Counts:
    return ratio(hits, true + called - hits)


def balanced_accuracy(hits: Counts, true: Counts) -> Counts:
    """The mean recall of the classes that there are."""
    return mean_of_defined(recall(hits, true))


def macro_f1(hits: Counts, true: Counts, called: Counts) -> Counts:
    """The mean F1 of the classes that are true or answered somewhere."""
    return mean_of_defined(f1(hits, true, called))


def matthews(hits: Counts, true: Counts, called: Counts) -> Counts:
    """Matthews' correlation of truth and answer for any number of classes (J. Gorodkin, Comput. Biol. Chem. 28, 2004); 0 where either is constant."""
    total, right = true.sum(-1), hits.sum(-1)
    above = right * total - (true * called).sum(-1)
    below = (total**2 - (true**2).sum(-1)) * (total**2 - (called**2).sum(-1))
    return np.divide(above, np.sqrt(below), out=np.zeros(above.shape), where=below > 0)
