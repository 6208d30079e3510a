"""What a way to combine members is worth, as it is and with one temperature after it, on examples that it was not fitted to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from seatrial.evaluation.calibration.temperature import rescaled, temperature
from seatrial.evaluation.predictions import Predictions
from seatrial.evaluation.voting.columns import CLASSES
from seatrial.evaluation.voting.losses import Cells, cells
from seatrial.evaluation.voting.selection import REPEATS, Choose, Honest, halves
from seatrial.evaluation.voting.votes import soft


@dataclass(frozen=True, slots=True)
class Recipe:
    """A name; what chooses the weights, by the cells of some examples; and of what the mean is taken."""

    name: str
    choose: Choose
    vote: Literal["probabilities", "logs"] = "probabilities"


@dataclass(frozen=True, slots=True)
class Worth:
    """A recipe's cross-fitted loss, `plain`; and `calibrated`, with a temperature that is fitted together with the weights (None where
    answers are no classes). The members are pooled first and calibrated then: the mean of calibrated members would be too unsure
    (Rahaman and Thiery, "Uncertainty Quantification and Deep Ensembles", NeurIPS 2021)."""

    plain: Honest
    calibrated: Honest | None

    @property
    def better(self) -> Honest:
        """The one with the smaller held-out loss."""
        other = self.calibrated
        return other if other is not None and other.held_out < self.plain.held_out else self.plain


def worth(
    members: Sequence[Predictions],
    recipe: Recipe,
    *,
    groups: NDArray[np.generic] | None = None,
    repeats: int = REPEATS,
    seed: int = 0,
) -> Worth:
    """Fit on one half of the examples and score on the other, and the other way round, over several random halves.

    Args:
        members: their predictions, rows in one order.
        groups: (n,) examples of one group stay in one half.

    Raises:
        UsageProblem: there is one example (or group) only, or the members cannot be combined.
    """
    of = cells(members)
    graded = members[0].kind in CLASSES
    plain, calibrated = _Sums(len(members[0])), _Sums(len(members[0]))
    for fitted_to, scored in halves(len(members[0]), groups, repeats, seed):
        pooled = soft(members, recipe.choose(of.at(fitted_to)), of=recipe.vote)
        plain.add(cells([pooled]), fitted_to, scored)
        if graded:
            calibrated.add(
                cells([rescaled(pooled, temperature(pooled.at(fitted_to), cautious=True))]), fitted_to, scored
            )
    return Worth(plain.mean(repeats), calibrated.mean(repeats) if graded else None)


class _Sums:
    """Losses of halves, added up."""

    def __init__(self, count: int) -> None:
        self.held_out, self.within = np.zeros(count), 0.0

    def add(self, of: Cells, fitted_to: NDArray[np.bool_], scored: NDArray[np.bool_]) -> None:
        """The table of one half's fit."""
        losses = of.of(np.ones(1))
        self.held_out[scored] += losses[scored]
        self.within += float(losses[fitted_to].mean()) / 2

    def mean(self, repeats: int) -> Honest:
        """Over all of them."""
        losses = self.held_out / repeats
        return Honest(self.within / repeats, float(losses.mean()), losses)
