"""What is found out of a pair of methods by each design: the test, how likely the first is the better one, what more would be needed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seatrial.evaluation.comparison import bootstrap, cross_validated, unpaired
from seatrial.evaluation.comparison.better import Better, probability_of_better
from seatrial.evaluation.comparison.compared import Compared
from seatrial.evaluation.comparison.contributions import of_groups_in
from seatrial.evaluation.comparison.figures import Figure
from seatrial.evaluation.comparison.methods import Scored
from seatrial.evaluation.comparison.needed import examples_needed, runs_needed
from seatrial.evaluation.comparison.paired_proportions import mcnemar
from seatrial.evaluation.comparison.seeds import difference, paired_t, seeds_needed
from seatrial.evaluation.comparison.seeds_and_examples import crossed
from seatrial.evaluation.comparison.swapping import swap_means, swap_predictions, swap_sums
from seatrial.evaluation.comparison.values import Values
from seatrial.evaluation.predictions import Predictions

MANY = 20_000  # examples, from which figures of the order of scores are taken as means of contributions


@dataclass(frozen=True, slots=True)
class Needed:
    """To show a difference as large as the one seen, were it real, in four of five experiments: so many of what; inf: none would
    do, or too many. `exhausted`: why no number of them does."""

    count: float
    what: str
    exhausted: str = ""


@dataclass(frozen=True, slots=True)
class Result:
    """figures: of both methods. better: P(first better), None where one training each shows no spread."""

    figures: tuple[float, float]
    compared: Compared
    better: Better | None
    needed: Needed


def right_or_wrong(one: Predictions, other: Predictions, figure: Figure, mid: bool, level: float) -> Result:
    """McNemar's test."""
    first, second = (figure.contributions(each) for each in (one, other))
    found = mcnemar(first > 0, second > 0, mid=mid)
    return Result(_means(first, second), found, None, _examples(found, len(one), level))


def swapped(one: Predictions, other: Predictions, figure: Figure, level: float) -> Result:
    """Paired permutation with the interval of a paired bootstrap."""
    groups, source = one.groups, bootstrap.SOURCE
    if figure.is_mean:
        gaps = figure.contributions(one) - figure.contributions(other)
        found, interval = swap_means(gaps, groups), bootstrap.interval_of_means(gaps, groups)
    elif figure.sums is not None:
        first, second = figure.sums(one), figure.sums(other)
        interval = bootstrap.interval_of_sums(first, second, figure.at, groups)
        same = (
            first.table.shape == second.table.shape and figure.name != "average-precision"
        )  # its sums are binned by scores
        found = swap_sums(first, second, figure.at, groups) if same else _rows_swapped(one, other, figure)
    else:
        found, source = _rows_swapped(one, other, figure), bootstrap.LINEAR
        interval = bootstrap.interval_of_contributions(figure.contributions(one) - figure.contributions(other), groups)
    found = replace(found, low=interval[0], high=interval[1], source=f"{found.source}; interval: {source}")
    return Result((figure.value(one), figure.value(other)), found, None, _examples(found, len(one), level))


def over_seeds(
    one: Sequence[Predictions], other: Sequence[Predictions], figure: Figure, paired: bool, level: float
) -> Result:
    """Seeds and examples as two sources of noise."""
    count = len(one[0])
    parts = [
        of_groups_in(np.stack([figure.contributions(each) for each in part]), one[0].groups) for part in (one, other)
    ]
    found, spread = crossed(parts[0], parts[1], paired=paired)
    better = _better(found.effect, figure.higher, spread.mean, spread.one, spread.freedom)
    runs = runs_needed(found.effect, spread.seeds, spread.examples, level)
    exhausted = ""
    if math.isinf(runs):
        more = examples_needed(found.effect, math.sqrt(spread.examples), count, level)
        exhausted = f"the test data are too few for it: about {more:,.0f} examples" if more > count else ""
        exhausted = exhausted if math.isfinite(more) else ""
    figures = _means(parts[0], parts[1])
    return Result(figures, found, better, Needed(runs, "trainings of each method", exhausted))


def apart(one: Predictions, other: Predictions, figure: Figure, level: float) -> Result:
    """Independent test sets."""
    first, second = (figure.contributions(each) for each in (one, other))
    if figure.counted:
        found = unpaired.two_proportions(int(first.sum()), len(first), int(second.sum()), len(second))
    else:
        found = unpaired.welch(first, second)
    return Result(_means(first, second), found, None, _examples(found, len(first), level, " in each test set"))


def seed_scores(first: Scored, second: Scored, paired: bool, level: float) -> Result:
    """Scores of seeds, on one test set."""
    what = "seeds of each method"
    if paired:
        one, other = _in_order(first, second)
        found, gap = paired_t(one, other), difference(one.tolist(), other.tolist())
        variance = gap.spread**2
        better = _better(found.effect, first.higher, variance / gap.seeds, variance, gap.seeds - 1)
        return Result(_means(one, other), found, better, Needed(seeds_needed(found.effect, gap.spread, level), what))
    one, other = (np.array(list(each.scores.values())) for each in (first, second))
    found = unpaired.welch(one, other, "seeds")
    parts = np.array([one.var(ddof=1), other.var(ddof=1)])
    counts = np.array([len(one), len(other)])
    mean = float((parts / counts).sum())
    freedom = mean**2 / float(((parts / counts) ** 2 / (counts - 1)).sum()) if mean else 1.0
    better = _better(found.effect, first.higher, mean, float(parts.sum()), freedom)
    return Result(
        _means(one, other), found, better, Needed(runs_needed(found.effect, float(parts.sum()), 0, level), what)
    )


def five_by_two(first: Scored, second: Scored, level: float) -> Result:
    """Five times two folds."""
    one, other = _in_order(first, second)
    found = cross_validated.five_by_two_f((one - other).reshape(5, 2))
    return Result(_means(one, other), found, None, Needed(math.inf, "halves", "the design is fixed: use more data"))


def folds(first: Scored, second: Scored, ratio: float, level: float) -> Result:
    """Folds, repeated or not."""
    one, other = _in_order(first, second)
    gaps = one - other
    found = cross_validated.corrected_t(gaps, ratio)
    variance, count = float(gaps.var(ddof=1)), len(gaps)
    better = _better(found.effect, first.higher, variance * (1 / count + ratio), variance, count - 1)
    runs = runs_needed(found.effect, variance, variance * ratio, level)
    exhausted = (
        "trainings on the same examples say ever less that is new: more data are needed" if math.isinf(runs) else ""
    )
    return Result(_means(one, other), found, better, Needed(runs, "divisions", exhausted))


# ---- inner steps -----------------------------------------------------------------------------------------------------


def _rows_swapped(one: Predictions, other: Predictions, figure: Figure) -> Compared:
    """For figures that look at the order of scores. Of many examples their contributions are swapped, which is as good then."""
    if len(one) >= MANY:
        return swap_means(figure.contributions(one) - figure.contributions(other), one.groups)

    def value(_: NDArray[Any], scores: NDArray[Any]) -> float:
        return figure.value(one.with_scores(scores))

    return swap_predictions(value, one.targets, one.scores, other.scores, one.groups)


def _means(one: Values, other: Values) -> tuple[float, float]:
    return float(one.mean()), float(other.mean())


def _in_order(first: Scored, second: Scored) -> tuple[Values, Values]:
    cells = sorted(first.scores)
    return np.array([first.scores[each] for each in cells]), np.array([second.scores[each] for each in cells])


def _better(effect: float, higher: bool, mean: float, one: float, freedom: float) -> Better:
    return probability_of_better(effect if higher else -effect, mean, one, freedom)


def _examples(found: Compared, examples: int, level: float, more: str = "") -> Needed:
    what = f"test examples{more}"
    if not math.isfinite(found.error):
        return Needed(math.inf, what)
    return Needed(examples_needed(found.effect, found.error, examples, level), what)
