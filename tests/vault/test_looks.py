"""Exact scores: intervals that cover what they claim to, and the words about it."""

import math

import numpy as np
import pytest
from scipy import stats

from seatrial.errors import UsageProblem
from seatrial.vault.pricing import looks as priced


class TestIntervals:
    def test_clopper_pearson_by_its_definition(self) -> None:
        """At the lower end 800 or more right answers have the probability alpha / 2k, at the upper end 800 or fewer."""
        for looks in (1, 7):
            interval = priced.proportion(800, 1000, looks)
            assert stats.binom.sf(799, 1000, interval.low) == pytest.approx(0.025 / looks)
            assert stats.binom.cdf(800, 1000, interval.high) == pytest.approx(0.025 / looks)
        assert priced.proportion(0, 10).low == 0
        assert priced.proportion(10, 10).high == 1

    def test_shares_are_known_by_their_values(self) -> None:
        assert priced.mean([1, 0, 1, 1], looks=2) == priced.proportion(3, 4, looks=2)
        assert priced.mean(np.array([True, False])) == priced.proportion(1, 2)

    def test_students_t_for_many(self) -> None:
        values = np.random.default_rng(0).exponential(size=priced.LARGE)
        interval = priced.mean(values, looks=4)
        expected = stats.ttest_1samp(values, 0).confidence_interval(1 - 0.05 / 4)
        assert interval is not None
        assert (interval.low, interval.high) == pytest.approx((expected.low, expected.high))
        assert "4 looks" in interval.method

    def test_a_metric_that_is_a_mean_has_the_means_interval(self) -> None:
        values = np.random.default_rng(0).exponential(size=80)
        one, other = priced.mean(values), priced.metric(lambda each: float(each.mean()), [values])
        assert one is not None
        assert other is not None
        assert (one.low, one.high) == pytest.approx((other.low, other.high), rel=0.01)

    def test_examples_are_resampled_together(self) -> None:
        """Labels and predictions apart would make every F1 score that of chance."""
        generator = np.random.default_rng(0)
        labels = generator.random(300) < 0.4
        predictions = labels ^ (generator.random(300) < 0.05)

        def f1(labels: np.ndarray, predictions: np.ndarray) -> float:
            return 2 * (labels & predictions).sum() / (labels.sum() + predictions.sum())

        answer = priced.exact_metric(f1, [labels, predictions], looks=3)
        assert answer.value == pytest.approx(f1(labels, predictions))
        assert answer.interval is not None
        assert answer.value in answer.interval
        assert 0.85 < answer.interval.low < answer.interval.high < 1
        assert answer.worst is None
        assert "nothing is: a score" in answer.sentence

    def test_values_that_are_all_the_same(self) -> None:
        assert priced.mean([0.5] * 20) is None
        answer = priced.exact([0.5] * 20, looks=2)
        assert (answer.value, answer.interval) == (0.5, None)
        assert "No interval" in answer.sentence
        assert priced.metric(lambda each: 1.0, [np.arange(10)]) is None

    def test_graded_values_may_tell_without_end(self) -> None:
        values = np.random.default_rng(0).random(50)
        assert priced.exact(values, looks=1).worst == priced.exact(values, looks=1).interval
        assert priced.exact(values, looks=2).worst is None
        assert priced.exact(values > 0.5, looks=2).worst is not None

    @pytest.mark.parametrize("wrong", [{"looks": 0}, {"level": 1.0}, {"level": 95}])
    def test_refused(self, wrong: dict) -> None:
        with pytest.raises(UsageProblem, match="no-such-values"):
            priced.exact([0, 1], **wrong)
        with pytest.raises(UsageProblem, match="2 that are not"):
            priced.exact([0, math.nan, math.inf])


class TestCoverage:
    """By simulation: how often the true value of the best of k models lies in its interval."""

    RUNS = 3000

    def covered(self, right: np.ndarray, total: int, truth: float, looks: int) -> float:
        intervals = {int(each): priced.proportion(int(each), total, looks) for each in np.unique(right)}
        return float(np.mean([truth in intervals[int(each)] for each in right]))

    def test_shares(self) -> None:
        generator = np.random.default_rng(0)
        for truth, total, looks in [(0.8, 200, 20), (0.5, 1000, 5), (0.97, 300, 100)]:
            right = generator.binomial(total, truth, size=(self.RUNS, looks))
            assert self.covered(right[:, 0], total, truth, 1) > 0.94  # a first look
            best = right.max(axis=1)
            assert self.covered(best, total, truth, looks) > 0.945  # 0.95 less three standard errors of the simulation
            assert self.covered(best, total, truth, 1) < 0.92

    def test_plain_intervals_of_the_best_of_many_hardly_ever_cover(self) -> None:
        best = np.random.default_rng(0).binomial(1000, 0.8, size=(self.RUNS, 100)).max(axis=1)
        assert self.covered(best, 1000, 0.8, 1) < 0.15
        assert self.covered(best, 1000, 0.8, 100) > 0.945

    def test_means_by_the_bootstrap(self) -> None:
        generator, looks = np.random.default_rng(0), 8
        hits = {"first": 0, "plain": 0, "widened": 0}
        runs = 150
        for _ in range(runs):
            models = generator.beta(4, 2, size=(looks, 60))
            best = models[models.mean(axis=1).argmax()]
            for name, values, wide in [("first", models[0], 1), ("plain", best, 1), ("widened", best, looks)]:
                interval = priced.mean(values, wide)
                assert interval is not None
                hits[name] += 4 / 6 in interval
        assert hits["first"] / runs > 0.9
        assert hits["widened"] / runs > 0.93
        assert hits["plain"] / runs < 0.87

    def test_an_analyst_who_follows_the_answers(self) -> None:
        """Label by label on 12 thrown labels: Bonferroni's interval for fixed models fails, the one for all within reach holds."""
        generator, looks = np.random.default_rng(0), 13
        fixed = reach = 0
        for _ in range(200):
            labels, guess = generator.integers(0, 2, (2, 12))
            score = (guess == labels).mean()
            for example in range(12):
                guess[example] ^= 1
                now = (guess == labels).mean()
                if now < score:
                    guess[example] ^= 1
                score = max(score, now)
            answer = priced.exact(guess == labels, looks=looks)
            assert answer.interval is not None
            assert answer.worst is not None
            fixed += 0.5 in answer.interval
            reach += 0.5 in answer.worst
        assert fixed == 0
        assert reach / 200 > 0.95


class TestAdaptiveMargin:
    def test_first_look_is_hoeffdings(self) -> None:
        assert priced.adaptive_margin(1000, 1) == pytest.approx(math.sqrt(math.log(2 / 0.05) / 2000))

    def test_it_counts_the_models_within_reach(self) -> None:
        models = 1 + 11 + 11**2  # none answered, one answer of 11, two
        margin = priced.adaptive_margin(10, 3)
        assert margin == pytest.approx(math.sqrt(math.log(2 * models / 0.05) / 20), rel=1e-3)
        assert margin > math.sqrt(math.log(2 * models / 0.05) / 20)

    def test_coarse_answers_tell_less(self) -> None:
        assert priced.adaptive_margin(1000, 10, answers=2) < priced.adaptive_margin(1000, 10) / 2


class TestOptimism:
    def test_against_simulation_and_the_known_bound(self) -> None:
        generator = np.random.default_rng(0)
        for looks in (2, 10, 100):
            drawn = generator.normal(0, 0.02, size=(20_000, looks)).max(axis=1).mean()
            optimism = priced.expected_optimism(0.02, looks)
            assert optimism == pytest.approx(drawn, rel=0.03)
            assert optimism < math.sqrt(2 * math.log(looks)) * 0.02
        assert priced.expected_optimism(1.0, 2) == pytest.approx(1 / math.sqrt(math.pi))
        assert priced.expected_optimism(0.02, 1) == 0


class TestClaims:
    def test_first_look_holds_as_it_stands(self) -> None:
        answer = priced.exact([1] * 80 + [0] * 20)
        assert answer.worst == answer.interval
        assert "first time" in answer.sentence
        assert "95 % interval of this score, [0.7082, 0.8733], holds as it stands." in answer.sentence

    def test_later_looks_say_what_they_cost(self) -> None:
        answer = priced.exact([1] * 80 + [0] * 20, looks=6)
        interval, worst = answer.interval, answer.worst
        assert interval is not None
        assert worst is not None
        assert worst.low < interval.low < 0.7082
        assert "opened 6 times" in answer.sentence
        assert f"too good by about {priced.expected_optimism(0.0402, 6):.2g}" in answer.sentence
        assert f"[{interval.low:.4g}, {interval.high:.4g}], is widened for 6 looks" in answer.sentence
        assert f"only [{worst.low:.4g}, {worst.high:.4g}] is guaranteed" in answer.sentence
