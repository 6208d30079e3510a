"""Thresholdout: the test set is spoken of only where the training set says something else, and then with noise.

C. Dwork, V. Feldman, M. Hardt, T. Pitassi, O. Reingold and A. Roth, The reusable holdout, Science 349 (2015); the
algorithm and its theorem are those of Generalization in adaptive data analysis and holdout reuse, NIPS 2015
(arXiv 1506.02629). Lap(b) is the Laplace distribution with density exp(-|x| / b) / 2b.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from seatrial.errors import UsageProblem
from seatrial.numbers import decimal
from seatrial.vault.pricing import claims
from seatrial.vault.pricing.answer import Answer
from seatrial.vault.pricing.noise import Noise
from seatrial.vault.pricing.values import count, share


@dataclass(frozen=True, slots=True)
class ThresholdoutState:
    """What may stand in a public ledger: the noise itself follows from the secret and these numbers.

    questions  answered until now
    refreshes  how often the test set has spoken; the noise on the threshold is drawn anew each time
    """

    questions: int = 0
    refreshes: int = 0


@dataclass(frozen=True, slots=True)
class Thresholdout:
    """The algorithm with its parameters, in units of the value that is asked for (a mean of values in [0, 1]).

    threshold  T, how far training and test value may lie apart before the test set speaks
    scale      sigma: the noise is Lap(2 sigma) on the threshold, Lap(4 sigma) on the comparison, Lap(sigma) on the answer
    budget     B, how often the test set may speak; after that nothing is answered
    tolerance  tau, where the parameters are those of the theorem
    """

    threshold: float
    scale: float
    budget: int
    tolerance: float | None = None

    def __post_init__(self) -> None:
        if not (self.threshold > 0 and self.scale > 0):
            found = f"{decimal(self.threshold)} and {decimal(self.scale)}"
            raise UsageProblem(f"Expected a threshold and a noise above 0, found {found}.", "no-such-values")
        count("answers in the budget", self.budget)

    @classmethod
    def published(cls, tolerance: float, questions: int, budget: int, risk: float = 0.05) -> Thresholdout:
        """The parameters of the theorem (Theorem 9 in the same authors' Guilt-free data reuse, CACM 60(4), 2017):
        T = 3 tau / 4, sigma = tau / (96 ln(4 m / beta)).

        With them every one of m questions is answered within tau of the truth with probability 1 - beta until the budget is
        spent, given O(ln(m / beta) / tau^2 * min(B, sqrt(B ln(ln(m / beta) / tau)))) test examples.
        """
        share("tolerance", tolerance)
        share("risk", risk)
        if not budget <= questions:
            raise UsageProblem(f"Expected a budget of up to {questions} questions, found {budget}.", "no-such-values")
        scale = tolerance / (96 * math.log(4 * questions / risk))
        return cls(3 * tolerance / 4, scale, budget, tolerance)

    @classmethod
    def usual(cls, examples: int, budget: int) -> Thresholdout:
        """As in the experiment of the Science paper: T = 4 / sqrt(n), noise on the comparison of the size 1 / sqrt(n).

        There the noise is normal; here it is the Laplace noise of the algorithm, 4 sigma = 1 / sqrt(n). No theorem
        covers these parameters.
        """
        deviation = 1 / math.sqrt(count("examples", examples))
        return cls(4 * deviation, deviation / 4, budget)

    def answer(
        self, state: ThresholdoutState, training: float, holdout: float, noise: Noise
    ) -> tuple[Answer, ThresholdoutState]:
        """The answer to one question, and the state after it. A question that is refused changes nothing.

        Args:
            training: the value on the training set (or on any data that the analyst may see).
            holdout: the same on the test set.
            noise: Laplace noise for ("threshold", refresh), ("comparison", question) and ("answer", question), numbers from 0.

        Raises:
            UsageProblem: a value is not finite.
        """
        if not (math.isfinite(training) and math.isfinite(holdout)):
            raise UsageProblem(f"Expected finite values, found {training} and {holdout}.", "no-such-values")
        left = self.budget - state.refreshes
        if left < 1:
            return Answer(
                "thresholdout", None, state.questions, claims.spent(state.questions, self.budget), left=0
            ), state
        asked = state.questions
        threshold = self.threshold + noise("threshold", state.refreshes, 2 * self.scale)
        if not abs(holdout - training) > threshold + noise("comparison", asked, 4 * self.scale):
            after = ThresholdoutState(asked + 1, state.refreshes)
            sentence = claims.thresholdout(after.questions, left, self.budget, spoke=False, tolerance=self.tolerance)
            return Answer("thresholdout", float(training), after.questions, sentence, left=left), after
        after = ThresholdoutState(asked + 1, state.refreshes + 1)
        value = self._rounded(holdout + noise("answer", asked, self.scale))
        sentence = claims.thresholdout(after.questions, left - 1, self.budget, spoke=True, tolerance=self.tolerance)
        return Answer("thresholdout", value, after.questions, sentence, left=left - 1), after

    def _rounded(self, value: float) -> float:
        """To a small part of the noise. The last digits of a double tell which values the noise can have come from, and so what
        it was added to (I. Mironov, On significance of the least significant bits for differential privacy, CCS 2012).
        """
        grid = 2.0 ** math.floor(math.log2(self.scale / 32))
        return round(value / grid) * grid
