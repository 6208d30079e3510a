"""Scores of every kind of answer as probabilities over classes in the last axis, and back; what votes are taken from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seatrial.errors import UsageProblem
from seatrial.evaluation.predictions import Kind, Predictions, matched

CLASSES: tuple[Kind, ...] = ("binary", "multiclass", "multilabel")


def together(members: Sequence[Predictions]) -> list[Predictions]:
    """Members whose rows are in one order, to be combined.

    Raises:
        UsageProblem: there are none, they are of other examples, or only counts of them are known.
    """
    if not members:
        raise UsageProblem("Expected predictions to combine, found none.", "vote-none", "Give one table a member.")
    if members[0].kind == "segmentation":
        raise UsageProblem(
            "Expected predictions with an answer an example, found counts of pixels, which cannot vote.",
            "vote-segmentation",
            "Let the networks' outputs be averaged within one model, and predict with that.",
        )
    found = matched(members)
    shapes = {each.scores.shape for each in found}
    if len(shapes) > 1:
        raise UsageProblem(
            f"Expected members that tell the same classes apart, found scores of shapes {sorted(shapes)}.",
            "vote-classes",
            "Give each member a column for each class.",
        )
    return found


def checked(weights: Sequence[float] | NDArray[Any] | None, members: int) -> NDArray[np.float64]:
    """Weights (members,) that add up to 1; equal ones if nothing is given.

    Raises:
        UsageProblem: there are more or fewer than members, one is below 0 or none above it.
    """
    found = np.ones(members) if weights is None else np.asarray(weights, dtype=np.float64)
    if found.shape != (members,) or not np.isfinite(found).all() or found.min() < 0 or found.sum() <= 0:
        raise UsageProblem(
            f"Expected {members} weights from 0 on, one above it, found {found.tolist()}.",
            "vote-weights",
            "One a member.",
        )
    return found / found.sum()


def columns(of: Predictions) -> NDArray[np.float64]:
    """Probabilities over classes: (n, classes), of several labels (n, labels, 2).

    Raises:
        UsageProblem: the answers are no classes.
    """
    if of.kind not in CLASSES:
        raise UsageProblem(
            f"Expected predictions of classes, found {of.kind}.", "vote-kind", "Of numbers take the mean (soft)."
        )
    scores = np.clip(np.asarray(of.scores, dtype=np.float64), 0.0, 1.0)
    return scores if of.kind == "multiclass" else np.stack([1 - scores, scores], axis=-1)


def scores(kind: Kind, of: NDArray[np.float64]) -> NDArray[np.float64]:
    """The scores that a table of predictions has for such columns."""
    return of if kind == "multiclass" else of[..., 1]
