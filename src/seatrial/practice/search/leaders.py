"""The leaders on fresh seeds: which of them are still in the race, who wins, and how much of the choice was luck."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from seatrial.evaluation.comparison.seeds import Difference, difference
from seatrial.practice.search.quietly import quietly

_LEVEL = 0.1  # of the Wilcoxon test that leaves a leader out
_DRAWS = 2000


@dataclass(frozen=True)
class Winner:
    """The leader that is the best on fresh seeds.

    number      of the candidate.
    mean, spread, low, high   of its figures on fresh seeds: mean, standard deviation, Student's 95 % interval of the mean.
    seeds       that it has figures of.
    chosen_at   its figure when it became a leader, on the seed on which all were chosen.
    optimism    how much better it looked then than it is on fresh seeds.
    of_luck     how much better the best of so many equal candidates would look by chance alone (expected maximum).
    left        optimism that is left in `mean`, because the winner is the best of the leaders on these same seeds.
    rivals      the others' figures minus the winner's, paired by seed, by number.
    """

    number: int
    mean: float
    spread: float
    low: float
    high: float
    seeds: int
    chosen_at: float
    optimism: float
    of_luck: float
    left: float
    rivals: dict[int, Difference]


def in_the_race(by_seed: Mapping[int, Mapping[int, float]], *, highest: bool) -> list[int]:
    """The leaders that are not shown to be worse than the best one on the seeds that both have (Optuna's Wilcoxon pruner: a
    one-sided signed-rank test at the level 0.1), in their order; one with a failed training is out.

    Args:
        by_seed: the figure of each leader by seed.
    """
    import optuna
    from optuna.trial import TrialState

    usable = {number: dict(each) for number, each in by_seed.items() if each and all(map(math.isfinite, each.values()))}
    if len(usable) < 2:
        return list(usable)
    most = max(len(each) for each in usable.values())
    usable = {number: each for number, each in usable.items() if len(each) == most}  # the others are out already
    with quietly():
        study = optuna.create_study(direction="maximize" if highest else "minimize")
        pruner = optuna.pruners.WilcoxonPruner(p_threshold=_LEVEL)
        trials = {
            number: optuna.trial.create_trial(
                state=TrialState.COMPLETE, value=float(np.mean(list(each.values()))), intermediate_values=each
            )
            for number, each in usable.items()
        }
        study.add_trials(list(trials.values()))
        best = min(trials, key=lambda number: _worse(trials[number].value, highest))
        return [number for number, each in trials.items() if number == best or not pruner.prune(study, each)]


def winner(
    by_seed: Mapping[int, Mapping[int, float]],
    chosen_at: Mapping[int, float],
    compared: int,
    *,
    highest: bool,
) -> Winner | None:
    """The leader with the best mean among those with the most seeds; None where none has a figure.

    Args:
        by_seed: the figure of each leader by fresh seed.
        chosen_at: the figures by which the leaders were chosen.
        compared: how many candidates they were chosen from, at the longest trainings.
    """
    from scipy.stats import t

    usable = {number: dict(each) for number, each in by_seed.items() if each and all(map(math.isfinite, each.values()))}
    if not usable:
        return None
    most = max(len(each) for each in usable.values())
    final = {number: each for number, each in usable.items() if len(each) == most}
    best = min(final, key=lambda number: _worse(_mean(final[number]), highest))
    values = np.array(list(final[best].values()))
    mean, own = float(values.mean()), float(values.std(ddof=1)) if most > 1 else math.nan
    half = float(t.ppf(0.975, most - 1)) * own / math.sqrt(most) if most > 1 else math.nan
    sign = 1 if highest else -1
    others = [number for number in usable if number != best]
    rivals = {number: _paired(usable[number], final[best], len(others)) for number in others}
    return Winner(
        best,
        mean,
        own,
        mean - half,
        mean + half,
        most,
        chosen_at.get(best, math.nan),
        sign * (chosen_at.get(best, math.nan) - mean),
        own * expected_maximum(compared),
        left_optimism(list(final.values()), highest=highest),
        rivals,
    )


def expected_maximum(count: int) -> float:
    """The mean of the largest of so many draws of a standard normal distribution: by how many standard deviations the best of
    equals looks better than it is."""
    from scipy.integrate import quad
    from scipy.stats import norm

    if count < 2:
        return 0.0

    def density(x: float) -> float:
        return float(count * norm.pdf(x) * norm.cdf(x) ** (count - 1))

    found, _ = quad(lambda x: x * density(x), -10, 10)  # pyright: ignore[reportUnknownLambdaType]
    return float(found)


def left_optimism(figures: list[dict[int, float]], *, highest: bool) -> float:
    """How much too good the best mean of several leaders on the same seeds is, by the bootstrap over seeds: each time the winner is
    chosen on drawn seeds and looked at on those that were not drawn (Tsamardinos, Greasidou and Borboudakis, "Bootstrapping the
    out-of-sample predictions", 2018). nan with less than three seeds.

    Args:
        figures: of each leader, by seed, all with the same seeds.
    """
    table = np.array([[each[seed] for seed in figures[0]] for each in figures]) * (1 if highest else -1)
    leaders, seeds = table.shape
    if leaders == 1:
        return 0.0
    if seeds < 3:
        return math.nan
    drawn = np.random.default_rng(0).multinomial(
        seeds, np.full(seeds, 1 / seeds), _DRAWS
    )  # how often each seed is drawn
    drawn = drawn[(drawn == 0).any(1)]
    means = table @ drawn.T / seeds
    chosen = means.argmax(0)
    out = drawn == 0
    beyond = (table[chosen] * out).sum(1) / out.sum(1)
    return max(0.0, float((means.max(0) - beyond).mean()))


def _paired(first: Mapping[int, float], second: Mapping[int, float], pairs: int) -> Difference:
    shared = [seed for seed in first if seed in second]
    return difference([first[seed] for seed in shared], [second[seed] for seed in shared], max(1, pairs))


def _mean(figures: Mapping[int, float]) -> float:
    return sum(figures.values()) / len(figures)


def _worse(value: float | None, highest: bool) -> float:
    assert value is not None
    return -value if highest else value
