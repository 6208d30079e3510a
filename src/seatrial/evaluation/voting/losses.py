"""The proper loss by which members are chosen: of a weighted mean of members, for many weights at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seatrial.evaluation.predictions import Predictions
from seatrial.evaluation.voting.columns import CLASSES, columns, together
from seatrial.evaluation.voting.votes import LEAST


@dataclass(frozen=True, slots=True)
class Cells:
    """What the loss of a soft vote depends on, and no more.

    values   (members, n, parts): the probability of what is true, whose logarithm counts; or the residual, whose square counts.
             `parts` are the labels or outputs of an example.
    squared  whether it is the residual.
    """

    values: NDArray[np.float64]
    squared: bool

    @property
    def name(self) -> str:
        """The loss in words."""
        return "squared error" if self.squared else "log loss"

    def at(self, rows: NDArray[Any]) -> Cells:
        """Of some of the examples."""
        return Cells(self.values[:, rows], self.squared)

    def of(self, weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """(n,) loss of each example, of the soft vote with weights (members,) that add up to 1."""
        return self.point(np.tensordot(weights, self.values, axes=1)).mean(axis=-1)

    def point(self, mean: NDArray[np.float64]) -> NDArray[np.float64]:
        """The loss of mean values, cell by cell."""
        return mean**2 if self.squared else -np.log(np.maximum(mean, LEAST))


def cells(members: Sequence[Predictions]) -> Cells:
    """Those of some members: log loss where they answer with classes, squared error where with numbers.

    Raises:
        UsageProblem: they are not of the same examples, or cannot be combined.
    """
    found = together(members)
    targets = found[0].targets
    count = len(targets)
    if found[0].kind in CLASSES:
        chosen = targets.astype(np.int64)[..., None]
        values = [np.take_along_axis(columns(each), chosen, axis=-1).reshape(count, -1) for each in found]
    else:
        values = [(each.scores - each.targets).astype(np.float64).reshape(count, -1) for each in found]
    return Cells(np.stack(values), found[0].kind not in CLASSES)


def loss(of: Predictions) -> float:
    """The mean loss of one table."""
    return float(cells([of]).of(np.ones(1)).mean())


def error(of: Predictions) -> float:
    """The share of wrong answers (of labels where there are several); nan where answers are numbers."""
    return float((of.labels != of.targets).mean()) if of.kind in CLASSES else float("nan")
