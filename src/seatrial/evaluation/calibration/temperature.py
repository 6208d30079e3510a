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
MOST = (
    500_000  # probabilities from which one temperature is known well enough: so many examples, drawn at random, say it
)


def temperature(validation: Predictions, *, cautious: bool = False) -> float:
    """The temperature with the lowest log loss on validation data, between 0.05 and 20; above 1: the model was too sure.

    Args:
        cautious: where n examples show no mistake, the best temperature is 0, and the first mistake costs without bound. So each target
            counts as right with (n + 1) / (n + 2) only, as the rule of succession has it (J. Platt, Probabilistic Outputs for Support
            Vector Machines, 1999, section 2.2, takes such targets for his sigmoid); what is left is spread over the other classes.

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

    rows = slice(None)
    if validation.scores.size > MOST:
        some = MOST // (validation.scores.size // len(validation))
        rows = np.random.default_rng(0).choice(len(validation), some, replace=False)
    logits = _logits(validation.scores[rows], validation.kind == "multiclass")
    targets = validation.targets[rows].astype(np.int64)
    doubt = 1 / (len(targets) + 2) if cautious else 0.0

    def loss(logarithm: float) -> float:
        scaled = logits / math.exp(logarithm)
        if validation.kind != "multiclass":
            told = np.where(targets == 1, -scaled, scaled)
            return float(np.logaddexp(0, told).mean() - doubt * told.mean())
        true = np.take_along_axis(scaled, targets[:, None], axis=1)[:, 0]
        others = (scaled.sum(axis=1) - true) / (scaled.shape[1] - 1) if doubt else true
        return float((logsumexp(scaled, axis=1) - (1 - doubt) * true - doubt * others).mean())

    found = minimize_scalar(
        loss, bounds=(math.log(LOWEST), math.log(HIGHEST)), method="bounded", options={"xatol": 1e-5}
    )
    return math.exp(float(found.x))


def rescaled(of: Predictions, by: float) -> Predictions:
    """The same answers with logits divided by a temperature."""
    return of.with_scores(_divided(of.scores, by, of.kind == "multiclass"))


def crossed(of: Predictions, seed: int = 0, *, cautious: bool = False) -> Predictions:
    """Each fifth of the examples (of the groups) rescaled by the temperature of the others: what the scaling is worth, though there is no other data."""
    units = np.arange(len(of)) if of.groups is None else np.unique(of.groups, return_inverse=True)[1]
    fold = np.random.default_rng(seed).permutation(int(units.max()) + 1)[units] % FOLDS
    scores = np.array(of.scores, dtype=np.float64)
    for each in np.unique(fold):
        here = fold == each
        if not here.all():
            scores[here] = rescaled(of.at(here), temperature(of.at(~here), cautious=cautious)).scores
    return of.with_scores(scores)


def _divided(scores: NDArray[Any], by: float, over_classes: bool) -> NDArray[np.float64]:
    from scipy.special import expit, softmax

    scaled = _logits(scores, over_classes) / by
    return np.asarray(softmax(scaled, axis=1) if over_classes else expit(scaled))


def _logits(scores: NDArray[Any], over_classes: bool) -> NDArray[np.float64]:
    logs = np.log(scores.clip(SMALLEST, 1))
    return logs if over_classes else logs - np.log((1 - scores).clip(SMALLEST, 1))
