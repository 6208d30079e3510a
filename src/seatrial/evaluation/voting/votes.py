"""Soft and hard voting: one table of predictions from those of several members for the same examples."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from seatrial.errors import UsageProblem
from seatrial.evaluation.predictions import Predictions
from seatrial.evaluation.voting.columns import CLASSES, checked, columns, scores, together

Weights = Sequence[float] | NDArray[Any] | None
# Below it a probability counts as this one where its logarithm is taken.
LEAST = 1e-12
# By so much the winner of a tie is put above the others: less than the smallest difference between votes that are none.
_AHEAD = 1e-9


@dataclass(frozen=True, slots=True)
class HardVote:
    """predictions  scores are shares of the votes.
    ties         (n,) or (n, labels): where several classes had the most votes.
    """

    predictions: Predictions
    ties: NDArray[np.bool_]


def soft(
    members: Sequence[Predictions],
    weights: Weights = None,
    *,
    of: Literal["probabilities", "logs"] = "probabilities",
    model: str = "soft vote",
) -> Predictions:
    """The weighted mean of the members' scores; of a regression that of their answers.

    Args:
        members: predictions for the same examples, in any order of rows; the result has that of the first.
        weights: (members,) from 0 on; equal ones if nothing is given.
        of: the mean of "probabilities", or of their "logs" (the normalised geometric mean: one member that is sure of
            a class's absence outvotes the others; Hinton 2002, products of experts).

    Raises:
        UsageProblem: the members are not of the same examples, or cannot be combined so.
    """
    found = together(members)
    shares = checked(weights, len(found))
    first = found[0]
    if of == "probabilities":
        mean = _sum(shares, (each.scores for each in found))
        if first.kind in CLASSES:
            mean = np.clip(mean, 0.0, 1.0)
        return first.with_scores(mean, model)
    if first.kind not in CLASSES:
        raise UsageProblem(
            f"Expected probabilities for a mean of logarithms, found {first.kind}.",
            "vote-kind",
            "Take of='probabilities'.",
        )
    mean = np.exp(_sum(shares, (np.log(np.maximum(columns(each), LEAST)) for each in found)))
    return first.with_scores(scores(first.kind, mean / mean.sum(axis=-1, keepdims=True)), model)


def hard(
    members: Sequence[Predictions],
    weights: Weights = None,
    *,
    ties: Literal["soft", "first"] = "soft",
    model: str = "hard vote",
) -> HardVote:
    """Each member has one vote an example, or its weight; the class with the most is the answer.

    Args:
        ties: who wins one: the class that the "soft" vote prefers among them, or the "first" class of them.

    Raises:
        UsageProblem: the members are not of the same examples, or their answers are no classes.
    """
    found = together(members)
    shares = checked(weights, len(found))
    classes = columns(found[0]).shape[-1]
    votes = _sum(shares, (np.eye(classes)[_labels(each)] for each in found))
    most = np.isclose(votes, votes.max(axis=-1, keepdims=True), rtol=0, atol=_AHEAD)
    tied = most.sum(axis=-1) > 1
    preferred = _sum(shares, map(columns, found)) if ties == "soft" else np.zeros_like(votes)
    winner = np.eye(classes, dtype=bool)[np.where(most, preferred, -1.0).argmax(axis=-1)]
    votes = np.where(tied[..., None], np.where(winner, votes + _AHEAD * classes, votes - _AHEAD), votes)
    votes = np.clip(votes, 0.0, 1.0)
    return HardVote(found[0].with_scores(scores(found[0].kind, votes), model), tied)


def _sum(shares: NDArray[np.float64], parts: Iterable[NDArray[Any]]) -> NDArray[np.float64]:
    """The weighted sum, one part after the other: scores of many classes are large."""
    return functools.reduce(np.add, (share * part for share, part in zip(shares, parts, strict=True)))


def _labels(of: Predictions) -> NDArray[np.int64]:
    return np.asarray(of.labels, dtype=np.int64)
