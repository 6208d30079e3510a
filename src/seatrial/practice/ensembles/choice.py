"""Which members, with which weights: combinations compared on the validation data, each by what it is worth on examples that it was not
chosen by."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seatrial.evaluation.predictions import Predictions
from seatrial.evaluation.voting.columns import CLASSES
from seatrial.evaluation.voting.losses import Cells, cells, error, loss
from seatrial.evaluation.voting.selection import Honest, best, cross_fitted, equal, greedy
from seatrial.evaluation.voting.votes import hard, soft
from seatrial.practice.ensembles.member import Member

BEST, EQUAL, GREEDY, LOGS, HARD = "best member", "equal votes", "greedy selection", "mean of logs", "hard vote"
# Cross-fitting repeats the selection some ten times, each with fewer bags than the selection that counts.
_BAGS_IN_HALVES = 5
NORMAL_95 = 1.959964


@dataclass(frozen=True, slots=True)
class Combination:
    """A way to combine the members.

    weights  (members,), by which it could be the ensemble; None where it is only shown for comparison.
    loss     on all validation data, by which the weights were chosen too: too low where there was a choice. nan of a hard vote,
             whose scores are no probabilities.
    error    share of wrong answers there; nan where answers are numbers.
    honest   what it is worth on examples that it was not chosen by; None without weights.
    ties     examples (or labels) without a majority.
    """

    name: str
    weights: NDArray[np.float64] | None
    predictions: Predictions
    loss: float
    error: float
    honest: Honest | None = None
    ties: int = 0


@dataclass(frozen=True, slots=True)
class Gain:
    """How much smaller the chosen ensemble's loss is than the best member's, both cross-fitted: the mean over examples with its 95 %
    interval (normal, paired). Other trainings would differ too: that is not in it."""

    mean: float
    low: float
    high: float

    @property
    def shown(self) -> bool:
        """Whether it can be told from none."""
        return self.low > 0 or self.high < 0


@dataclass(frozen=True, slots=True)
class Choice:
    """All combinations, the number of the chosen one, what it gains, and the name of the loss."""

    combinations: tuple[Combination, ...]
    at: int
    gain: Gain | None
    loss: str

    @property
    def chosen(self) -> Combination:
        return self.combinations[self.at]

    def named(self, name: str) -> Combination | None:
        """The combination of a name; None where there is none."""
        return next((each for each in self.combinations if each.name == name), None)


def choose(members: Sequence[Member], groups: NDArray[np.generic] | None = None, seed: int = 0) -> Choice:
    """Compare the combinations; of those with weights the one with the smallest cross-fitted loss is the ensemble.

    Args:
        members: their predictions are of the same validation data.
        groups: (n,) of these.

    Raises:
        UsageProblem: the members cannot be combined.
    """
    said = [each.predictions for each in members]
    of = cells(said)
    found = [_weighted(BEST, said, of, best, best, groups, seed)]
    if len(members) > 1:
        found.append(_weighted(EQUAL, said, of, equal, equal, groups, seed))
        found.append(_weighted(GREEDY, said, of, _greedy(seed, None), _greedy(seed, _BAGS_IN_HALVES), groups, seed))
    held_out = [each.honest.held_out if each.honest is not None else math.inf for each in found]
    at = int(np.argmin(held_out))
    gain = _gain(found[0], found[at]) if at else None
    if len(members) > 1 and said[0].kind in CLASSES:
        logs = soft(said, of="logs", model=LOGS)
        found.append(Combination(LOGS, None, logs, loss(logs), error(logs)))
        vote = hard(said, model=HARD)
        found.append(
            Combination(HARD, None, vote.predictions, math.nan, error(vote.predictions), ties=int(vote.ties.sum()))
        )
    return Choice(tuple(found), at, gain, of.name)


# ---- inner steps -------------------------------------------------------------------------------------------------


def _weighted(
    name: str,
    said: Sequence[Predictions],
    of: Cells,
    chosen_by: Callable[[Cells], NDArray[np.float64]],
    in_halves: Callable[[Cells], NDArray[np.float64]],
    groups: NDArray[np.generic] | None,
    seed: int,
) -> Combination:
    weights = chosen_by(of)
    predictions = soft(said, weights, model=name)
    honest = cross_fitted(of, in_halves, groups=groups, seed=seed)
    return Combination(name, weights, predictions, float(of.of(weights).mean()), error(predictions), honest)


def _greedy(seed: int, bags: int | None) -> Callable[[Cells], NDArray[np.float64]]:
    return lambda of: greedy(of, seed=seed) if bags is None else greedy(of, bags=bags, seed=seed)


def _gain(single: Combination, chosen: Combination) -> Gain:
    assert single.honest is not None and chosen.honest is not None
    differences = single.honest.losses - chosen.honest.losses
    mean = float(differences.mean())
    reach = NORMAL_95 * float(differences.std(ddof=1)) / math.sqrt(len(differences))
    return Gain(mean, mean - reach, mean + reach)
