"""A linear model as a member: ridge regression, or logistic regression. What is linear, nothing does better with few examples."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seatrial.evaluation.predictions import Kind, Predictions
from seatrial.practice.ensembles.features import Features, features, read, write
from seatrial.practice.refusal import refused
from seatrial.practice.task import Data, Task

PENALTIES = np.geomspace(
    1e-2, 1e4, 13
)  # of a ridge regression on standardised features, among which leaving one out decides
STRENGTHS = np.geomspace(
    1e-3, 1e2, 6
)  # inverse ones, of a logistic regression, among which folds of the training data decide
FOLDS = 3
MOST_STEPS = 500


def fit(kind: Kind, training: Features, classes: int, seed: int, path: Path) -> None:
    """Fit on the training examples (each feature standardised) and keep the coefficients in a file.

    Raises:
        UsageProblem: the answers are neither numbers nor one class an example, or all examples are of one class.
    """
    if kind not in ("binary", "multiclass", "regression"):
        wanted = "one class, or numbers, an example"
        raise refused(wanted, f"{kind} answers", "ensemble-linear", "Leave classical out of --kinds.")
    mean, scale = training.values.mean(axis=0), training.values.std(axis=0)
    scale[scale == 0] = 1.0
    values = (training.values - mean) / scale
    if kind == "regression":
        weights, constant = _ridge(values, training.targets)
        known = np.arange(len(constant))
    else:
        known = np.unique(training.targets).astype(np.int64)
        if len(known) < 2:
            raise refused(
                "training examples of two classes", "one", "ensemble-linear", "Leave classical out of --kinds."
            )
        weights, constant = _logistic(values, training.targets, seed)
    arrays = {"weights": weights, "constant": constant, "known": known, "mean": mean, "scale": scale}
    write(path, arrays, kind=kind, classes=classes)


def predict(task: Task, path: Path, data: Data, *, name: str = "", seed: int = 0, data_name: str = "") -> Predictions:
    """What the model says of some data of the task.

    Raises:
        UsageProblem: the file or the data are not what they should be.
    """
    arrays, about = read(path)
    kind: Kind = about["kind"]
    given = features(task, data, kind)
    found = (given.values - arrays["mean"]) / arrays["scale"] @ arrays["weights"].T + arrays["constant"]
    if kind == "regression":
        scores = found.reshape(given.targets.shape)
    else:
        probabilities = np.zeros((len(found), about["classes"]))
        probabilities[:, arrays["known"]] = _softmax(found)
        scores = probabilities[:, 1] if kind == "binary" else probabilities
    return Predictions(kind, given.targets, scores, given.ids, None, (), name, seed, data_name)


# ---- inner steps -------------------------------------------------------------------------------------------------


def _ridge(values: NDArray[np.float64], targets: NDArray[Any]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(outputs, d) weights and (outputs,) constants."""
    from sklearn.linear_model import RidgeCV

    model: Any = RidgeCV(PENALTIES).fit(values, targets)
    return np.atleast_2d(model.coef_), np.atleast_1d(model.intercept_)


def _logistic(
    values: NDArray[np.float64], targets: NDArray[Any], seed: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(classes, d) weights and (classes,) constants whose softmax are the probabilities."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    def model(strength: float) -> Any:
        return LogisticRegression(C=strength, max_iter=MOST_STEPS)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # nearly there is as good a voice
        found = model(_chosen(model, values, targets, seed)).fit(values, targets)
    weights, constant = found.coef_, found.intercept_
    if len(weights) == 1:  # of two classes it keeps the second alone
        weights, constant = np.concatenate([np.zeros_like(weights), weights]), np.array([0.0, constant[0]])
    return weights, constant


def _chosen(model: Callable[[float], Any], values: NDArray[np.float64], targets: NDArray[Any], seed: int) -> float:
    """The strength with the lowest log loss over folds; 1 where a class has too few examples for them."""
    from sklearn.model_selection import StratifiedKFold, cross_val_score

    if np.unique(targets, return_counts=True)[1].min() < FOLDS:
        return 1.0
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=seed)
    worth = [
        cross_val_score(model(each), values, targets, cv=folds, scoring="neg_log_loss").mean() for each in STRENGTHS
    ]
    return float(STRENGTHS[int(np.argmax(worth))])


def _softmax(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    raised = np.exp(logits - logits.max(axis=1, keepdims=True))
    return raised / raised.sum(axis=1, keepdims=True)
