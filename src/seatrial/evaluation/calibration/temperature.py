"""Temperature scaling: one number that makes a model less or more sure, and changes no answer.

C. Guo, G. Pleiss, Y. Sun and K. Q. Weinberger, On Calibration of Modern Neural Networks, ICML 2017, section 4.2. Logarithms of
probabilities serve as logits: they differ from them by a constant, which softmax does not see.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seatrial.errors import UsageProblem
from seatrial.evaluation.predictions import Predictions

LOWEST, HIGHEST = 0.05, 20.0
SMALLEST = 1e-12  # probability; below it a logarithm says more of rounding than of the model
FOLDS = 5


def temperature(validation: Predictions) -> float:
    """The temperature with the lowest log loss on validation data, between 0.05 and 20; above 1: the model was too sure.

    Raises:
        UsageProblem: the predictions have no probabilities.
    """
    from scipy.optimize import minimize_scalar
    from scipy.special import logsumexp

    if validation.kind not in ("binary", "multiclass", "multilabel"):
        raise UsageProblem(
            f"Expected probabilities of classes, found {validation.kind} predictions.",
            "calibration-kind",
            "A temperature is for probabilities.",
        )

    logits = _logits(validation.scores, validation.kind == "multiclass")
    targets = validation.targets.astype(np.int64)

    def loss(logarithm: float) -> float:
        scaled = logits / math.exp(logarithm)
        if validation.kind != "multiclass":
            return float(np.logaddexp(0, np.where(targets == 1, -scaled, scaled)).mean())
        return float((logsumexp(scaled, axis=1) - np.take_along_axis(scaled, targets[:, None], axis=1)[:, 0]).mean())

    found = minimize_scalar(
        loss, bounds=(math.log(LOWEST), math.log(HIGHEST)), method="bounded", options={"xatol": 1e-5}
    )
    return math.exp(float(found.x))


def rescaled(of: Predictions, by: float) -> Predictions:
    """The same answers with logits divided by a temperature."""
    return of.with_scores(_divided(of.scores, by, of.kind == "multiclass"))


def crossed(of: Predictions, seed: int = 0) -> Predictions:
    """Each fifth of the examples (of the groups) rescaled by the temperature of the others: what the scaling is worth, though there is no other data."""
    units = np.arange(len(of)) if of.groups is None else np.unique(of.groups, return_inverse=True)[1]
    fold = np.random.default_rng(seed).permutation(int(units.max()) + 1)[units] % FOLDS
    scores = np.array(of.scores, dtype=np.float64)
    for each in np.unique(fold):
        here = fold == each
        if not here.all():
            scores[here] = rescaled(of.at(here), temperature(of.at(~here))).scores
    return of.with_scores(scores)


def _divided(scores: NDArray[Any], by: float, over_classes: bool) -> NDArray[np.float64]:
    from scipy.special import expit, softmax

    scaled = _logits(scores, over_classes) / by
    return np.asarray(softmax(scaled, axis=1) if over_classes else expit(scaled))


def _logits(scores: NDArray[Any], over_classes: bool) -> NDArray[np.float64]:
    logs = np.log(scores.clip(SMALLEST, 1))
    return logs if over_classes else logs - np.log((1 - scores).clip(SMALLEST, 1))
