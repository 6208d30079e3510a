"""Shares, means and linear statistics have the intervals of scipy and statsmodels."""

from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from seatrial.evaluation.intervals.arbitrary import resampled
from seatrial.evaluation.intervals.means import linear, student
from seatrial.evaluation.intervals.shares import clopper_pearson, wilson


@given(st.integers(0, 50), st.integers(1, 50), st.sampled_from([0.8, 0.95, 0.99]))
def test_shares_as_statsmodels_has_them(right, more, level):
    total = right + more
    for function, name in ((wilson, "wilson"), (clopper_pearson, "beta")):
        found = function(right, total, level)
        expected = proportion_confint(right, total, 1 - level, name)
        assert (found.low, found.high) == pytest.approx(expected, abs=1e-9)
        assert right / total in found or right == 0


def test_wilson_covers_its_level_on_average():
    """Over true shares from 0.5 to 1, by the binomial distribution itself: no draws."""
    count = 100
    known = [wilson(right, count) for right in range(count + 1)]
    shares = np.linspace(0.5, 0.999, 400)
    holds = np.array([[share in each for each in known] for share in shares])
    covered = (stats.binom.pmf(np.arange(count + 1), count, shares[:, None]) * holds).sum(axis=1)
    assert covered.mean() == pytest.approx(0.95, abs=0.01)


def test_a_mean_with_groups_is_that_of_sandwich_errors():
    generator = np.random.default_rng(0)
    group = np.repeat(np.arange(25), 4)
    values = generator.normal(size=100) + generator.normal(size=25)[group]
    found = linear(values.mean(), values - values.mean(), group, 0.95, "mean")
    fit = sm.OLS(values, np.ones(100)).fit(
        cov_type="cluster", cov_kwds={"groups": group, "use_correction": False}, use_t=True
    )
    error = fit.bse[0] * np.sqrt(25 / 24)
    reach = stats.t.ppf(0.975, 24) * error
    assert (found.low, found.high) == pytest.approx((values.mean() - reach, values.mean() + reach), rel=1e-9)
    assert "25 groups" in found.method
    assert linear(0.5, values, np.zeros(100), 0.95, "mean") is None


def test_a_mean_without_groups_is_students():
    values = np.random.default_rng(0).exponential(size=30)
    expected = stats.ttest_1samp(values, 0).confidence_interval(0.9)
    alone = student(values, 0.9)
    assert (alone.low, alone.high) == pytest.approx((expected.low, expected.high), rel=1e-12)
    found = linear(values.mean(), values - values.mean(), None, 0.9, "mean")
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), rel=1e-12)


def test_any_function_is_resampled_by_scipy():
    values = np.random.default_rng(0).exponential(size=50)

    def medians(sample, axis=-1):
        return np.median(sample, axis=axis)

    found = resampled(medians, [values], 0.95, 0, vectorized=True)
    assert np.median(values) in found
    assert resampled(medians, [np.ones(9)], 0.95, 0, vectorized=True) is None
