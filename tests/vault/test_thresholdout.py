"""Thresholdout: its arithmetic line by line, its noise, and the published experiment in small."""

import json
import math
from dataclasses import asdict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from seatrial.errors import UsageProblem
from seatrial.vault.pricing.noise import keyed
from seatrial.vault.pricing.thresholdout import Thresholdout, ThresholdoutState

START = ThresholdoutState()


class Told:
    """Noise that is told beforehand, and what was asked of it."""

    def __init__(self, **noise: float) -> None:
        self.noise, self.asked = noise, []

    def __call__(self, purpose: str, number: int, scale: float) -> float:
        self.asked.append((purpose, number, scale))
        return self.noise.get(purpose, 0.0)


class TestAlgorithm:
    """NIPS 2015, algorithm Thresholdout: T^ = T + Lap(2s); |difference| > T^ + Lap(4s) gives the holdout value + Lap(s)."""

    mechanism = Thresholdout(threshold=0.05, scale=0.01, budget=2)

    def test_training_value_where_both_agree(self) -> None:
        noise = Told()
        answer, state = self.mechanism.answer(START, 0.80, 0.76, noise)
        assert answer.value == 0.80
        assert (state, answer.left, answer.looks) == (ThresholdoutState(1, 0), 2, 1)
        assert noise.asked == [("threshold", 0, 0.02), ("comparison", 0, 0.04)]

    def test_holdout_value_with_noise_where_they_differ(self) -> None:
        noise = Told(answer=0.003)
        answer, state = self.mechanism.answer(ThresholdoutState(4, 1), 0.80, 0.70, noise)
        assert answer.value == pytest.approx(0.703, abs=0.01 / 32)
        assert (state, answer.left, answer.looks) == (ThresholdoutState(5, 2), 0, 5)
        assert noise.asked == [("threshold", 1, 0.02), ("comparison", 4, 0.04), ("answer", 4, 0.01)]

    @pytest.mark.parametrize(
        ("difference", "noise", "speaks"),
        [
            (0.09, {"threshold": 0.03}, True),
            (0.09, {"threshold": 0.05}, False),
            (0.09, {"comparison": 0.05}, False),
            (0.09, {"threshold": -0.02, "comparison": 0.05}, True),
            (0.04, {"threshold": -0.02}, True),
            (-0.09, {}, True),
            (-0.04, {}, False),
        ],
    )
    def test_both_noises_move_the_threshold(self, difference: float, noise: dict[str, float], speaks: bool) -> None:
        answer, state = self.mechanism.answer(START, 0.5, 0.5 + difference, Told(**noise))
        assert state.refreshes == speaks
        assert answer.value == pytest.approx(0.5 + difference if speaks else 0.5, abs=0.01 / 32)

    def test_spent_budget_answers_nothing_and_draws_nothing(self) -> None:
        spent, noise = ThresholdoutState(9, 2), Told()
        for training, holdout in [(0.5, 0.9), (0.5, 0.5)]:
            answer, state = self.mechanism.answer(spent, training, holdout, noise)
            assert answer.value is None
            assert answer.spent
            assert (state, answer.left, noise.asked) == (spent, 0, [])
            assert "[budget-spent]" in answer.sentence

    @given(
        questions=st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), max_size=30),
        budget=st.integers(1, 4),
        secret=st.binary(min_size=1, max_size=4),
    )
    def test_budget(self, questions: list[tuple[float, float]], budget: int, secret: bytes) -> None:
        """It falls where the test set spoke and nowhere else, never below 0; what was said then had its noise."""
        mechanism, state, noise = Thresholdout(0.1, 0.02, budget), START, keyed(secret)
        for training, holdout in questions:
            answer, after = mechanism.answer(state, training, holdout, noise)
            if state.refreshes == budget:
                assert answer.spent
                assert after == state
            elif after == ThresholdoutState(state.questions + 1, state.refreshes):
                assert answer.value == training
            else:
                assert after == ThresholdoutState(state.questions + 1, state.refreshes + 1)
                assert answer.value == pytest.approx(holdout + noise("answer", state.questions, 0.02), abs=0.02 / 32)
                assert answer.value % 2**-11 == 0  # rounded, so that its last digits tell nothing
            assert answer.left == budget - after.refreshes >= 0
            state = ThresholdoutState(**json.loads(json.dumps(asdict(after))))

    def test_published_parameters(self) -> None:
        mechanism = Thresholdout.published(tolerance=0.1, questions=1000, budget=10, risk=0.05)
        assert mechanism.threshold == pytest.approx(0.075)
        assert mechanism.scale == pytest.approx(0.1 / (96 * math.log(80_000)))
        assert Thresholdout.usual(10_000, 1).threshold == pytest.approx(0.04)
        assert 4 * Thresholdout.usual(10_000, 1).scale == pytest.approx(0.01)

    def test_refused(self) -> None:
        with pytest.raises(UsageProblem):
            Thresholdout.published(0.1, questions=5, budget=6)
        with pytest.raises(UsageProblem):
            Thresholdout(0.1, 0.01, 0)
        with pytest.raises(UsageProblem):
            Thresholdout(0.1, 0.0, 1)
        with pytest.raises(UsageProblem):
            self.mechanism.answer(START, math.nan, 0.5, Told())


class TestNoise:
    def test_same_place_same_noise(self) -> None:
        noise = keyed(b"secret")
        assert noise("answer", 3, 0.5) == keyed(b"secret")("answer", 3, 0.5)
        others = [noise("answer", 4, 0.5), noise("comparison", 3, 0.5), keyed(b"other")("answer", 3, 0.5)]
        assert len({noise("answer", 3, 0.5), *others}) == 4
        assert noise("answer", 3, 1.0) == 2 * noise("answer", 3, 0.5)

    def test_it_is_laplace(self) -> None:
        noise = keyed(b"secret")
        drawn = [noise("answer", number, 0.7) for number in range(20_000)]
        assert stats.kstest(drawn, stats.laplace(scale=0.7).cdf).pvalue > 0.01
        assert np.mean(np.abs(drawn)) == pytest.approx(0.7, rel=0.03)
        assert abs(np.corrcoef(drawn[1:], drawn[:-1])[0, 1]) < 0.03


class TestPublishedExperiment:
    """Science 349, figure 1, with n = d = 2,000 in place of 10,000: variables are chosen by training and test set together."""

    EXAMPLES = VARIABLES = 2000
    LEANING = 20  # variables that tell the class, by 6 / sqrt(n), where there is a signal

    def data(self, generator: np.random.Generator, signal: bool) -> list[tuple[np.ndarray, np.ndarray]]:
        sets = []
        for _ in ("training", "holdout", "fresh"):
            labels = generator.choice([-1.0, 1.0], self.EXAMPLES)
            inputs = generator.standard_normal((self.EXAMPLES, self.VARIABLES), dtype=np.float32)
            if signal:
                inputs[:, : self.LEANING] += (6 / math.sqrt(self.EXAMPLES) * labels[:, None]).astype(np.float32)
            sets.append((inputs, labels))
        return sets

    def classifier(self, training: np.ndarray, holdout: np.ndarray, most: int) -> np.ndarray:
        """Signs of the variables that both sets call related to the class, the `most` strongest of the training set."""
        least = 1 / math.sqrt(self.EXAMPLES)
        agreed = (np.abs(training) > least) & (np.abs(holdout) > least) & (training * holdout > 0)
        strength = np.where(agreed, np.abs(training), 0)
        chosen = np.argsort(strength)[-most:]
        return np.where(np.isin(np.arange(training.size), chosen) & agreed, np.sign(training), 0)

    def run(self, seed: int, signal: bool, most: int) -> dict[str, float]:
        """Accuracies: told and true ones, for plain reuse of the holdout set and through Thresholdout."""
        generator = np.random.default_rng(seed)
        sets = self.data(generator, signal)
        related = [inputs.T @ labels / self.EXAMPLES for inputs, labels in sets]
        mechanism, state = Thresholdout.usual(self.EXAMPLES, budget=self.VARIABLES), START
        noise, told = keyed(generator.bytes(32)), []
        for training, holdout in zip(related[0], related[1], strict=True):
            answer, state = mechanism.answer(state, float(training), float(holdout), noise)
            told.append(answer.value)
        plain, kept = (self.classifier(related[0], each, most) for each in (related[1], np.array(told)))
        right = {
            name: [float((np.sign(inputs @ weights) == labels).mean()) for inputs, labels in sets]
            for name, weights in (("plain", plain), ("kept", kept))
        }
        answer, after = mechanism.answer(state, right["kept"][0], right["kept"][1], noise)
        assert answer.value is not None
        return {
            "plain": right["plain"][1],
            "plain, fresh": right["plain"][2],
            "kept": right["kept"][1],
            "told": answer.value,
            "kept, fresh": right["kept"][2],
            "budget used": after.refreshes,
        }

    def test_no_signal(self) -> None:
        """Published: 63 % told on the reused holdout set, 50 % in truth; Thresholdout tells about 50 %."""
        for seed in range(2):
            found = self.run(seed, signal=False, most=100)
            assert found["plain"] == pytest.approx(0.63, abs=0.03)
            assert found["plain, fresh"] == pytest.approx(0.5, abs=0.035)
            assert found["kept, fresh"] == pytest.approx(0.5, abs=0.035)
            assert found["kept"] == pytest.approx(found["kept, fresh"], abs=0.05)
            assert found["told"] == pytest.approx(found["kept, fresh"], abs=0.05)
            assert found["budget used"] < self.VARIABLES / 20

    def test_signal(self) -> None:
        """Both find it; where more variables are taken than there are, plain reuse promises too much again."""
        for seed in (2, 3):
            found = self.run(seed, signal=True, most=20)
            assert found["plain, fresh"] > 0.68
            assert found["kept, fresh"] > 0.68
            assert found["told"] == pytest.approx(found["kept, fresh"], abs=0.05)
            many = self.run(seed, signal=True, most=100)
            assert many["plain"] - many["plain, fresh"] > 0.06
            assert abs(many["kept"] - many["kept, fresh"]) < 0.05
