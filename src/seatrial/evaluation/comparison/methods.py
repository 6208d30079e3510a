"""What is compared: a method is known by its predictions, one table a training, or by its scores, one a seed or a fold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from seatrial.evaluation.predictions import Predictions

Cell: TypeAlias = tuple[str, str]  # repeat and fold, or "" and seed


@dataclass(frozen=True, eq=False)
class Predicted:
    """A method known by predictions, one table for each training of it."""

    name: str
    trainings: tuple[Predictions, ...]


@dataclass(frozen=True, eq=False)
class Scored:
    """A method known by one score for each training of it.

    by      what tells its trainings apart: seeds, on one test set; or folds, each on test data of its own.
    scores  by seed, or by repeat and fold.
    ratio   of folds: test examples over training examples; 0: not said, they are folds that all examples go through once.
    figure  what the score is, and whether more is better.
    data    names what they were measured on.
    """

    name: str
    by: Literal["seed", "fold"]
    scores: dict[Cell, float]
    ratio: float = 0.0
    figure: str = "score"
    higher: bool = True
    data: str = ""


Method: TypeAlias = Predicted | Scored
