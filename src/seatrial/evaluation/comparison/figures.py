"""The figures that methods are compared by. Those that are means over examples are known for each example; all others are
scikit-learn's, of all examples together."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seatrial.catalogue import nearest
from seatrial.evaluation.comparison.values import Values, refused
from seatrial.evaluation.predictions import Kind

Array = NDArray[Any]
_LEAST = 1e-15  # probability, as scikit-learn has it: one answer that was certain and wrong is not infinitely bad


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure of (targets, scores), shaped as `Predictions` of its kind are.

    of_examples  (n,) what each example contributes, if the figure is their mean.
    counted      each contributes 0 or 1.
    """

    name: str
    of: Callable[[Array, Array], float]
    higher: bool = True
    of_examples: Callable[[Array, Array], Values] | None = None
    counted: bool = False


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


# ---- of examples -----------------------------------------------------------------------------------------------------


def _mean(
    name: str, of_examples: Callable[[Array, Array], Values], higher: bool = True, counted: bool = False
) -> Figure:
    return Figure(
        name, lambda targets, scores: float(of_examples(targets, scores).mean()), higher, of_examples, counted
    )


def _two_columns(scores: Array) -> Array:
    return np.stack([1 - scores, scores], axis=1) if scores.ndim == 1 else scores


def _answers(scores: Array) -> Array:
    return scores.argmax(axis=1) if scores.ndim == 2 else scores >= 0.5


def _right(targets: Array, scores: Array) -> Values:
    return np.asarray(_answers(scores) == targets, dtype=np.float64)


def _surprise(targets: Array, scores: Array) -> Values:
    chances = _two_columns(scores)[np.arange(len(targets)), targets.astype(int)]
    return -np.log(np.clip(chances, _LEAST, 1))


def _brier(targets: Array, scores: Array) -> Values:
    """Brier's own sum over classes; of two classes half of it, as is usual."""
    chances = _two_columns(scores)
    gaps = chances - np.eye(chances.shape[1])[targets.astype(int)]
    return (gaps**2).sum(axis=1) / (2 if scores.ndim == 1 else 1)


def _labels_right(targets: Array, scores: Array) -> Values:
    return ((scores >= 0.5) == targets).mean(axis=1)


def _all_right(targets: Array, scores: Array) -> Values:
    return ((scores >= 0.5) == targets).all(axis=1).astype(np.float64)


def _absolute(targets: Array, scores: Array) -> Values:
    return np.abs(targets - scores).reshape(len(targets), -1).mean(axis=1)


def _squared(targets: Array, scores: Array) -> Values:
    return ((targets - scores) ** 2).reshape(len(targets), -1).mean(axis=1)


# ---- of all together -------------------------------------------------------------------------------------------------


def _of_labels(name: str, function: str, **settings: Any) -> Figure:
    def of(targets: Array, scores: Array) -> float:
        import sklearn.metrics

        answers = (scores >= 0.5).astype(int) if targets.ndim == 2 else _answers(scores).astype(int)
        return float(getattr(sklearn.metrics, function)(targets, answers, **settings))

    return Figure(name, of)


def _of_scores(name: str, function: str, higher: bool = True, **settings: Any) -> Figure:
    """nan where it is not defined, as a ranking is not where all examples drawn are of one class."""

    def of(targets: Array, scores: Array) -> float:
        import sklearn.metrics

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                return float(getattr(sklearn.metrics, function)(targets, scores, **settings))
            except ValueError:
                return math.nan

    return Figure(name, of, higher)


def _balanced(targets: Array, scores: Array) -> float:
    right = _right(targets, scores)
    classes, members = np.unique(targets, return_inverse=True)
    return float((np.bincount(members, weights=right) / np.bincount(members, minlength=len(classes))).mean())


def _mean_iou(_: Array, counts: Array) -> float:
    table = counts.sum(axis=0)
    union = table.sum(axis=0) + table.sum(axis=1) - np.diag(table)
    return float((np.diag(table)[union > 0] / union[union > 0]).mean())


def _pixels_right(_: Array, counts: Array) -> float:
    table = counts.sum(axis=0)
    return float(np.trace(table) / table.sum())


_CLASSES = (
    _mean("accuracy", _right, counted=True),
    Figure("balanced-accuracy", _balanced),
    _mean("log-loss", _surprise, higher=False),
    _mean("brier", _brier, higher=False),
    _of_labels("mcc", "matthews_corrcoef"),
)
_BY_KIND: dict[Kind, tuple[Figure, ...]] = {
    "binary": (
        *_CLASSES,
        _of_labels("f1", "f1_score", zero_division=0.0),
        _of_scores("roc-auc", "roc_auc_score"),
        _of_scores("average-precision", "average_precision_score"),
    ),
    "multiclass": (
        *_CLASSES,
        _of_labels("f1", "f1_score", average="macro", zero_division=0.0),
        _of_scores("roc-auc", "roc_auc_score", multi_class="ovr"),
    ),
    "multilabel": (
        _mean("hamming-accuracy", _labels_right),
        _mean("subset-accuracy", _all_right, counted=True),
        _of_labels("f1", "f1_score", average="macro", zero_division=0.0),
        _of_scores("roc-auc", "roc_auc_score"),
    ),
    "regression": (
        _mean("mae", _absolute, higher=False),
        _mean("mse", _squared, higher=False),
        _of_scores("rmse", "root_mean_squared_error", higher=False),
        _of_scores("r2", "r2_score"),
    ),
    "segmentation": (Figure("mean-iou", _mean_iou), Figure("pixel-accuracy", _pixels_right)),
}
FIGURES: dict[Kind, dict[str, Figure]] = {kind: {each.name: each for each in of} for kind, of in _BY_KIND.items()}
"""By kind of predictions and name; the first of each kind is the usual one."""
