"""The metrics that a plan may name, by scikit-learn; and what they cost one example, where they are means over examples."""

from __future__ import annotations

import difflib
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seatrial.errors import UsageProblem

_TEXT = "USO"
Compute = Callable[[NDArray[Any], NDArray[Any]], float]


@dataclass(frozen=True, slots=True)
class Metric:
    """A named score of (targets, predictions). `losses`: per example, in [0, 1], whose mean it is (or 1 less than that)."""

    name: str
    compute: Compute
    higher_is_better: bool = True
    losses: Callable[[NDArray[Any], NDArray[Any]], NDArray[np.float64]] | None = None


def metric(name: str) -> Metric:
    """The metric of a name.

    Raises:
        UsageProblem: there is none.
    """
    if name not in METRICS:
        near = difflib.get_close_matches(name, METRICS, 1)
        hint = f"Did you mean {near[0]}?" if near else f"There are: {', '.join(METRICS)}."
        raise UsageProblem(f"Expected the name of a metric, found {name!r}.", "vault-metric", hint)
    return METRICS[name]


def _sklearn(name: str, **settings: Any) -> Compute:
    def compute(targets: NDArray[Any], predictions: NDArray[Any]) -> float:
        import sklearn.metrics

        with warnings.catch_warnings():
            # Of an answer that no example has: a small test part, or a resample of it, may lack a class. As an error it would cost a look.
            warnings.simplefilter("ignore", UserWarning)
            return float(getattr(sklearn.metrics, name)(targets, predictions, **settings))

    return compute


def _wrong(targets: NDArray[Any], predictions: NDArray[Any]) -> NDArray[np.float64]:
    """1 where a prediction is another class than the target. What is no class at all would be wrong everywhere."""
    if predictions.shape != targets.shape:
        raise _no_classes(f"an array of shape {predictions.shape}")
    if (targets.dtype.kind in _TEXT) != (predictions.dtype.kind in _TEXT):
        raise _no_classes(f"{predictions.dtype} where the targets are {targets.dtype}")
    if predictions.dtype.kind == "f" and targets.dtype.kind not in _TEXT and _fractions(predictions, targets):
        raise _no_classes("numbers with a fraction")
    return np.asarray(targets != predictions, dtype=np.float64)


def _fractions(predictions: NDArray[Any], targets: NDArray[Any]) -> bool:
    """Whether predictions have fractions and targets have none."""
    return bool((predictions % 1).any() and not (targets % 1).any())


def _no_classes(found: str) -> UsageProblem:
    return UsageProblem(
        f"Expected the class of each example, found {found}.",
        "vault-predictions",
        "Return classes as the targets name them, or their numbers: probabilities.argmax(1). This look counts; the same "
        "opening can be scored again.",
    )


METRICS = {
    each.name: each
    for each in (
        Metric("accuracy", _sklearn("accuracy_score"), losses=_wrong),
        Metric("error", _sklearn("zero_one_loss"), False, losses=_wrong),
        Metric("balanced-accuracy", _sklearn("balanced_accuracy_score")),
        Metric("f1", _sklearn("f1_score", average="macro", zero_division=0.0)),
        Metric("mcc", _sklearn("matthews_corrcoef")),
        Metric("roc-auc", _sklearn("roc_auc_score", multi_class="ovr")),
        Metric("average-precision", _sklearn("average_precision_score")),
        Metric("log-loss", _sklearn("log_loss"), False),
        Metric("mae", _sklearn("mean_absolute_error"), False),
        Metric("rmse", _sklearn("root_mean_squared_error"), False),
        Metric("r2", _sklearn("r2_score")),
    )
}
"""Scores of probabilities take an array (n, classes), or (n,) for two classes; all others one prediction an example."""
