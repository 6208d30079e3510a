"""Every statistic against another implementation of it, or a published example, to 1e-9 where it is exact."""

from __future__ import annotations

import math

import numpy as np
import pytest
from mlxtend.evaluate import combined_ftest_5x2cv, paired_ttest_5x2cv, paired_ttest_kfold_cv
from scipy import optimize, stats
from sklearn.linear_model import LogisticRegression
from statsmodels.stats.contingency_tables import mcnemar as reference_mcnemar
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import confint_proportions_2indep, proportions_ztest

from seatrial.errors import UsageProblem
from seatrial.evaluation.comparison.bootstrap import interval_of_contributions, interval_of_means, interval_of_sums
from seatrial.evaluation.comparison.cross_validated import corrected_t, five_by_two_f, five_by_two_t
from seatrial.evaluation.comparison.figures import figure
from seatrial.evaluation.comparison.many import holm
from seatrial.evaluation.comparison.paired_proportions import mcnemar, mcnemar_of_counts, tango
from seatrial.evaluation.comparison.seeds import paired_t
from seatrial.evaluation.comparison.swapping import swap_means, swap_predictions, swap_sums
from seatrial.evaluation.comparison.unpaired import two_proportions, welch
from seatrial.evaluation.metrics.classes import overall
from seatrial.evaluation.predictions import Predictions

DRAW = np.random.default_rng(4)


@pytest.fixture(autouse=True)
def _drawn_anew():
    """Each test draws the same, whatever ran before it."""
    global DRAW
    DRAW = np.random.default_rng(4)


CLOSE = {"rel": 1e-9, "abs": 1e-12}
COUNTS = [(1, 7, 21), (12, 2, 50), (0, 5, 30), (6, 6, 40), (40, 61, 3000), (0, 0, 10)]


@pytest.mark.parametrize(("one", "other", "total"), COUNTS)
def test_mcnemar_is_that_of_statsmodels(one, other, total):
    found = mcnemar_of_counts(one, other, total)
    expected = reference_mcnemar([[total - one - other, one], [other, 0]], exact=True)
    assert found.p == pytest.approx(float(expected.pvalue), **CLOSE)
    assert found.effect == (one - other) / total


@pytest.mark.parametrize(("one", "other", "total"), COUNTS[:-1])
def test_mid_p_counts_half_of_what_was_seen(one, other, total):
    both = one + other
    weights = [math.comb(both, at) / 2**both for at in range(both + 1)]
    least = min(one, other)
    expected = 1 - weights[least] / 2 if one == other else 2 * sum(weights[:least]) + weights[least]
    assert mcnemar_of_counts(one, other, total, mid=True).p == pytest.approx(expected, **CLOSE)


def test_the_published_example_of_paired_proportions():
    """Airway hyper-responsiveness of 21 children before and after a transplantation (Bentur et al. 2009), as Fagerland, Lydersen and
    Laake analyse it (BMC Med. Res. Methodol. 2013, table 2; Statist. Med. 2014): exact p 0.070, mid-p 0.039, Tango -0.517 to -0.026."""
    found = mcnemar_of_counts(1, 7, 21)
    assert found.p == pytest.approx(0.0703, abs=5e-5)
    assert mcnemar_of_counts(1, 7, 21, mid=True).p == pytest.approx(0.0391, abs=5e-5)
    assert (found.low, found.high) == pytest.approx((-0.517, -0.026), abs=5e-4)


@pytest.mark.parametrize(("one", "other", "total"), [*COUNTS, (30, 0, 30), (0, 30, 30), (29, 1, 30)])
def test_tangos_interval_inverts_the_score_test(one, other, total):
    """The restricted estimate is found by maximising the likelihood numerically, not by its formula."""

    def score(gap):
        def unlikely(rarer):
            cells = [rarer + gap, rarer, 1 - 2 * rarer - gap]
            parts = zip((one, other, total - one - other), cells, strict=True)
            return -sum(count * math.log(max(cell, 1e-300)) for count, cell in parts if count)

        low, high = max(0.0, -gap), (1 - gap) / 2
        share = optimize.minimize_scalar(unlikely, bounds=(low, high), method="bounded", options={"xatol": 1e-13}).x
        return (one - other - total * gap) / math.sqrt(total * (2 * share + gap - gap * gap))

    low, high = tango(one, other, total)
    bound = stats.norm.ppf(0.975)
    assert low == -1 or score(low) == pytest.approx(bound, abs=2e-5)
    assert high == 1 or score(high) == pytest.approx(-bound, abs=2e-5)
    assert (low, high) == pytest.approx(tuple(-each for each in tango(other, one, total)[::-1]), abs=1e-12)
    assert low <= (one - other) / total <= high


class Recorded(LogisticRegression):
    """A classifier whose scores are known beforehand: mlxtend trains and asks, we know what it is told."""

    def fit(self, x, y):
        return self


def _scores(gaps):
    """A scorer of the first of two estimators, and then the second, in mlxtend's order of asking."""
    told = iter([value for gap in np.ravel(gaps) for value in (gap, 0.0)])
    return lambda estimator, x, y: next(told)


@pytest.mark.parametrize("round_", range(3))
def test_five_times_two_folds_are_those_of_mlxtend(round_):
    gaps = DRAW.normal(0.02, 0.03, (5, 2))
    x, y = np.zeros((40, 1)), np.arange(40) % 2
    for ours, theirs in ((five_by_two_f, combined_ftest_5x2cv), (five_by_two_t, paired_ttest_5x2cv)):
        statistic, p = theirs(Recorded(), Recorded(), x, y, scoring=_scores(gaps), random_seed=1)
        found = ours(gaps)
        assert (found.statistic, found.p) == pytest.approx((statistic, p), **CLOSE)


@pytest.mark.parametrize("test", [five_by_two_f, five_by_two_t])
def test_intervals_of_five_times_two_folds_hold_what_the_test_does_not_reject(test):
    gaps = DRAW.normal(0.02, 0.03, (5, 2))
    found = test(gaps)
    assert test(gaps - found.low).p == pytest.approx(0.05)
    assert test(gaps - found.high).p == pytest.approx(0.05)


def test_the_uncorrected_t_test_is_that_of_mlxtend_and_of_scipy():
    gaps = DRAW.normal(0.02, 0.03, 10)
    found = corrected_t(gaps, 0)
    expected = stats.ttest_1samp(gaps, 0)
    interval = expected.confidence_interval(0.95)
    assert (found.statistic, found.p) == pytest.approx((expected.statistic, expected.pvalue), **CLOSE)
    assert (found.low, found.high) == pytest.approx((interval.low, interval.high), **CLOSE)
    x, y = np.zeros((40, 1)), np.arange(40) % 2
    statistic, p = paired_ttest_kfold_cv(Recorded(), Recorded(), x, y, cv=10, scoring=_scores(gaps), random_seed=1)
    assert (found.statistic, found.p) == pytest.approx((statistic, p), **CLOSE)


def test_the_corrected_t_test_is_that_of_scikit_learns_example():
    """`compute_corrected_ttest` and `corrected_std` of its page "Statistical comparison of models using grid search"."""
    differences, n_train, n_test = DRAW.normal(0.01, 0.03, 100), 900, 100
    kr = len(differences)
    corrected_var = np.var(differences, ddof=1) * (1 / kr + n_test / n_train)
    t_stat = np.mean(differences) / np.sqrt(corrected_var)
    found = corrected_t(differences, n_test / n_train)
    assert (found.statistic, found.p) == pytest.approx((t_stat, 2 * stats.t.sf(np.abs(t_stat), kr - 1)), **CLOSE)
    assert corrected_t(differences - found.low, n_test / n_train).p == pytest.approx(0.05)


@pytest.mark.parametrize("others", [0, 1])
def test_holm_is_that_of_statsmodels(others):
    p = DRAW.random(12) ** 3
    expected = multipletests([*p, *([1.0] * others)], method="holm")[1][: len(p)]
    assert holm(p, others) == pytest.approx(expected, **CLOSE)


def test_proportions_of_two_test_sets_are_those_of_statsmodels():
    found = two_proportions(90, 100, 150, 200)
    statistic, p = proportions_ztest([90, 150], [100, 200])
    interval = confint_proportions_2indep(90, 100, 150, 200, compare="diff", method="newcomb")
    assert (found.statistic, found.p) == pytest.approx((statistic, p), **CLOSE)
    assert (found.low, found.high) == pytest.approx(interval, **CLOSE)


def test_means_of_two_samples_are_scipys():
    first, second = DRAW.normal(0, 1, 12), DRAW.normal(0.5, 3, 7)
    expected = stats.ttest_ind(first, second, equal_var=False)
    interval = expected.confidence_interval(0.95)
    found = welch(first, second)
    assert (found.statistic, found.p) == pytest.approx((expected.statistic, expected.pvalue), **CLOSE)
    assert (found.low, found.high) == pytest.approx((interval.low, interval.high), **CLOSE)


def test_seeds_in_pairs_are_scipys():
    first, second = DRAW.normal(0, 1, 5), DRAW.normal(0.5, 1, 5)
    expected = stats.ttest_rel(first, second)
    found = paired_t(first, second)
    assert (found.statistic, found.p) == pytest.approx((expected.statistic, expected.pvalue), **CLOSE)


# ---- swaps and draws -----------------------------------------------------------------------------------------------------


def _mean_gap(x, y, axis=-1):
    return np.mean(x - y, axis=axis)


def test_few_examples_are_swapped_in_all_ways_as_scipy_does():
    first, second = DRAW.normal(0.5, 1, 10), DRAW.normal(0, 1, 10)
    expected = stats.permutation_test((first, second), _mean_gap, permutation_type="samples", vectorized=True)
    found = swap_means(first - second)
    assert (found.effect, found.p) == pytest.approx((expected.statistic, expected.pvalue), **CLOSE)
    metric = swap_predictions(lambda _, predictions: float(predictions.mean()), np.zeros(10), first, second)
    assert (metric.effect, metric.p) == pytest.approx((expected.statistic, expected.pvalue), **CLOSE)


def test_swapping_right_and_wrong_answers_is_mcnemars_test():
    first, second = DRAW.random(300) < 0.9, DRAW.random(300) < 0.8
    assert swap_means(first.astype(float) - second).p == pytest.approx(mcnemar(first, second).p, **CLOSE)


def test_random_swaps_agree_with_all_of_them():
    gaps = DRAW.normal(0.4, 1, 20)
    every = np.abs((1 - 2 * ((np.arange(2**20)[:, None] >> np.arange(20)) & 1).astype(np.int8)) @ gaps)
    exact = float((every >= abs(gaps.sum()) - 1e-9).mean())
    error = math.sqrt(exact * (1 - exact) / 9_999)
    assert swap_means(gaps).p == pytest.approx(exact, abs=4 * error)


def test_many_examples_are_swapped_by_the_normal_distribution():
    gaps = DRAW.normal(0.01, 1, 20_000)
    drawn = np.abs(DRAW.choice([-1.0, 1.0], (2000, len(gaps))) @ gaps)
    expected = float((drawn >= abs(gaps.sum())).mean())
    assert swap_means(gaps).p == pytest.approx(expected, abs=4 * math.sqrt(0.25 / 2000))


def test_groups_are_swapped_as_wholes():
    gaps, groups = DRAW.normal(0.3, 1, 60), np.repeat(np.arange(12), 5)
    sums = gaps.reshape(12, 5).sum(axis=1)
    expected = stats.permutation_test((sums, np.zeros(12)), _mean_gap, permutation_type="samples", vectorized=True)
    assert swap_means(gaps, groups).p == pytest.approx(expected.pvalue, **CLOSE)
    names = np.array([f"person {each}" for each in groups])
    order = DRAW.permutation(60)
    found = swap_predictions(lambda t, p: float(p.sum()), np.zeros(60), gaps[order], np.zeros(60), names[order])
    assert found.p == pytest.approx(expected.pvalue, **CLOSE)


def test_the_bootstrap_of_means_is_scipys():
    gaps = DRAW.exponential(1, 80) - 0.8
    level = 1 - 2 * stats.norm.cdf(stats.t.ppf(0.025, 79) * math.sqrt(80 / 79))  # Hesterberg 2015
    expected = stats.bootstrap(
        (gaps,), np.mean, n_resamples=20_000, confidence_level=level, rng=DRAW
    ).confidence_interval
    found = interval_of_means(gaps, draws=20_000)
    assert found == pytest.approx((expected.low, expected.high), abs=0.02)


def _classes(right: float, count: int = 300) -> Predictions:
    """Two classes, one in three of the second one."""
    targets = np.arange(count) % 3 == 0
    wrong = DRAW.random(count) > right
    return Predictions("binary", targets.astype(int), np.where(wrong, ~targets, targets) * 0.8 + 0.1, np.arange(count))


def _f1(targets, scores):
    """2PR / (P + R), as a user would write it."""
    answers = scores >= 0.5
    hits = (answers & (targets == 1)).sum()
    precision, recall = hits / answers.sum(), hits / (targets == 1).sum()
    return 2 * precision * recall / (precision + recall)


def _gap(one: Predictions, other: Predictions):
    """F1 of one minus the other, on some rows."""
    targets = one.targets
    return lambda at: _f1(targets[at], one.scores[at]) - _f1(targets[at], other.scores[at])


def test_the_bootstrap_of_f1_has_the_spread_that_resamples_have():
    one, other = _classes(0.9), _classes(0.85)
    found = interval_of_sums(overall(one), overall(other), 2)
    expected = stats.bootstrap(
        (np.arange(300),), _gap(one, other), n_resamples=999, vectorized=False, method="percentile", rng=DRAW
    ).confidence_interval
    assert found == pytest.approx((expected.low, expected.high), abs=0.015)


def test_areas_have_delongs_error():
    """Of one area against nothing: DeLong's variance by its formula."""
    of = Predictions("binary", np.arange(60) % 2, DRAW.random(60) * 0.6 + 0.4 * (np.arange(60) % 2), np.arange(60))
    positive, negative = of.scores[of.targets == 1], of.scores[of.targets == 0]
    wins = (positive[:, None] > negative) + 0.5 * (positive[:, None] == negative)
    error = math.sqrt(wins.mean(axis=1).var(ddof=1) / 30 + wins.mean(axis=0).var(ddof=1) / 30)
    low, high = interval_of_contributions(figure("roc-auc", "binary").contributions(of))
    assert (low + high) / 2 == pytest.approx(wins.mean())
    assert (high - low) / 2 == pytest.approx(stats.t.ppf(0.975, 59) * error, rel=0.01)


def test_swapping_kinds_of_examples_is_swapping_examples():
    """Few that differ: all ways, against swaps of rows; many: within what draws tell."""
    one, other = _classes(0.98), _classes(0.99)
    found = swap_sums(overall(one), overall(other), 2)
    expected = swap_predictions(_f1, one.targets, one.scores, other.scores)
    assert "exact" in found.test and "exact" in expected.test
    assert (found.effect, found.p) == pytest.approx((expected.effect, expected.p), **CLOSE)
    one, other = _classes(0.9), _classes(0.87)
    found = swap_sums(overall(one), overall(other), 2)
    expected = swap_predictions(_f1, one.targets, one.scores, other.scores, draws=500)
    assert found.effect == pytest.approx(expected.effect, **CLOSE)
    assert found.p == pytest.approx(expected.p, abs=4 * math.sqrt(0.25 / 500))
    accuracy = swap_sums(overall(one), overall(other), 0)
    exact = mcnemar(one.right, other.right).p
    assert accuracy.p == pytest.approx(exact, abs=4 * math.sqrt(exact * (1 - exact) / 9_999) + 1e-4)


def test_groups_of_examples_are_swapped_as_wholes_by_sums_too():
    one, other, groups = _classes(0.9), _classes(0.8), np.repeat(np.arange(12), 25)
    found = swap_sums(overall(one), overall(other), 2, groups)
    expected = swap_predictions(_f1, one.targets, one.scores, other.scores, groups)
    assert found.n == 12 and (found.effect, found.p) == pytest.approx((expected.effect, expected.p), **CLOSE)


def test_groups_make_intervals_as_wide_as_they_are_alike():
    """Ten copies of each example say no more than one."""
    gaps = DRAW.normal(0, 1, 50)
    alone = interval_of_means(gaps)
    copies = interval_of_means(np.repeat(gaps, 10), np.repeat(np.arange(50), 10))
    assert copies == pytest.approx(alone, abs=0.04)  # other draws
    apart = interval_of_means(np.repeat(gaps, 10))
    assert apart[1] - apart[0] < 0.5 * (alone[1] - alone[0])


def test_predictions_that_are_the_same_have_p_1_and_no_interval():
    same = np.arange(10.0)
    assert swap_means(same - same).p == 1
    assert swap_predictions(lambda t, p: float(p.mean()), same, same, same).p == 1
    assert math.isnan(interval_of_means(same - same)[0])
    table = overall(_classes(0.9))
    assert math.isnan(interval_of_sums(table, table, 2)[0]) and swap_sums(table, table, 2).p == 1
    assert math.isnan(interval_of_contributions(same - same)[0])


def test_what_does_not_fit_is_refused():
    with pytest.raises(UsageProblem, match="one length"):
        mcnemar([True], [True, False])
    with pytest.raises(UsageProblem, match="5 times 2"):
        five_by_two_f(np.zeros((2, 5)))
    with pytest.raises(UsageProblem, match="at least two"):
        corrected_t([0.1], 0.1)
    with pytest.raises(UsageProblem, match="p between 0 and 1"):
        holm([0.1, 1.2])
    with pytest.raises(UsageProblem, match="finite"):
        swap_means([0.1, math.nan])
    with pytest.raises(UsageProblem, match="a group for each"):
        swap_means([0.1, 0.2], ["a"])
