"""Which members, with which weights: combinations compared on the validation data, each by what it is worth on examples that it was not
chosen by."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from seatrial.evaluation.calibration.calibrating import Calibration, calibration
from seatrial.evaluation.calibration.temperature import rescaled, temperature
from seatrial.evaluation.intervals.means import linear
from seatrial.evaluation.predictions import Predictions
from seatrial.evaluation.voting.columns import CLASSES, together
from seatrial.evaluation.voting.losses import cells, error, loss
from seatrial.evaluation.voting.selection import REPEATS, best, equal, folds, greedy
from seatrial.evaluation.voting.votes import hard, soft
from seatrial.evaluation.voting.worth import Recipe, Worth, worth
from seatrial.practice.ensembles.member import Member
from seatrial.practice.refusal import refused

BEST, EQUAL, LOGS, GREEDY, HARD = "best member", "equal votes", "mean of logs", "greedy selection", "hard vote"
# Where the selection is repeated on halves, a library is put into fewer bags than for the selection that counts.
_BAGS_IN_HALVES = 5
# The whole choice is repeated so often without a part of the examples, to say what it is worth on others.
FOLDS = 10
# Of so many examples one split into halves says as much as several do of a few, and a choice among a few combinations makes up nothing.
MANY = 20_000
FEWEST = 8


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

    def applied(self, said: Sequence[Predictions]) -> Predictions:
        """What it makes of the members' predictions for any examples."""
        assert self.recipe is not None
        found = soft(said, self.weights, of=self.recipe.vote, model=self.name)
        return rescaled(found, self.temperature) if self.temperature != 1.0 else found


@dataclass(frozen=True, slots=True)
class Gain:
    """How much smaller the ensemble's loss is than the best member's, on examples that chose neither: the mean with its 95 % interval
    (Student's, paired; whole groups where there are any). Other trainings would differ too: that is not in it."""

    mean: float
    low: float
    high: float

    @property
    def shown(self) -> bool:
        """Whether it can be told from none."""
        return self.low > 0 or self.high < 0


@dataclass(frozen=True, slots=True)
class Choice:
    """All combinations and the number of the chosen one.

    promised     its loss on examples that chose nothing: the whole choice is made anew without each tenth of them. (Of very many
                 examples: on halves.)
    gain         over the best member; None where it is the best member.
    loss         the name of the loss.
    calibration  before and after a temperature; None where answers are no classes.
    """

    combinations: tuple[Combination, ...]
    at: int
    promised: float
    gain: Gain | None
    loss: str
    calibration: Calibration | None

    @property
    def chosen(self) -> Combination:
        return self.combinations[self.at]

    def named(self, name: str) -> Combination | None:
        """The combination of a name; None where there is none."""
        return next((each for each in self.combinations if each.name == name), None)


def check_enough(examples: int, groups: NDArray[np.generic] | None) -> None:
    """Refuse validation data that are too few to choose by.

    Raises:
        UsageProblem: there are less than eight examples (or groups).
    """
    units = examples if groups is None else len(np.unique(groups))
    if units < FEWEST:
        hint = "Give more validation data."
        raise refused(f"{FEWEST} validation examples (or groups) at least", str(units), "ensemble-examples", hint)


def choose(members: Sequence[Member], groups: NDArray[np.generic] | None = None, seed: int = 0) -> Choice:
    """Compare the combinations; the one with the smallest loss on halves that it was not fitted to is the ensemble. (Halves and no smaller
    parts: where little is known, they favour what is chosen least, such as equal votes, and those are better then.)

    Args:
        members: their predictions are of the same validation data.
        groups: (n,) of these.

    Raises:
        UsageProblem: the members cannot be combined, or there are too few examples (or groups).
    """
    said = together([each.predictions for each in members])
    check_enough(len(said[0]), groups)
    classes = said[0].kind in CLASSES
    names = [BEST] if len(members) == 1 else [BEST, EQUAL, *([LOGS] if classes else []), GREEDY]
    found, at = _compared(names, said, groups, seed)
    losses = _promised(names, said, found[at], groups, seed)
    gain = _gain(_promised([BEST], said, found[0], groups, seed), losses, groups) if at else None
    calibrated = (
        calibration(replace(found[at], temperature=1.0).applied(said), None, seed, cautious=True) if classes else None
    )
    if classes and len(members) > 1:
        vote = hard(said, model=HARD)
        shares = np.full(len(members), 1 / len(members))
        wrong, ties = error(vote.predictions), int(vote.ties.sum())
        found.append(Combination(HARD, None, shares, 1.0, vote.predictions, math.nan, wrong, ties=ties))
    return Choice(tuple(found), at, float(losses.mean()), gain, cells(said[:1]).name, calibrated)


# ---- inner steps -------------------------------------------------------------------------------------------------


def _compared(
    names: Sequence[str], said: Sequence[Predictions], groups: NDArray[np.generic] | None, seed: int
) -> tuple[list[Combination], int]:
    """The combinations, and the number of the best one."""
    found = [_combined(name, said, groups, seed) for name in names]
    return found, int(np.argmin([each.worth.better.held_out for each in found if each.worth is not None]))


def _combined(name: str, said: Sequence[Predictions], groups: NDArray[np.generic] | None, seed: int) -> Combination:
    recipe = _recipe(name, seed)
    weights = (Recipe(GREEDY, lambda of: greedy(of, seed=seed)) if name == GREEDY else recipe).choose(cells(said))
    measured = worth(said, recipe, groups=groups, repeats=1 if len(said[0]) >= MANY else REPEATS, seed=seed)
    found = soft(said, weights, of=recipe.vote, model=name)
    by = temperature(found, cautious=True) if measured.better is measured.calibrated else 1.0
    found = rescaled(found, by) if by != 1.0 else found
    return Combination(name, recipe, weights, by, found, loss(found), error(found), measured)


def _promised(
    names: Sequence[str],
    said: Sequence[Predictions],
    chosen: Combination,
    groups: NDArray[np.generic] | None,
    seed: int,
) -> NDArray[np.float64]:
    """(n,) the loss of each example by the combination that the others choose."""
    if len(said[0]) >= MANY:
        assert chosen.worth is not None
        return chosen.worth.better.losses
    losses = np.zeros(len(said[0]))
    for chosen_by, scored in folds(len(losses), groups, FOLDS, seed):
        within = None if groups is None else groups[chosen_by]
        found, at = _compared(names, [each.at(chosen_by) for each in said], within, seed)
        losses[scored] = cells([found[at].applied([each.at(scored) for each in said])]).of(np.ones(1))
    return losses


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


def _gain(single: NDArray[np.float64], chosen: NDArray[np.float64], groups: NDArray[np.generic] | None) -> Gain:
    differences = single - chosen
    mean = float(differences.mean())
    found = linear(mean, differences - mean, groups, 0.95, "Student's t")
    assert found is not None  # there are several examples, or groups
    return Gain(mean, found.low, found.high)
