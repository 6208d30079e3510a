"""How much more would be needed to show a difference as large as the one seen."""

from __future__ import annotations

import math

from seatrial.evaluation.comparison.seeds import MOST_SEEDS, POWER


def runs_needed(effect: float, shrinking: float, fixed: float, level: float, start: int = 2) -> float:
    """Runs of each method with which a t test shows a real difference with probability POWER; inf: more than 1,000, or none
    would do.

    Args:
        effect: the difference.
        shrinking: variance that is divided by the number of runs.
        fixed: variance that stays however many there are.
        level: of the test.
        start: runs from which there are degrees of freedom.
    """
    from scipy.stats import t

    if not effect:
        return math.inf
    for runs in range(start, MOST_SEEDS + 1):
        freedom = max(1, runs - 1)
        far = float(t.ppf(1 - level / 2, freedom)) + float(t.ppf(POWER, freedom))
        if far**2 * (shrinking / runs + fixed) <= effect**2:
            return float(runs)
        if far**2 * fixed > effect**2 and runs > 100:
            return math.inf
    return math.inf


def examples_needed(effect: float, error: float, examples: int, level: float) -> float:
    """Test examples with which a difference as large as `effect` would be shown with probability POWER, if its standard error on
    `examples` of them is `error`; inf where there is no difference."""
    from scipy.special import ndtri

    far = float(ndtri(1 - level / 2)) + float(ndtri(POWER))
    return math.ceil(examples * (far * error / effect) ** 2) if effect else math.inf
