"""`seatrial practice` on six tasks against a well-tuned scikit-learn baseline on the same split, each with its interval and its time.

    python benchmarks/practice.py [--out DIR] [NAME...]

Tasks: digits, imbalanced_digits, breast_cancer, diabetes, languages, elnino (benchmarks/tasks/). What the practice sealed is the test
part of both; the baseline is chosen by cross-validation on all that the practice did not seal, among the families and over the grids
below, and fitted on it anew. Prints a row as each task ends; up to ten minutes a task.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import balanced_accuracy_score, root_mean_squared_error
from sklearn.model_selection import GridSearchCV, GroupKFold, StratifiedKFold, TimeSeriesSplit
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, SVR, LinearSVC

HERE = Path(__file__).parent
TASKS = ("digits", "imbalanced_digits", "breast_cancer", "diabetes", "languages", "elnino")
RESAMPLES = 2000


def _scaled(model: Any) -> Any:
    return make_pipeline(StandardScaler(), model)


CLASSIFIERS = [
    (_scaled(LogisticRegression(max_iter=3000)), {"logisticregression__C": np.geomspace(1e-3, 100, 6)}),
    (_scaled(SVC()), {"svc__C": np.geomspace(0.1, 100, 4), "svc__gamma": np.geomspace(1e-4, 0.1, 4)}),
    (_scaled(KNeighborsClassifier()), {"kneighborsclassifier__n_neighbors": [1, 3, 5, 9]}),
    (RandomForestClassifier(300, random_state=0), {"max_features": ["sqrt", 0.3]}),
    (HistGradientBoostingClassifier(random_state=0), {"learning_rate": [0.05, 0.1], "max_leaf_nodes": [8, 31]}),
]
# The same, told that classes are rare.
BALANCED = [
    (_scaled(LogisticRegression(max_iter=3000, class_weight="balanced")), CLASSIFIERS[0][1]),
    (_scaled(SVC(class_weight="balanced")), CLASSIFIERS[1][1]),
    (RandomForestClassifier(300, class_weight="balanced_subsample", random_state=0), CLASSIFIERS[3][1]),
    (HistGradientBoostingClassifier(class_weight="balanced", random_state=0), {"max_leaf_nodes": [8, 31]}),
]
REGRESSORS = [
    (_scaled(Ridge()), {"ridge__alpha": np.geomspace(1e-2, 1e3, 8)}),
    (_scaled(SVR()), {"svr__C": np.geomspace(0.1, 10, 4), "svr__gamma": np.geomspace(1e-3, 0.1, 3)}),
    (RandomForestRegressor(300, random_state=0), {"max_features": [0.3, 1.0], "min_samples_leaf": [1, 5]}),
    (HistGradientBoostingRegressor(random_state=0), {"learning_rate": [0.03, 0.1], "max_leaf_nodes": [4, 16]}),
]
LETTERS = [
    (
        make_pipeline(TfidfVectorizer(analyzer="char_wb", ngram_range=(1, 4), sublinear_tf=True), model),
        {f"{type(model).__name__.lower()}__C": np.geomspace(0.1, 100, 4)},
    )
    for model in (LogisticRegression(max_iter=2000), LinearSVC())
]


@dataclass(frozen=True)
class Case:
    """A task for both: the inputs that scikit-learn takes, its targets, candidates, how it is cross-validated and scored."""

    inputs: Any
    targets: NDArray[Any]
    candidates: list[Any]
    folds: Any
    scoring: str
    score: Callable[[NDArray[Any], NDArray[Any]], float]
    metric: str
    highest: bool = True
    groups: NDArray[Any] | None = None


def accuracy(targets: NDArray[Any], answers: NDArray[Any]) -> float:
    return float((targets == answers).mean())


def module_of(name: str) -> Any:
    """The module that describes a task."""
    sys.path.insert(0, str(HERE / "tasks"))
    return importlib.import_module("seatrial.practice.tasks.digits" if name == "digits" else name)


def case(name: str) -> Case:
    """A task's data as scikit-learn takes them."""
    module = module_of(name)
    inputs, targets = (each.numpy() for each in module.task.train.tensors)
    flat, folds = inputs.reshape(len(inputs), -1), StratifiedKFold(5, shuffle=True, random_state=0)
    if name in ("diabetes", "elnino"):
        split = TimeSeriesSplit(5) if name == "elnino" else 5
        scoring = "neg_root_mean_squared_error"
        return Case(flat, targets[:, 0], REGRESSORS, split, scoring, root_mean_squared_error, "rmse", False)
    if name == "languages":
        groups = np.asarray(module.emojis)
        texts = np.array(module.texts, dtype=object)
        return Case(texts, targets, LETTERS, GroupKFold(5), "accuracy", accuracy, "accuracy", groups=groups)
    if name == "imbalanced_digits":
        candidates, scoring = [*CLASSIFIERS, *BALANCED], "balanced_accuracy"
        return Case(flat, targets, candidates, folds, scoring, balanced_accuracy_score, "balanced accuracy")
    return Case(flat, targets, CLASSIFIERS, folds, "accuracy", accuracy, "accuracy")


def practised(name: str, out: Path) -> tuple[dict[str, Any], float]:
    """The diary of a practice, and how long it took."""
    file = [] if name == "digits" else [str(HERE / "tasks" / f"{name}.py")]
    command = [sys.executable, "-m", "seatrial", "practice", "--quiet", "--out", str(out), *file]
    begin = time.monotonic()
    done = subprocess.run(command, env={**os.environ, "SEATRIAL_HOME": str(out.with_suffix(".home"))}, check=False)
    seconds = time.monotonic() - begin
    if done.returncode:
        raise SystemExit(f"{name}: seatrial practice ended with {done.returncode}")
    return json.loads((out / "practice.json").read_text())["stages"], seconds


def baseline(of: Case, left: NDArray[np.int64]) -> Any:
    """The candidate that cross-validation prefers, fitted on what is left to work with."""
    groups = None if of.groups is None else of.groups[left]
    searched = [
        GridSearchCV(clone(model), grid, scoring=of.scoring, cv=of.folds).fit(
            of.inputs[left], of.targets[left], groups=groups
        )
        for model, grid in of.candidates
    ]
    return max(searched, key=lambda each: each.best_score_)


def interval(of: Case, targets: NDArray[Any], answers: NDArray[Any]) -> tuple[float, float]:
    """By resampling test examples (percentiles)."""
    draw = np.random.default_rng(0)
    rows = draw.integers(0, len(targets), (RESAMPLES, len(targets)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # resamples without the rare class
        low, high = np.quantile([of.score(targets[at], answers[at]) for at in rows], [0.025, 0.975])
    return float(low), float(high)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, help="where the practices are kept")
    parser.add_argument("names", nargs="*", metavar="NAME")
    arguments = parser.parse_args()
    print(
        f"{'task':18}{'test':>5}  {'figure':18}{'practice':>26}{'scikit-learn':>26}  {'seconds':>7}  best baseline",
        flush=True,
    )
    with tempfile.TemporaryDirectory() as scratch:
        for name in arguments.names or TASKS:
            row(name, (arguments.out or Path(scratch)) / name)


def row(name: str, out: Path) -> None:
    """One task, both ways."""
    of = case(name)
    stages, seconds = practised(name, out)
    left = np.array(stages["seal"]["values"]["training"])
    test = np.setdiff1d(np.arange(len(of.targets)), left)
    best = baseline(of, left)
    answers = best.predict(of.inputs[test])
    low, high = interval(of, of.targets[test], answers)
    ours = stages["open"]["values"]["scores"][of.metric.replace(" ", "-")]
    told = f"{ours['value']:.4f} [{ours['low']:.4f}, {ours['high']:.4f}]"
    theirs = f"{of.score(of.targets[test], answers):.4f} [{low:.4f}, {high:.4f}]"
    words = type(best.estimator[-1] if hasattr(best.estimator, "steps") else best.estimator).__name__
    print(f"{name:18}{len(test):5}  {of.metric:18}{told:>26}{theirs:>26}  {seconds:7.0f}  {words}", flush=True)


if __name__ == "__main__":
    main()
