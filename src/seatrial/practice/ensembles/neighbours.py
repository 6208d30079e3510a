"""Nearest neighbours as a member: what it has learnt are the examples themselves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seatrial.evaluation.predictions import Kind, Predictions
from seatrial.practice.ensembles.features import Features, features, read, write
from seatrial.practice.refusal import refused
from seatrial.practice.task import Data, Task

COUNTS = (1, 3, 5, 10, 15, 25)  # of neighbours, among which the training data choose


def learn(kind: Kind, training: Features, classes: int, path: Path) -> None:
    """Keep the training examples (each feature standardised) in a file, and how many neighbours answer: chosen by the training data,
    each example answered by the others.

    Raises:
        UsageProblem: there are fewer than two examples.
    """
    from sklearn.neighbors import NearestNeighbors

    if len(training) < 2:
        raise refused("two training examples at least", f"{len(training)}", "ensemble-neighbours", "Give more.")
    mean, scale = training.values.mean(axis=0), training.values.std(axis=0)
    scale[scale == 0] = 1.0
    places = ((training.values - mean) / scale).astype(np.float32)
    answers = _answers(kind, training.targets, classes)
    prior = answers.mean(axis=0)
    usable = [count for count in COUNTS if count < len(places)]
    near = (
        NearestNeighbors(n_neighbors=max(usable)).fit(places).kneighbors(return_distance=False)
    )  # the example itself left out
    losses = [_loss(kind, _mean(kind, answers[near[:, :count]], prior), answers) for count in usable]
    arrays = {"places": places, "answers": answers, "prior": prior, "mean": mean, "scale": scale}
    write(path, arrays, kind=kind, count=usable[int(np.argmin(losses))])


def predict(task: Task, path: Path, data: Data, *, name: str = "", seed: int = 0, data_name: str = "") -> Predictions:
    """What the neighbours of some data of the task say.

    Raises:
        UsageProblem: the file or the data are not what they should be.
    """
    from sklearn.neighbors import NearestNeighbors

    arrays, about = read(path)
    kind: Kind = about["kind"]
    given = features(task, data, kind)
    places = ((given.values - arrays["mean"]) / arrays["scale"]).astype(np.float32)
    search = NearestNeighbors(n_neighbors=about["count"]).fit(arrays["places"])
    near = search.kneighbors(places, return_distance=False)
    found = _mean(kind, arrays["answers"][near], arrays["prior"])
    scores = found[:, 1] if kind == "binary" else found.reshape(given.targets.shape) if kind == "regression" else found
    return Predictions(kind, given.targets, scores, given.ids, None, (), name, seed, data_name)


# ---- inner steps -------------------------------------------------------------------------------------------------


def _answers(kind: Kind, targets: NDArray[Any], classes: int) -> NDArray[np.float64]:
    """(n, classes), (n, labels) or (n, outputs): what neighbours say, to be averaged."""
    if kind in ("binary", "multiclass"):
        return np.eye(classes)[targets.astype(np.int64)]
    return targets.reshape(len(targets), -1).astype(np.float64)


def _mean(kind: Kind, answers: NDArray[np.float64], prior: NDArray[np.float64]) -> NDArray[np.float64]:
    """The mean over neighbours (axis 1). Of probabilities one more neighbour is counted that says what is usual: none is ever 0 that
    could be."""
    if kind == "regression":
        return answers.mean(axis=1)
    return (answers.sum(axis=1) + prior) / (answers.shape[1] + 1)


def _loss(kind: Kind, found: NDArray[np.float64], answers: NDArray[np.float64]) -> float:
    if kind == "regression":
        return float(((found - answers) ** 2).mean())
    likely = found if kind != "multilabel" else np.where(answers == 1, found, 1 - found)
    true = (likely * answers).sum(axis=1) if kind != "multilabel" else likely
    return float(-np.log(np.maximum(true, 1e-12)).mean())
