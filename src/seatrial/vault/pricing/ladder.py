"""The Ladder: an answer only where a model is clearly better than the best one before it.

A. Blum and M. Hardt, The Ladder: a reliable leaderboard for machine learning competitions, ICML 2015
(arXiv 1502.04585). Losses are means over n test examples of values in [0, 1]; k is the number of looks.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from seatrial.errors import UsageProblem
from seatrial.numbers import decimal
from seatrial.vault.pricing import claims
from seatrial.vault.pricing.answer import Answer, Interval
from seatrial.vault.pricing.looks import exact as exact_score
from seatrial.vault.pricing.values import checked, count, share

TIE = 1e-9  # relative: an improvement by the step and no more is none, whatever the last digits of a sum say


@dataclass(frozen=True, slots=True)
class LadderState:
    """What a Ladder remembers, all of it known to whoever saw the answers: it may stand in a public ledger.

    looks   answers given
    best    the last answer; None before the first
    leader  at which look it was given, counted from 1; 0 before the first
    exact   how many of the first looks were answered exactly (`Ladder.first`)
    """

    looks: int = 0
    best: float | None = None
    leader: int = 0
    exact: int = 0

    @property
    def improved(self) -> bool:
        """Whether the last look brought a new best answer."""
        return 0 < self.leader == self.looks


def published_step(examples: int, looks: int) -> float:
    """The step size of Theorem 3.1, (log(k n) / n)^(1/3), with the constant 1 where the theorem has O(1)."""
    count("examples", examples)
    count("looks", looks)
    return min(1.0, (math.log(max(2, looks * examples)) / examples) ** (1 / 3))


def error_bound(examples: int, looks: int, step: float, risk: float = 0.05, exact: int = 0) -> float:
    """How far the answers may lie from the true loss of the best model until then: Theorem 3.1, first part.

    With probability 1 - `risk` over the draw of the test set, whatever models an analyst makes of the answers, at every
    look t: |min over i <= t of R_D(f_i) - R_t| <= step + eps, with
    exp(-2 eps^2 n + (1 / step + 2) log(4 k / step) + 1) = risk.

    Args:
        exact: how many shares were answered exactly besides: each multiplies the models within reach by n + 1.
    """
    told = (1 / step + 2) * math.log(4 * count("looks", looks) / step) + 1  # log of the number of models within reach
    told += exact * math.log(examples + 1)
    return step + math.sqrt((told - math.log(share("risk", risk))) / (2 * count("examples", examples)))


@dataclass(frozen=True, slots=True)
class Ladder:
    """Algorithm 1 with a fixed step in (0, 1], e.g. `published_step`."""

    step: float
    level: float = 0.95

    def __post_init__(self) -> None:
        if not 0 < self.step <= 1:
            raise UsageProblem(f"Expected a step above 0 and up to 1, found {decimal(self.step)}.", "no-such-values")

    def first(self, losses: ArrayLike) -> tuple[Answer, LadderState]:
        """The first look, answered exactly: shape (n,), 1 where the prediction is wrong, else 0. The Ladder goes on from there.

        Raises:
            UsageProblem: there are other values: an exact answer of many digits could tell any number of things.
        """
        values = checked(losses)
        if not np.isin(values, (0, 1)).all():
            raise UsageProblem("Expected losses of 0 and 1, found others.", "no-such-values", "Begin with `answer`.")
        return exact_score(values, level=self.level), LadderState(
            1, nearest(float(values.mean()), self.step), 1, exact=1
        )

    def answer(self, state: LadderState, losses: ArrayLike) -> tuple[Answer, LadderState]:
        """The answer for a model with these losses, shape (n,), and the state after it.

        Raises:
            UsageProblem: the losses are not one number in [0, 1] an example.
        """
        values = checked(losses, unit=True)
        best, after = _answered(state, float(values.mean()), self.step, self.step)
        bound = error_bound(values.size, after.looks, self.step, 1 - self.level, state.exact)
        interval = Interval(max(0.0, best - bound), min(1.0, best + bound), self.level, "Theorem 3.1 of the Ladder")
        sentence = claims.ladder(after, self.step, interval)
        return Answer("ladder", best, after.looks, sentence, after.improved, interval, interval), after


@dataclass(frozen=True, slots=True)
class ParameterFreeLadder:
    """Algorithm 2: the step is the standard error of the difference to the best model, as in a paired t-test.

    It needs the losses of the best model until now. They tell the labels: they belong into the sealed part, never into
    the ledger.

    No bound is proven for it. It stands against the boosting attack, not against an analyst who changes a few answers at a time:
    two changes that are both right are an improvement by 2 / n, and its step is then sqrt(2) / n. Where somebody may try
    that, take the fixed step.
    """

    def answer(self, state: LadderState, losses: ArrayLike, leader: ArrayLike | None) -> tuple[Answer, LadderState]:
        """The answer for a model with these losses, shape (n,), and the state after it.

        Args:
            leader: losses of the model at look `state.leader`, shape (n,); None before the first look.

        Raises:
            UsageProblem: the losses are not one number in [0, 1] an example, or the leader's are missing or of other length.
        """
        values = checked(losses, unit=True)
        step = 0.0 if state.best is None else _standard_error(values, leader)
        best, after = _answered(state, float(values.mean()), step, 1 / values.size)
        return Answer("parameter-free ladder", best, after.looks, claims.parameter_free(after), after.improved), after


def nearest(value: float, step: float) -> float:
    """The nearest whole multiple of a step."""
    return round(value / step) * step


def _answered(state: LadderState, loss: float, step: float, grid: float) -> tuple[float, LadderState]:
    """What is answered to a loss: itself, rounded, where it is better than the best one by more than a step."""
    looks = state.looks + 1
    if state.best is not None and not state.best - loss > step * (1 + TIE):
        return state.best, LadderState(looks, state.best, state.leader, state.exact)
    best = nearest(loss, grid)
    return best, LadderState(looks, best, looks, state.exact)


def _standard_error(losses: np.ndarray, leader: ArrayLike | None) -> float:
    """Of the mean difference of two models' losses on the same examples."""
    if leader is None:
        raise UsageProblem("Expected the losses of the best model until now, found none.", "no-leader")
    before = checked(leader, unit=True)
    if before.size != losses.size:
        raise UsageProblem(f"Expected {losses.size} losses of the best model, found {before.size}.", "no-leader")
    return float(np.std(losses - before, ddof=1)) / math.sqrt(losses.size) if losses.size > 1 else 0.0
