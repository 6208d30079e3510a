"""What is examined: the chosen model with what turns its probabilities into answers, and the file that stands for both."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seatrial.evaluation.predictions import Predictions
from seatrial.files import replace as write_file
from seatrial.practice.lecture.practice import Practice

DECISION = "decision.json"
_LEAST = 1e-12  # a weight of 0 would leave an example that is sure to be of that class without any probability
Scores = NDArray[Any]
Predictor = Callable[[Sequence[Any]], Scores]


@dataclass(frozen=True, slots=True)
class Chosen:
    """What is examined: the file that stands for it, what it says of inputs, and what it said of the validation data."""

    file: Path
    predictor: Predictor
    validation: Predictions


@dataclass(frozen=True, slots=True)
class Weighing:
    """A predictor whose probabilities are weighed by class, and made to add up to 1 again."""

    predictor: Predictor
    weights: NDArray[np.float64]

    def __call__(self, inputs: Sequence[Any]) -> Scores:
        return self.weighed(self.predictor(inputs))

    def weighed(self, scores: Scores) -> Scores:
        """(n, classes) probabilities, or (n,) of the second of two classes."""
        values = (np.stack([1 - scores, scores], axis=1) if scores.ndim == 1 else scores) * np.maximum(
            self.weights, _LEAST
        )
        values = values / values.sum(axis=1, keepdims=True)
        return values[:, 1] if scores.ndim == 1 else values


def decided(practice: Practice, chosen: Chosen) -> Chosen:
    """The same with its probabilities as the remedy for rare classes weighs them: the class with the largest is the answer. The file is
    then decision.json, which holds the weights and the hash of the model's: its own changes with either."""
    weights = _weights(practice, chosen.validation)
    if weights is None:
        return chosen
    with chosen.file.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    remedy = practice.diary.value("imbalance", "remedy")
    written = {"model": chosen.file.name, "sha256": digest, "remedy": remedy, "class_weights": weights.tolist()}
    place = practice.folder / DECISION
    write_file(place, json.dumps(written, indent=1, allow_nan=False).encode())
    weigh = Weighing(chosen.predictor, weights)
    said = chosen.validation
    return replace(chosen, file=place, predictor=weigh, validation=said.with_scores(weigh.weighed(said.scores)))


def _weights(practice: Practice, said: Predictions) -> NDArray[np.float64] | None:
    """(classes,) by which the remedy multiplies probabilities; None where it leaves them as they are."""
    remedy = practice.diary.value("imbalance", "remedy")
    if not remedy:
        return None
    from seatrial.evaluation.thresholds.decisions import named
    from seatrial.evaluation.thresholds.moving import moved
    from seatrial.practice.imbalance.rarity import rarity
    from seatrial.practice.imbalance.remedies import ADJUSTED, THRESHOLD, choice
    from seatrial.practice.lecture.choosing import BALANCED

    after = choice(remedy).after
    if after == THRESHOLD:
        return moved(said, named(BALANCED, said.kind)).weights
    return 1 / rarity(practice.prepared).shares if after == ADJUSTED else None
