"""Gradient boosting as a member: grown by scikit-learn, kept as plain arrays, so that a file can be frozen and nothing in it is executed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seatrial.evaluation.predictions import Kind, Predictions
from seatrial.practice.ensembles.features import Features, features, read, write
from seatrial.practice.refusal import refused
from seatrial.practice.task import Data, Task

KINDS: tuple[Kind, ...] = ("binary", "multiclass", "regression")
_SAME = 1e-6  # between scikit-learn's own predictions and those of the arrays
_HINT = "The other members are made without it."


def grow(kind: Kind, training: Features, classes: int, seed: int, path: Path) -> None:
    """Grow trees by `HistGradientBoostingClassifier` or `...Regressor` with their defaults, and keep them in a file.

    Raises:
        UsageProblem: there are several answers an example, fewer than two classes, or this version of scikit-learn keeps its
            trees in another form.
    """
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    known = np.unique(training.targets)
    if kind not in KINDS or training.targets.ndim != 1 or (kind != "regression" and len(known) < 2):
        found = f"{kind} with {len(known)} values"
        raise refused("one answer an example, of two classes at least", found, "ensemble-trees", _HINT)
    grower: Any = HistGradientBoostingRegressor if kind == "regression" else HistGradientBoostingClassifier
    model = grower(random_state=seed).fit(training.values, training.targets)
    try:
        arrays = _arrays(model)
    except (AttributeError, KeyError, ValueError, TypeError) as error:
        raise refused("scikit-learn's trees in a form that is known", str(error), "ensemble-trees", _HINT) from error
    if kind != "regression":
        arrays["classes"] = known.astype(np.int64)
    few = training.values[:256]
    own = model.predict(few) if kind == "regression" else model.predict_proba(few)
    if np.abs(_values(kind, arrays, few) - own).max() > _SAME * max(1.0, np.abs(own).max()):
        raise refused("scikit-learn's predictions from its trees", "others", "ensemble-trees", _HINT)
    write(path, arrays, kind=kind, classes=classes)


def predict(task: Task, path: Path, data: Data, *, name: str = "", seed: int = 0, data_name: str = "") -> Predictions:
    """What the trees in a file say of some data of the task.

    Raises:
        UsageProblem: the file or the data are not what they should be.
    """
    arrays, about = read(path)
    kind: Kind = about["kind"]
    given = features(task, data, kind)
    values = _values(kind, arrays, given.values)
    if kind == "multiclass":
        scores = np.zeros((len(given), about["classes"]))
        scores[:, arrays["classes"]] = values  # a class that training lacks has no probability
    else:
        scores = values if kind == "regression" else values[:, 1]
    return Predictions(kind, given.targets, scores, given.ids, None, (), name, seed, data_name)


# ---- inner steps -------------------------------------------------------------------------------------------------


def _arrays(model: Any) -> dict[str, NDArray[Any]]:
    """All nodes in one list. `roots` (iterations, outputs): where each tree begins."""
    trees = [tree.nodes for row in model._predictors for tree in row]
    sizes = np.array([len(each) for each in trees])
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    nodes = np.concatenate(trees)
    shift = np.repeat(starts, sizes)
    if nodes["is_categorical"].any():
        raise ValueError("categorical splits")
    leaf = nodes["is_leaf"].astype(bool)
    own = np.arange(len(nodes))
    return {
        "roots": starts.reshape(len(model._predictors), -1).astype(np.int64),
        "baseline": np.asarray(model._baseline_prediction, dtype=np.float64).reshape(-1),
        "feature": np.where(leaf, 0, nodes["feature_idx"]).astype(np.int64),
        "threshold": nodes["num_threshold"].astype(np.float64),
        "missing_left": nodes["missing_go_to_left"].astype(np.uint8),
        "left": np.where(leaf, own, nodes["left"].astype(np.int64) + shift),  # a leaf leads to itself
        "right": np.where(leaf, own, nodes["right"].astype(np.int64) + shift),
        "leaf": leaf.astype(np.uint8),
        "value": nodes["value"].astype(np.float64),
    }


def _values(kind: Kind, arrays: dict[str, NDArray[Any]], rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n, classes) probabilities, or (n,) numbers."""
    raw = np.tile(arrays["baseline"], (len(rows), 1))
    for roots in arrays["roots"]:
        for output, root in enumerate(roots):
            raw[:, output] += arrays["value"][_leaves(arrays, rows, int(root))]
    if kind == "regression":
        return raw[:, 0]
    if kind == "binary":
        raw = np.concatenate([np.zeros_like(raw), raw], axis=1)
    raw = np.exp(raw - raw.max(axis=1, keepdims=True))
    return raw / raw.sum(axis=1, keepdims=True)


def _leaves(arrays: dict[str, NDArray[Any]], rows: NDArray[np.float64], root: int) -> NDArray[np.int64]:
    """(n,) the leaf of a tree in which each row ends."""
    at = np.full(len(rows), root)
    every = np.arange(len(rows))
    while not arrays["leaf"][at].all():
        value = rows[every, arrays["feature"][at]]
        left = np.where(np.isnan(value), arrays["missing_left"][at] == 1, value <= arrays["threshold"][at])
        at = np.where(left, arrays["left"][at], arrays["right"][at])
    return at
