"""Metrics of decisions, of many confusion matrices at once: a threshold is swept over all of them.

All of them follow from three figures a class: how many are of it, how many were answered so, and how many of these are right."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seatrial.catalogue import nearest
from seatrial.errors import UsageProblem
from seatrial.evaluation.predictions import Kind, Predictions

Confusions = NDArray[Any]  # (..., classes, classes) counts by true class, then by answered class


@dataclass(frozen=True, slots=True, eq=False)
class Counts:
    """(..., classes) examples of each class, answers of each, and how many of them are right."""

    true: NDArray[Any]
    answered: NDArray[Any]
    right: NDArray[Any]


@dataclass(frozen=True, slots=True)
class Decided:
    """A metric of decisions, the higher the better: `of_counts` gives values (...). `binary`: it is for two classes only."""

    name: str
    words: str
    of_counts: Callable[[Counts], NDArray[Any]]
    binary: bool = False

    def of(self, confusions: Confusions) -> NDArray[Any]:
        """(...) of confusion matrices (..., classes, classes)."""
        return self.of_counts(counts_of(confusions))


def counts_of(confusions: Confusions) -> Counts:
    """Of confusion matrices."""
    right = np.diagonal(confusions, axis1=-2, axis2=-1)
    return Counts(confusions.sum(axis=-1), confusions.sum(axis=-2), right)


def confusion(targets: NDArray[Any], answers: NDArray[Any], classes: int) -> NDArray[np.int64]:
    """(classes, classes) how often which class was answered for which."""
    pairs = targets.astype(np.int64) * classes + answers.astype(np.int64)
    return np.bincount(pairs, minlength=classes * classes).reshape(classes, classes)


def confusion_of(predictions: Predictions) -> NDArray[np.int64]:
    """That of predictions of one class an example, or of one a pixel.

    Raises:
        UsageProblem: they are of another kind.
    """
    if predictions.kind == "segmentation":
        return predictions.scores.sum(axis=0)
    check_kind(predictions.kind)
    return confusion(predictions.targets, predictions.labels, len(predictions.classes))


def recalls(confusions: Confusions) -> NDArray[Any]:
    """(..., classes) the share of each class that is found; nan where it has no example."""
    return _recalls(counts_of(confusions))


def named(name: str, kind: Kind) -> Decided:
    """A metric by name.

    Raises:
        UsageProblem: there is none, or it is one of two classes and there are more.
    """
    if name not in METRICS:
        near = nearest(name, METRICS)
        hint = f"Did you mean {near[0]}?" if near else "See `seatrial imbalance --help`."
        raise UsageProblem(f"Expected a metric of decisions ({', '.join(METRICS)}), found {name!r}.", "no-metric", hint)
    if METRICS[name].binary and kind != "binary":
        hint = "macro-f1 is its mean over classes."
        raise UsageProblem(f"Expected a metric for several classes, found {name}, which is for two.", "no-metric", hint)
    return METRICS[name]


def check_kind(kind: Kind) -> None:
    """Refuse what is not decided between classes.

    Raises:
        UsageProblem: it is not.
    """
    if kind not in ("binary", "multiclass"):
        hint = "Labels of which several may hold are as many binary decisions."
        raise UsageProblem(f"Expected one class for each example, found a {kind} task.", "no-classes", hint)


# ---- the metrics -------------------------------------------------------------------------------------------------


def _share(part: NDArray[Any], whole: NDArray[Any]) -> NDArray[Any]:
    """Part by whole; nan where the whole is nothing."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(whole > 0, part / whole, np.nan)


def _recalls(of: Counts) -> NDArray[Any]:
    return _share(of.right, of.true)


def _accuracy(of: Counts) -> NDArray[Any]:
    return of.right.sum(axis=-1) / of.true.sum(axis=-1)


def _balanced(of: Counts) -> NDArray[Any]:
    return np.nanmean(_recalls(of), axis=-1)


def _worst(of: Counts) -> NDArray[Any]:
    return np.nanmin(_recalls(of), axis=-1)


def _geometric(of: Counts) -> NDArray[Any]:
    with np.errstate(divide="ignore"):
        return np.exp(np.nanmean(np.log(_recalls(of)), axis=-1))


def _f1_each(of: Counts) -> NDArray[Any]:
    """(..., classes); nan where a class neither occurs nor is answered."""
    return _share(2 * of.right, of.true + of.answered)


def _f1(of: Counts) -> NDArray[Any]:
    return np.nan_to_num(_f1_each(of)[..., 1])


def _macro_f1(of: Counts) -> NDArray[Any]:
    return np.nanmean(_f1_each(of), axis=-1)


def _overlap(of: Counts) -> NDArray[Any]:
    return np.nanmean(_share(of.right, of.true + of.answered - of.right), axis=-1)


def _correlation(of: Counts) -> NDArray[Any]:
    """Matthews' coefficient for several classes (Gorodkin 2004); 0 where all answers are one class."""
    true, answered = of.true.astype(float), of.answered.astype(float)
    total = true.sum(axis=-1)
    up = of.right.sum(axis=-1) * total - (true * answered).sum(axis=-1)
    down = np.sqrt((total**2 - (answered**2).sum(axis=-1)) * (total**2 - (true**2).sum(axis=-1)))
    return np.where(down > 0, up / np.where(down > 0, down, 1), 0.0)


METRICS = {
    each.name: each
    for each in (
        Decided("balanced-accuracy", "mean of the recalls of all classes", _balanced),
        Decided("worst-recall", "the lowest recall of a class", _worst),
        Decided("g-mean", "geometric mean of the recalls of all classes", _geometric),
        Decided("macro-f1", "mean of the F1 of all classes", _macro_f1),
        Decided("mean-iou", "mean intersection over union of all classes", _overlap),
        Decided("f1", "F1 of class 1", _f1, binary=True),
        Decided("mcc", "Matthews' correlation coefficient", _correlation),
        Decided("accuracy", "share of right answers", _accuracy),
    )
}
