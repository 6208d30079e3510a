"""The figures that methods are compared by: metrics of `seatrial.evaluation.metrics` by name, and what each example contributes to them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from seatrial.catalogue import nearest
from seatrial.evaluation.comparison.contributions import of_sums
from seatrial.evaluation.comparison.values import Values, refused
from seatrial.evaluation.metrics import classes, labels, pixels, probabilities, ranking, values
from seatrial.evaluation.metrics.sums import Sums
from seatrial.evaluation.predictions import Kind, Predictions


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure of predictions.

    value          of a table.
    contributions  (n,) of its examples, whose mean is the value: exact of means, else linear around it (jackknife; DeLong 1988 of areas).
    is_mean        it is the mean of what each example is worth by itself.
    counted        each is worth 0 or 1.
    sums           it is a function of sums over examples: column `at` of those.
    """

    name: str
    value: Callable[[Predictions], float]
    contributions: Callable[[Predictions], Values]
    higher: bool = True
    is_mean: bool = False
    counted: bool = False
    sums: Callable[[Predictions], Sums] | None = None
    at: int = 0


def figure(name: str, kind: Kind) -> Figure:
    """The figure of a name for a kind of predictions; "" for the usual one of that kind.

    Raises:
        UsageProblem: there is none of that name.
    """
    known = FIGURES[kind]
    if name and name not in known:
        near = nearest(name, known)
        hint = f"Did you mean {near[0]}?" if near else f"There are: {', '.join(known)}."
        raise refused(f"a figure for {kind} predictions", repr(name), "compare-figure", hint)
    return known[name or next(iter(known))]


# ---- of each form ----------------------------------------------------------------------------------------------------


def _mean(
    name: str, of_examples: Callable[[Predictions], Values], higher: bool = True, counted: bool = False
) -> Figure:
    return Figure(name, lambda of: float(of_examples(of).mean()), of_examples, higher, True, counted)


def _function(name: str, sums: Callable[[Predictions], Sums], at: int, higher: bool = True) -> Figure:
    def value(of: Predictions) -> float:
        made = sums(of)
        totals = np.bincount(made.codes, minlength=made.table.shape[0]) @ made.table
        return float(made.function(np.asarray(totals)[None])[0, at])

    return Figure(name, value, lambda of: of_sums(sums(of), at), higher, sums=sums, at=at)


def _right(of: Predictions) -> Values:
    return of.right.astype(np.float64)


def _exact_match(of: Predictions) -> Values:
    return (of.labels == of.targets).all(axis=1).astype(np.float64)


def _labels_wrong(of: Predictions) -> Values:
    return (of.labels != of.targets).mean(axis=1)


def _absolute(of: Predictions) -> Values:
    return np.abs(of.targets - of.scores).reshape(len(of), -1).mean(axis=1)


def _squared(of: Predictions) -> Values:
    return ((of.targets - of.scores) ** 2).reshape(len(of), -1).mean(axis=1)


def _area(of: Predictions) -> float:
    return float(np.mean([area for area, _ in _placements(of)]))


def _placed(of: Predictions) -> Values:
    return np.mean([area + parts for area, parts in _placements(of)], axis=0)


def _placements(of: Predictions) -> list[tuple[float, Values]]:
    """Of the classes (or labels) that some examples have and others have not; of all, if there is none such: then nan."""
    found = [ranking.placements(*column) for column in _columns(of)]
    return [each for each in found if np.isfinite(each[0])] or found


def _columns(of: Predictions) -> list[tuple[np.ndarray, np.ndarray]]:
    positive, scores = ranking.columns_of(of)
    return [(positive[:, at], scores[:, at]) for at in range(scores.shape[1])]


def _precision_sums(of: Predictions) -> Sums:
    return ranking.area(*_columns(of)[0])


# ---- by kind ---------------------------------------------------------------------------------------------------------

_ROC_AUC = Figure("roc-auc", _area, _placed)
_CLASSES = (
    _mean("accuracy", _right, counted=True),
    _function("balanced-accuracy", classes.overall, 1),
    _function("f1", classes.overall, 2),
    _function("mcc", classes.overall, 3),
    _mean("log-loss", probabilities.log_losses, higher=False),
    _mean("brier", probabilities.squared, higher=False),
    _ROC_AUC,
)
_BY_KIND: dict[Kind, tuple[Figure, ...]] = {
    "binary": (*_CLASSES, _function("average-precision", _precision_sums, 1)),
    "multiclass": _CLASSES,
    "multilabel": (
        _mean("exact-match", _exact_match, counted=True),
        _mean("hamming-loss", _labels_wrong, higher=False),
        _function("micro-f1", labels.overall, 2),
        _function("f1", labels.overall, 3),
        _mean("log-loss", probabilities.log_losses, higher=False),
        _mean("brier", probabilities.squared, higher=False),
        _ROC_AUC,
    ),
    "regression": (
        _mean("mae", _absolute, higher=False),
        _mean("mse", _squared, higher=False),
        _function("rmse", values.overall, 0, higher=False),
        _function("r2", values.overall, 2),
    ),
    "segmentation": (
        _function("mean-iou", pixels.overall, 0),
        _function("mean-dice", pixels.overall, 1),
        _function("pixel-accuracy", pixels.overall, 2),
        _function("balanced-accuracy", pixels.overall, 3),
    ),
}
FIGURES: dict[Kind, dict[str, Figure]] = {kind: {each.name: each for each in of} for kind, of in _BY_KIND.items()}
"""By kind of predictions and name; the first of each kind is the usual one. F1 of several classes or labels is the mean over them."""
