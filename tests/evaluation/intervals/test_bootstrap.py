"""Resampling kinds of examples is the bootstrap itself: as scipy makes it, and with its nominal coverage."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.special import ndtri

from seatrial.evaluation.intervals.bootstrap import accelerations, bootstrap
from seatrial.evaluation.intervals.cells import Cells, joined

DRAW = np.random.default_rng(5)
KINDS = np.array([[0, 0, 0], [0, 0, 1], [0, 1, 0], [1, 1, 1]], dtype=float)  # both, true, called


def f1(sums):
    return 2 * sums[:, 0] / (sums[:, 1] + sums[:, 2])


def mean(sums):
    return sums[:, 0] / sums[:, 1]


def with_ones(values):
    return np.stack([values, np.ones(len(values))], axis=1)


def monte_carlo_error(interval, resamples):
    """Of one end of a 95 % interval from so many resamples."""
    spread = (interval.high - interval.low) / (2 * ndtri(0.975))
    return spread * math.sqrt(0.025 * 0.975 / resamples) / stats.norm.pdf(ndtri(0.975))


@pytest.mark.parametrize("method", ["bca", "percentile"])
def test_skewed_means_have_scipys_interval(method):
    values = DRAW.exponential(size=40)
    found = bootstrap(mean, Cells.of(with_ones(values)), method=method, resamples=20_000, expanded=False)[0]
    theirs = stats.bootstrap((values,), np.mean, method=method, n_resamples=20_000, rng=DRAW).confidence_interval
    error = math.sqrt(2) * monte_carlo_error(found, 20_000)
    assert abs(found.low - theirs.low) < 4.5 * error
    assert abs(found.high - theirs.high) < 4.5 * error


def test_f1_from_four_kinds_has_scipys_interval():
    true = DRAW.random(400) < 0.3
    called = true ^ (DRAW.random(400) < 0.15)

    def plainly(true, called, axis=-1):
        return 2 * (true & called).sum(axis) / (true.sum(axis) + called.sum(axis))

    theirs = stats.bootstrap(
        (true, called), plainly, paired=True, vectorized=True, n_resamples=9_999, batch=1000, rng=DRAW
    ).confidence_interval
    found = bootstrap(f1, Cells.coded(2 * true + called, KINDS), resamples=20_000, expanded=False)[0]
    assert abs(found.low - theirs.low) < 6 * monte_carlo_error(found, 9_999)
    assert abs(found.high - theirs.high) < 6 * monte_carlo_error(found, 9_999)


def test_the_acceleration_is_that_of_leaving_out_each_example():
    true = DRAW.random(60) < 0.4
    called = true ^ (DRAW.random(60) < 0.2)
    left = [np.flatnonzero(np.arange(60) != at) for at in range(60)]
    each = np.array([2 * (true[at] & called[at]).sum() / (true[at].sum() + called[at].sum()) for at in left])
    influence = each.mean() - each
    expected = (influence**3).sum() / (6 * (influence**2).sum() ** 1.5)
    kinds = Cells.coded(2 * true + called, KINDS)
    singly = Cells.of(np.stack([true & called, true, called], axis=1))
    assert len(kinds.counts) == 4
    assert accelerations(f1, kinds) == pytest.approx([expected], rel=1e-9)
    assert accelerations(f1, singly) == pytest.approx([expected], rel=1e-9)


def test_groups_are_drawn_as_wholes():
    """Ten copies of an example in a group are worth one example."""
    values = DRAW.normal(size=30)
    alone = bootstrap(mean, Cells.of(with_ones(values)), resamples=4_000)[0]
    copied = Cells.of(with_ones(np.repeat(values, 10)), np.repeat(np.arange(30), 10))
    together = bootstrap(mean, copied, resamples=4_000)[0]
    assert (together.low, together.high) == pytest.approx((alone.low, alone.high), rel=1e-9)
    assert "30 groups" in together.method
    careless = bootstrap(mean, Cells.of(with_ones(np.repeat(values, 10))), resamples=4_000)[0]
    assert careless.high - careless.low < 0.5 * (together.high - together.low)


def test_many_nearly_normal_sums_are_drawn_as_normal():
    """And their interval is Student's, up to what 2,000 resamples leave open."""
    values = np.random.default_rng(0).normal(3, 1, size=50_000)
    found = bootstrap(mean, Cells.of(with_ones(values)))[0]
    expected = stats.ttest_1samp(values, 0).confidence_interval()
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=0.3 * values.std() / 50_000**0.5)


def test_many_skewed_sums_are_drawn_as_they_are():
    """One example in twenty thousand makes the mean: no normal draw is near that."""
    values = np.zeros(25_000)
    values[:2] = 1_000.0 + np.arange(2)
    values[2:] = np.linspace(0, 1e-6, 24_998)  # so that all are of different kinds
    found = bootstrap(mean, Cells.of(with_ones(values)), resamples=200, method="percentile")[0]
    assert found.low >= 0


def test_ends_on_an_expanded_level_are_those_of_student():
    values = DRAW.normal(size=8)
    found = bootstrap(mean, Cells.of(with_ones(values)), resamples=100_000, method="percentile")[0]
    plain = bootstrap(mean, Cells.of(with_ones(values)), resamples=100_000, method="percentile", expanded=False)[0]
    expected = stats.ttest_1samp(values, 0).confidence_interval()
    wide = expected.high - expected.low
    assert found.high - found.low == pytest.approx(wide, rel=0.12)
    assert plain.high - plain.low < 0.85 * wide


@pytest.mark.parametrize("function", [lambda s: s[:, 0] * 0 + 1, lambda s: np.full(len(s), np.nan)])
def test_without_scatter_there_is_no_interval(function):
    assert bootstrap(function, Cells.of(with_ones(DRAW.normal(size=20)))) == (None,)


def test_of_resamples_that_are_undefined_now_and_then_the_others_count():
    """The share of positives among those called, with two called: undefined in one resample of seven; with six: in one of four hundred."""
    codes = np.repeat([0, 1, 2], [98, 1, 1])
    cells = Cells.coded(codes, np.array([[0.0, 0], [1, 1], [0, 1]]))

    def precision(sums):
        return np.divide(sums[:, 0], sums[:, 1], out=np.full(len(sums), np.nan), where=sums[:, 1] > 0)

    assert bootstrap(precision, cells, resamples=4_000) == (None,)
    more = Cells(cells.rows, cells.counts + np.array([-4, 3, 1]))
    assert bootstrap(precision, more, resamples=4_000)[0] is not None


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.integers(0, 3), min_size=2, max_size=60),
    st.lists(st.integers(0, 2), min_size=2, max_size=60),
    st.booleans(),
)
def test_codings_of_the_same_examples_are_joined_without_loss(first, second, sparsely):
    from scipy import sparse

    count = min(len(first), len(second))
    codes = [np.array(first[:count]), np.array(second[:count])]
    tables = [np.arange(8.0).reshape(4, 2), np.arange(9.0).reshape(3, 3)]
    given_tables = [sparse.csr_array(each) if sparsely else each for each in tables]
    together, table = joined(codes, given_tables)
    found = table.toarray() if sparsely else table
    expected = np.hstack([each[code] for each, code in zip(tables, codes, strict=True)])
    assert np.array_equal(found[together], expected)
    assert np.allclose(Cells.coded(together, table).totals, expected.sum(axis=0))


@pytest.mark.parametrize("count", [60])
def test_the_interval_of_f1_holds_the_truth(count):
    """A thousand data sets; `benchmarks/coverage.py` draws ten thousand, of many metrics."""
    generator = np.random.default_rng(0)
    shares = np.array([0.6, 0.1, 0.05, 0.25])
    truth = 2 * shares[3] / (shares[1] + shares[2] + 2 * shares[3])
    drawn = generator.multinomial(count, shares, size=1_000)
    intervals = [bootstrap(f1, Cells(KINDS, each), resamples=500)[0] for each in drawn]
    covered = np.mean([each is not None and truth in each for each in intervals])
    assert 0.93 < covered < 0.975


@pytest.mark.parametrize("groups", [2, 3, 4])
@pytest.mark.parametrize("skewed", [0.0, 50.0, -50.0])
def test_a_few_skewed_groups_have_an_interval_in_order(groups, skewed):
    """However far out the level and however large the acceleration: the ends are resamples, the low one is low."""
    values = np.arange(20.0) + skewed * (np.arange(20) >= 15)
    cells = Cells.of(with_ones(values), np.arange(20) % groups if skewed == 0 else np.arange(20) * groups // 20)
    found = bootstrap(mean, cells)[0]
    assert values.min() <= found.low <= values.mean() <= found.high <= values.max()
    assert "groups" in found.method
