"""The figures that methods are compared by. Those that are means over examples are known for each example, all others of all examples
together. They are scikit-learn's, written anew without its checks: a permutation or a bootstrap asks for thousands of them."""

from __future__ import annotations

import math
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


def _confusion(targets: Array, answers: Array) -> Array:
    """(classes, classes) counts by target, then by answer."""
    classes = int(max(targets.max(), answers.max())) + 1
    pairs = targets.astype(np.int64) * classes + answers.astype(np.int64)
    return np.bincount(pairs, minlength=classes**2).reshape(classes, classes)


def _f1_of(hits: Array, told: Array, true: Array) -> float:
    """Mean over classes (or labels) that occur among targets or answers."""
    occurs = told + true > 0
    return float((2 * hits[occurs] / (told + true)[occurs]).mean()) if occurs.any() else 0.0


def _f1_binary(targets: Array, scores: Array) -> float:
    answers, true = scores >= 0.5, targets > 0
    both = int(np.count_nonzero(answers)) + int(np.count_nonzero(true))
    return 2 * int(np.count_nonzero(answers & true)) / both if both else 0.0


def _f1_classes(targets: Array, scores: Array) -> float:
    table = _confusion(targets, _answers(scores))
    return _f1_of(np.diag(table), table.sum(axis=0), table.sum(axis=1))


def _f1_labels(targets: Array, scores: Array) -> float:
    answers = scores >= 0.5
    both = answers.sum(axis=0) + targets.sum(axis=0)
    return float((2 * (answers & (targets > 0)).sum(axis=0) / np.maximum(both, 1)).mean())


def _mcc(targets: Array, scores: Array) -> float:
    """Gorodkin 2004 for several classes."""
    table = _confusion(targets, _answers(scores)).astype(np.float64)
    told, true, all_of = table.sum(axis=0), table.sum(axis=1), table.sum()
    below = (all_of**2 - told @ told) * (all_of**2 - true @ true)
    return float((np.trace(table) * all_of - told @ true) / math.sqrt(below)) if below > 0 else 0.0


def _auc(targets: Array, scores: Array) -> float:
    """By ranks (Mann and Whitney); nan where all examples are of one class."""
    from scipy.stats import rankdata

    true = targets > 0
    positive = int(np.count_nonzero(true))
    negative = len(true) - positive
    if not positive or not negative:
        return math.nan
    return float((rankdata(scores)[true].sum() - positive * (positive + 1) / 2) / (positive * negative))


def _auc_classes(targets: Array, scores: Array) -> float:
    """Each class against the rest, mean over classes."""
    return float(np.mean([_auc(targets == at, scores[:, at]) for at in range(scores.shape[1])]))


def _auc_labels(targets: Array, scores: Array) -> float:
    return float(np.mean([_auc(targets[:, at], scores[:, at]) for at in range(scores.shape[1])]))


def _average_precision(targets: Array, scores: Array) -> float:
    """nan without an example of class 1."""
    order = np.argsort(-scores, kind="stable")
    hits = np.cumsum(targets[order] > 0)
    last = np.flatnonzero(np.append(np.diff(scores[order]) != 0, True))  # of examples with the same score
    if not hits[-1]:
        return math.nan
    gained = np.diff(hits[last], prepend=0) / hits[-1]
    return float((gained * hits[last] / (last + 1)).sum())


def _r2(targets: Array, scores: Array) -> float:
    """Mean over outputs, as scikit-learn has it."""
    rest = ((targets - scores) ** 2).sum(axis=0)
    return float(np.mean(1 - rest / ((targets - targets.mean(axis=0)) ** 2).sum(axis=0)))


def _rmse(targets: Array, scores: Array) -> float:
    """Mean over outputs, as scikit-learn has it."""
    return float(np.mean(np.sqrt(((targets - scores) ** 2).mean(axis=0))))


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
    Figure("mcc", _mcc),
)
_BY_KIND: dict[Kind, tuple[Figure, ...]] = {
    "binary": (
        *_CLASSES,
        Figure("f1", _f1_binary),
        Figure("roc-auc", _auc),
        Figure("average-precision", _average_precision),
    ),
    "multiclass": (
        *_CLASSES,
        Figure("f1", _f1_classes),
        Figure("roc-auc", _auc_classes),
    ),
    "multilabel": (
        _mean("hamming-accuracy", _labels_right),
        _mean("subset-accuracy", _all_right, counted=True),
        Figure("f1", _f1_labels),
        Figure("roc-auc", _auc_labels),
    ),
    "regression": (
        _mean("mae", _absolute, higher=False),
        _mean("mse", _squared, higher=False),
        Figure("rmse", _rmse, higher=False),
        Figure("r2", _r2),
    ),
    "segmentation": (Figure("mean-iou", _mean_iou), Figure("pixel-accuracy", _pixels_right)),
}
FIGURES: dict[Kind, dict[str, Figure]] = {kind: {each.name: each for each in of} for kind, of in _BY_KIND.items()}
"""By kind of predictions and name; the first of each kind is the usual one."""
