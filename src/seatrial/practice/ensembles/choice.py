"""Which members, with which weights: combinations compared on the validation data, each by what it is worth on examples that it was not
chosen by."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seatrial.evaluation.calibration.calibrating import Calibration, calibration
from seatrial.evaluation.calibration.temperature import rescaled, temperature
from seatrial.evaluation.predictions import Predictions
from seatrial.evaluation.voting.columns import CLASSES
from seatrial.evaluation.voting.losses import cells, error, loss
from seatrial.evaluation.voting.selection import REPEATS, best, equal, greedy
from seatrial.evaluation.voting.votes import hard, soft
from seatrial.evaluation.voting.worth import Recipe, Worth, worth
from seatrial.practice.ensembles.member import Member

BEST, EQUAL, LOGS, GREEDY, HARD = "best member", "equal votes", "mean of logs", "greedy selection", "hard vote"
# Where the selection is repeated on halves, a library is put into fewer bags than for the selection that counts.
_BAGS_IN_HALVES = 5
# Of so many examples one split into halves says as much as several do of a few.
MANY = 20_000
NORMAL_95 = 1.959964


@dataclass(frozen=True, slots=True)
class Combination:
    """A way to combine the members.

    recipe       how; None of a hard vote, which is only shown for comparison.
    weights      (members,) by all validation data.
    temperature  after the vote, 1 where none is better.
    loss         on all validation data, by which weights and temperature were chosen too: too low where there was a choice. nan of
                 a hard vote, whose scores are no probabilities.
    error        share of wrong answers there; nan where answers are numbers.
    worth        what it is worth on examples that it was not fitted to; None of a hard vote.
    ties         examples (or labels) without a majority.
    """

    name: str
    recipe: Recipe | None
    weights: NDArray[np.float64]
    temperature: float
    predictions: Predictions
    loss: float
    error: float
    worth: Worth | None = None
    ties: int = 0


@dataclass(frozen=True, slots=True)
class Gain:
    """How much smaller the chosen ensemble's loss is than the best member's, both on examples that they were not fitted to: the mean with
    its 95 % interval (normal, paired). Other trainings would differ too: that is not in it."""

    mean: float
    low: float
    high: float

    @property
    def shown(self) -> bool:
        """Whether it can be told from none."""
        return self.low > 0 or self.high < 0


@dataclass(frozen=True, slots=True)
class Choice:
    """All combinations, the number of the chosen one, what it gains, the name of the loss; and its calibration before and after a
    temperature (None where answers are no classes)."""

    combinations: tuple[Combination, ...]
    at: int
    gain: Gain | None
    loss: str
    calibration: Calibration | None

    @property
    def chosen(self) -> Combination:
        return self.combinations[self.at]

    def named(self, name: str) -> Combination | None:
        """The combination of a name; None where there is none."""
        return next((each for each in self.combinations if each.name == name), None)


def choose(members: Sequence[Member], groups: NDArray[np.generic] | None = None, seed: int = 0) -> Choice:
    """Compare the combinations; the one with the smallest loss on examples that it was not fitted to is the ensemble.

    Args:
        members: their predictions are of the same validation data.
        groups: (n,) of these.

    Raises:
        UsageProblem: the members cannot be combined.
    """
    said = [each.predictions for each in members]
    classes = said[0].kind in CLASSES
    names = [BEST] if len(members) == 1 else [BEST, EQUAL, *([LOGS] if classes else []), GREEDY]
    found = [_combined(name, said, groups, seed) for name in names]
    at = int(np.argmin([each.worth.better.held_out for each in found if each.worth is not None]))
    gain = _gain(found[0], found[at]) if at else None
    if classes and len(members) > 1:
        vote = hard(said, model=HARD)
        shares = np.full(len(members), 1 / len(members))
        wrong, ties = error(vote.predictions), int(vote.ties.sum())
        found.append(Combination(HARD, None, shares, 1.0, vote.predictions, math.nan, wrong, ties=ties))
    calibrated = calibration(_plain(found[at], said), None, seed, cautious=True) if classes else None
    return Choice(tuple(found), at, gain, cells(said[:1]).name, calibrated)


# ---- inner steps -------------------------------------------------------------------------------------------------


def _combined(name: str, said: Sequence[Predictions], groups: NDArray[np.generic] | None, seed: int) -> Combination:
    recipe = _recipe(name, seed)
    weights = (Recipe(GREEDY, lambda of: greedy(of, seed=seed)) if name == GREEDY else recipe).choose(cells(said))
    measured = worth(said, recipe, groups=groups, repeats=1 if len(said[0]) >= MANY else REPEATS, seed=seed)
    found = soft(said, weights, of=recipe.vote, model=name)
    by = temperature(found, cautious=True) if measured.better is measured.calibrated else 1.0
    found = rescaled(found, by) if by != 1.0 else found
    return Combination(name, recipe, weights, by, found, loss(found), error(found), measured)


def _recipe(name: str, seed: int) -> Recipe:
    match name:
        case "equal votes":
            return Recipe(name, equal)
        case "mean of logs":
            return Recipe(name, equal, "logs")
        case "greedy selection":
            return Recipe(name, lambda of: greedy(of, bags=_BAGS_IN_HALVES, seed=seed))
        case _:
            return Recipe(name, best)


def _plain(of: Combination, said: Sequence[Predictions]) -> Predictions:
    """The vote before its temperature."""
    assert of.recipe is not None
    return soft(said, of.weights, of=of.recipe.vote, model=of.name)


def _gain(single: Combination, chosen: Combination) -> Gain:
    assert single.worth is not None and chosen.worth is not None
    differences = single.worth.better.losses - chosen.worth.better.losses
    mean = float(differences.mean())
    reach = NORMAL_95 * float(differences.std(ddof=1)) / math.sqrt(len(differences))
    return Gain(mean, mean - reach, mean + reach)
