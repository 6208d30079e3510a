"""Metrics of decisions as functions of confusion matrices, many at once: a threshold is swept over all of them."""

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


@dataclass(frozen=True, slots=True)
class Decided:
    """A metric of decisions, the higher the better: `of` maps confusion matrices (..., classes, classes) to values (...)."""

    name: str
    words: str
    of: Callable[[Confusions], NDArray[Any]]
    binary: bool = False


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
    return _share(_diagonal(confusions), confusions.sum(axis=-1))


def metric(name: str, kind: Kind) -> Decided:
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


def _diagonal(confusions: Confusions) -> NDArray[Any]:
    return np.diagonal(confusions, axis1=-2, axis2=-1)


def _share(part: NDArray[Any], whole: NDArray[Any]) -> NDArray[Any]:
    """Part by whole; nan where the whole is nothing."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(whole > 0, part / whole, np.nan)


def _accuracy(confusions: Confusions) -> NDArray[Any]:
    return _diagonal(confusions).sum(axis=-1) / confusions.sum(axis=(-2, -1))


def _balanced(confusions: Confusions) -> NDArray[Any]:
    return np.nanmean(recalls(confusions), axis=-1)


def _worst(confusions: Confusions) -> NDArray[Any]:
    return np.nanmin(recalls(confusions), axis=-1)


def _geometric(confusions: Confusions) -> NDArray[Any]:
    found = recalls(confusions)
    with np.errstate(divide="ignore"):
        return np.exp(np.nanmean(np.log(found), axis=-1))


def _overlaps(confusions: Confusions, both: float) -> NDArray[Any]:
    """Mean over the classes that occur of tp * both / (tp * both + fp + fn): F1 for 2, intersection over union for 1."""
    right = _diagonal(confusions)
    missed = confusions.sum(axis=-1) + confusions.sum(axis=-2) - 2 * right
    return np.nanmean(_share(both * right, both * right + missed), axis=-1)


def _f1(confusions: Confusions) -> NDArray[Any]:
    right = confusions[..., 1, 1]
    return np.nan_to_num(_share(2 * right, 2 * right + confusions[..., 0, 1] + confusions[..., 1, 0]))


def _correlation(confusions: Confusions) -> NDArray[Any]:
    """Matthews' coefficient for several classes (Gorodkin 2004); 0 where all answers are one class."""
    counts = confusions.astype(float)
    total, right = counts.sum(axis=(-2, -1)), _diagonal(counts).sum(axis=-1)
    true, answered = counts.sum(axis=-1), counts.sum(axis=-2)
    up = right * total - (true * answered).sum(axis=-1)
    down = np.sqrt((total**2 - (answered**2).sum(axis=-1)) * (total**2 - (true**2).sum(axis=-1)))
    return np.where(down > 0, up / np.where(down > 0, down, 1), 0.0)


METRICS = {
    each.name: each
    for each in (
        Decided("balanced-accuracy", "mean of the recalls of all classes", _balanced),
        Decided("worst-recall", "the lowest recall of a class", _worst),
        Decided("g-mean", "geometric mean of the recalls of all classes", _geometric),
        Decided("macro-f1", "mean of the F1 of all classes", lambda confusions: _overlaps(confusions, 2.0)),
        Decided(
            "mean-iou", "mean intersection over union of all classes", lambda confusions: _overlaps(confusions, 1.0)
        ),
        Decided("f1", "F1 of class 1", _f1, binary=True),
        Decided("mcc", "Matthews' correlation coefficient", _correlation),
        Decided("accuracy", "share of right answers", _accuracy),
    )
}
