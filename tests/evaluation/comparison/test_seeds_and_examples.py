"""Seeds and examples as two sources of noise: against variances that are known, and against methods that see one source only."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats
from scipy.special import ndtr
from sklearn.metrics import f1_score

from seatrial.errors import UsageProblem
from seatrial.evaluation.comparison.better import probability_of_better
from seatrial.evaluation.comparison.contributions import of_groups_in, of_sums
from seatrial.evaluation.comparison.figures import figure
from seatrial.evaluation.comparison.needed import examples_needed, runs_needed
from seatrial.evaluation.comparison.seeds_and_examples import crossed
from seatrial.evaluation.metrics.classes import overall
from seatrial.evaluation.predictions import Predictions

DRAW = np.random.default_rng(8)


@pytest.fixture(autouse=True)
def _drawn_anew():
    """Each test draws the same, whatever ran before it."""
    global DRAW
    DRAW = np.random.default_rng(8)


def _figures(rounds: int, seeds: int, examples: int) -> np.ndarray:
    """(rounds, 2, seeds, examples) with variances 0.04 of seeds, 0.5 of examples, 1 of both together."""
    return (
        0.2 * DRAW.normal(size=(rounds, 2, seeds, 1))
        + math.sqrt(0.5) * DRAW.normal(size=(rounds, 2, 1, examples))
        + DRAW.normal(size=(rounds, 2, seeds, examples))
    )


@pytest.mark.parametrize("paired", [True, False])
def test_the_variance_is_what_the_difference_has_over_experiments(paired):
    rounds, seeds, examples = 400, 4, 50
    figures = _figures(rounds, seeds, examples)
    found = [crossed(one, other, paired=paired) for one, other in figures]
    truth = 2 * (0.04 / seeds + 0.5 / examples + 1 / (seeds * examples))
    assert np.mean([spread.mean for _, spread in found]) == pytest.approx(truth, rel=0.08)
    assert np.var([each.effect for each, _ in found]) == pytest.approx(truth, rel=0.25)
    single = 2 * (0.04 + 0.5 / examples + 1 / examples)
    assert np.mean([spread.one for _, spread in found]) == pytest.approx(single, rel=0.08)
    covered = np.mean([each.low <= 0 <= each.high for each, _ in found])
    assert covered == pytest.approx(0.95, abs=0.035)


def test_without_noise_of_examples_it_is_welchs_test_of_seeds():
    one, other = DRAW.normal(0.3, 1, 5), DRAW.normal(0, 1, 5)
    tables = [np.repeat(each[:, None], 40, axis=1) for each in (one, other)]
    found, _ = crossed(*tables, paired=False)
    expected = stats.ttest_ind(one, other, equal_var=False)
    assert (found.statistic, found.p) == pytest.approx((expected.statistic, expected.pvalue), rel=1e-9)
    paired, _ = crossed(*tables, paired=True)
    assert paired.p == pytest.approx(stats.ttest_rel(one, other).pvalue, rel=1e-9)


def test_without_noise_of_seeds_it_is_a_t_test_of_examples():
    one, other = DRAW.normal(0.2, 1, 60), DRAW.normal(0, 1, 60)
    found, _ = crossed(np.stack([one] * 3), np.stack([other] * 3), paired=True)
    assert found.p == pytest.approx(stats.ttest_rel(one, other).pvalue, rel=1e-9)


def test_one_training_of_a_method_is_refused():
    with pytest.raises(UsageProblem, match="two seeds"):
        crossed(np.zeros((1, 5)), np.zeros((3, 5)), paired=False)


def test_contributions_of_groups_have_the_mean_and_the_spread_of_a_ratio():
    figures, groups = DRAW.normal(1, 1, (2, 30)), np.repeat(np.arange(6), [1, 9, 5, 5, 3, 7])
    parts = of_groups_in(figures, groups)
    assert parts.mean(axis=1) == pytest.approx(figures.mean(axis=1))
    sums, sizes = (np.bincount(groups, weights=each) for each in (figures[0], np.ones(30)))
    linear = (sums - sizes * figures.mean()) / 5  # Cochran 1977, equation 6.9
    assert of_groups_in(figures, groups)[0].var(ddof=1) == pytest.approx(linear.var(ddof=1))


def _binary(count: int) -> Predictions:
    targets = DRAW.random(count) < 0.3
    answers = np.where(DRAW.random(count) < 0.85, targets, ~targets)
    return Predictions("binary", targets.astype(int), answers * 0.8 + 0.1, np.arange(count))


def test_contributions_of_a_mean_are_the_examples():
    of = _binary(50)
    assert of_sums(overall(of), 0) == pytest.approx(of.right.astype(float))


def test_contributions_are_what_is_lost_without_each_example():
    of = _binary(40)
    value = f1_score(of.targets, of.labels)
    keep = [np.arange(40) != at for at in range(40)]
    without = np.array([f1_score(of.targets[each], of.labels[each]) for each in keep])
    pseudo = 40 * value - 39 * without
    assert of_sums(overall(of), 2) == pytest.approx(pseudo - pseudo.mean() + value)


def test_contributions_of_f1_have_its_standard_error():
    of = _binary(2000)
    parts = figure("f1", "binary").contributions(of)
    drawn = [f1_score(of.targets[at], of.labels[at]) for at in DRAW.integers(0, 2000, (300, 2000))]
    assert parts.mean() == pytest.approx(f1_score(of.targets, of.labels))
    assert parts.std(ddof=1) / math.sqrt(2000) == pytest.approx(np.std(drawn), rel=0.2)


def test_the_probability_of_doing_better_has_the_interval_of_the_noncentral_t():
    """Of paired seeds: the exact interval of a standardised effect, by scipy's own noncentral t."""
    gaps = np.array([0.4, 0.1, 0.9, 0.3, -0.2, 0.5])
    spread = gaps.var(ddof=1)
    found = probability_of_better(gaps.mean(), spread / 6, spread, 5)
    seen = gaps.mean() / math.sqrt(spread / 6)
    assert found.probability == pytest.approx(ndtr(gaps.mean() / math.sqrt(spread)), rel=1e-9)
    for chance, tail in ((found.low, 0.975), (found.high, 0.025)):
        noncentrality = stats.norm.ppf(chance) * math.sqrt(6)
        assert stats.nct.cdf(seen, 5, noncentrality) == pytest.approx(tail, abs=1e-5)


def test_the_interval_of_the_probability_holds_the_truth():
    truth, covered = ndtr(0.6), 0
    for gaps in DRAW.normal(0.6, 1, (600, 4)):
        spread = gaps.var(ddof=1)
        found = probability_of_better(gaps.mean(), spread / 4, spread, 3)
        covered += found.low <= truth <= found.high
    assert covered / 600 == pytest.approx(0.95, abs=0.027)


def test_far_off_figures_break_nothing():
    assert probability_of_better(1e6, 1.0, 2.0, 2.0).low > 0.99
    assert probability_of_better(-1e6, 1.0, 2.0, 2.0).high < 0.01
    nothing = probability_of_better(0.0, 0.0, 0.0, 1.0)
    assert (nothing.probability, nothing.low, nothing.high) == (0.5, 0.0, 1.0)


def test_so_many_runs_show_the_difference_in_four_of_five_experiments():
    runs = int(runs_needed(0.5, 1.0, 0.0, 0.05))
    power = np.mean([stats.ttest_1samp(DRAW.normal(0.5, 1, runs), 0).pvalue < 0.05 for _ in range(2000)])
    assert power == pytest.approx(0.8, abs=0.03)
    assert math.isinf(runs_needed(0.5, 1.0, 0.04, 0.05))  # 2.8 times 0.2 is more than 0.5
    assert math.isinf(runs_needed(0.0, 1.0, 0.0, 0.05))
    many = int(examples_needed(0.02, 0.01, 1000, 0.05))
    assert many == math.ceil(1000 * ((1.959964 + 0.841621) / 2) ** 2)
