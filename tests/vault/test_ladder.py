"""The Ladder: its rule against a plain second writing, its error against the published bound under adaptive analysts."""

import json
import math
from collections.abc import Callable
from dataclasses import asdict
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.errors import UsageProblem
from seatrial.vault.pricing.ladder import (
    Ladder,
    LadderState,
    ParameterFreeLadder,
    error_bound,
    published_step,
)

Submit = Callable[[np.ndarray], float]  # predictions -> the loss that is answered

rounds = st.lists(st.lists(st.integers(0, 8), min_size=8, max_size=8), min_size=1, max_size=12)


class Leaderboard:
    """Labels in a vault; counts what the paper calls the leaderboard error where each model's true loss is known."""

    def __init__(self, labels: np.ndarray, way: str, looks: int) -> None:
        self.labels, self.way = labels, way
        self.ladder, self.free = Ladder(published_step(labels.size, looks)), ParameterFreeLadder()
        self.state, self.leader, self.answered = LadderState(), None, math.inf
        self.best, self.error = math.inf, 0.0

    def submit(self, predictions: np.ndarray, truth: float = 0.5) -> float:
        """The loss that is answered. `truth` is the model's own: 1/2 for any model where labels are thrown."""
        losses = (predictions != self.labels).astype(float)
        if self.way == "exact":
            self.answered = min(self.answered, losses.mean())
            shown = losses.mean()
        elif self.way == "ladder":
            answer, self.state = self.ladder.answer(self.state, losses)
            self.answered = shown = answer.value
        else:
            answer, self.state = self.free.answer(self.state, losses, self.leader)
            self.leader = losses if answer.improved else self.leader
            self.answered = shown = answer.value
        self.best = min(self.best, truth)
        self.error = max(self.error, abs(self.best - self.answered))
        return shown


def one_by_one(submit: Submit, examples: int, looks: int, generator: np.random.Generator, width: int = 1) -> np.ndarray:
    """Changes some answers, keeps what the leaderboard calls better: exact scores give away a label a look."""
    best = generator.integers(0, 2, examples)
    score = submit(best)
    for look in range(looks - 1):
        tried = best.copy()
        tried[(look * width + np.arange(width)) % examples] ^= 1
        now = submit(tried)
        if now < score:
            best, score = tried, now
    return best


class TestPublishedFigures:
    def test_step(self) -> None:
        assert published_step(1000, 700) == pytest.approx((math.log(700_000) / 1000) ** (1 / 3))
        assert published_step(1000, 700) == pytest.approx(0.2379, abs=1e-4)
        assert published_step(100_000_000, 10) < 0.01
        assert published_step(1, 1) <= 1

    def test_bound_gives_the_theorems_probability_back(self) -> None:
        for examples, looks, step, risk in [(1000, 700, 0.24, 0.05), (50_000, 3, 0.07, 0.001)]:
            beyond = error_bound(examples, looks, step, risk) - step
            exponent = -2 * beyond**2 * examples + (1 / step + 2) * math.log(4 * looks / step) + 1
            assert math.exp(exponent) == pytest.approx(risk)


class TestRule:
    @given(rounds=rounds, fine=st.integers(1, 6))
    def test_against_a_second_writing_in_whole_numbers(self, rounds: list[list[int]], fine: int) -> None:
        step = Fraction(1, 2**fine)
        ladder, state, best = Ladder(float(step)), LadderState(), None
        for losses in rounds:
            loss = Fraction(sum(losses), 64)
            if best is None or loss < best - step:
                best = round(loss / step) * step
            answer, state = ladder.answer(state, [each / 8 for each in losses])
            assert answer.value == float(best)

    @given(rounds=rounds, step=st.floats(0.01, 1))
    def test_answers_are_multiples_of_the_step_that_never_rise(self, rounds: list[list[int]], step: float) -> None:
        ladder, state, lowest, before = Ladder(step), LadderState(), math.inf, math.inf
        for look, losses in enumerate(rounds, 1):
            answer, state = ladder.answer(state, [each / 8 for each in losses])
            assert answer.value is not None
            lowest = min(lowest, sum(losses) / 64)
            assert answer.value / step == pytest.approx(round(answer.value / step), abs=1e-6)
            assert answer.value == before or answer.value <= before - step + 1e-9
            assert answer.improved == (answer.value != before)
            assert lowest - step / 2 - 1e-9 <= answer.value <= lowest + step + 1e-9
            assert answer.looks == state.looks == look
            before = answer.value

    def test_an_improvement_by_just_the_step_is_none(self) -> None:
        ladder = Ladder(0.1)
        for tenths in range(2, 10):
            _, state = ladder.answer(LadderState(), [tenths / 10])
            answer, after = ladder.answer(state, [(tenths - 1) / 10])
            assert not answer.improved
            assert after.leader == 1
            assert ladder.answer(state, [(tenths - 1.1) / 10])[0].improved

    def test_state_is_json(self) -> None:
        _, state = Ladder(0.1).answer(LadderState(), [0.0, 1.0, 1.0])
        assert LadderState(**json.loads(json.dumps(asdict(state)))) == state
        assert LadderState(**json.loads(json.dumps(asdict(LadderState())))) == LadderState()

    def test_its_interval_is_the_theorems(self) -> None:
        ladder, state = Ladder(0.05), LadderState()
        losses = np.r_[np.ones(2000), np.zeros(8000)]
        for _ in range(3):
            answer, state = ladder.answer(state, losses)
        reach = error_bound(10_000, 3, 0.05, 0.05)
        assert answer.value == pytest.approx(0.2)
        assert answer.interval is not None
        assert (answer.interval.low, answer.interval.high) == pytest.approx((0.2 - reach, 0.2 + reach))
        assert "opened 3 times" in answer.sentence
        assert "look 1" in answer.sentence

    def test_first_look_exactly(self) -> None:
        ladder = Ladder(0.1)
        losses = np.r_[np.ones(23), np.zeros(77)]
        answer, state = ladder.first(losses)
        assert (answer.mechanism, answer.value, answer.looks) == ("exact", 0.23, 1)
        assert state == LadderState(looks=1, best=pytest.approx(0.2), leader=1, exact=1)
        later, after = ladder.answer(state, losses)
        assert (later.value, after.looks, after.leader, after.exact) == (pytest.approx(0.2), 2, 1, 1)
        assert ladder.answer(after, np.zeros(100))[1].exact == 1
        with pytest.raises(UsageProblem, match="no-such-values"):
            ladder.first(losses / 2)

    def test_an_exact_answer_more_is_counted_as_all_that_it_can_be(self) -> None:
        more, plain = (error_bound(1000, 10, 0.2, exact=exact) - 0.2 for exact in (1, 0))
        assert math.exp(2 * 1000 * (more**2 - plain**2)) == pytest.approx(1001)

    @pytest.mark.parametrize("losses", [[0.5, 1.2], [-0.1], [math.nan], [], [[0.1]]])
    def test_refused_losses(self, losses: list) -> None:
        with pytest.raises(UsageProblem, match="no-such-values"):
            Ladder(0.1).answer(LadderState(), losses)

    @pytest.mark.parametrize("step", [0, -0.1, 1.5, math.nan])
    def test_refused_step(self, step: float) -> None:
        with pytest.raises(UsageProblem, match="step"):
            Ladder(step)


class TestParameterFree:
    @given(rounds=rounds)
    def test_against_a_second_writing_in_fractions(self, rounds: list[list[int]]) -> None:
        ladder, state, best, leader = ParameterFreeLadder(), LadderState(), None, None
        for whole in rounds:
            losses = [Fraction(each, 8) for each in whole]
            loss = Fraction(sum(losses), 8)
            before = None if leader is None else list(map(float, leader))
            if best is None or (loss < best and (best - loss) ** 2 > _squared_error(losses, leader)):
                best, leader = Fraction(round(loss * 8), 8), losses
            answer, state = ladder.answer(state, list(map(float, losses)), before)
            assert answer.value == float(best)
            assert answer.improved == (leader is losses)

    def test_leader_is_asked_for(self) -> None:
        ladder = ParameterFreeLadder()
        _, state = ladder.answer(LadderState(), [0.0, 1.0], None)
        for leader in (None, [0.0, 1.0, 1.0]):
            with pytest.raises(UsageProblem, match="no-leader"):
                ladder.answer(state, [0.0, 1.0], leader)

    def test_single_labels_cannot_be_asked_out(self) -> None:
        """One right change is an improvement by 1/n, exactly the standard error of the difference: a tie."""
        generator = np.random.default_rng(0)
        for examples in (50, 200, 333):
            board = Leaderboard(generator.integers(0, 2, examples), "free", examples)
            found = one_by_one(board.submit, examples, examples, generator)
            assert abs((found == board.labels).mean() - 0.5) < 0.2
            assert board.state.leader == 1

    def test_pairs_can_as_its_page_says(self) -> None:
        generator = np.random.default_rng(0)
        board = Leaderboard(generator.integers(0, 2, 200), "free", 2000)
        found = one_by_one(board.submit, 200, 101, generator, width=2)
        assert (found == board.labels).mean() > 0.65


def _squared_error(losses: list[Fraction], leader: list[Fraction]) -> Fraction:
    """Squared standard error of the mean difference, its variance with n - 1."""
    apart = [now - then for now, then in zip(losses, leader, strict=True)]
    mean = sum(apart) / len(apart)
    return sum((each - mean) ** 2 for each in apart) / (len(apart) - 1) / len(apart)


class TestBound:
    """Theorem 3.1: |best true loss - answer| <= step + eps with probability 95 %, whatever the analyst does."""

    EXAMPLES = 2000

    def error(self, way: str, seed: int) -> float:
        generator = np.random.default_rng(seed)
        looks = self.EXAMPLES + 1
        board = Leaderboard(generator.integers(0, 2, self.EXAMPLES), way, looks)
        one_by_one(board.submit, self.EXAMPLES, looks, generator)
        return board.error

    def bound(self, looks: int) -> float:
        return error_bound(self.EXAMPLES, looks, published_step(self.EXAMPLES, looks))

    def test_label_by_label_breaks_exact_answers_and_not_the_ladder(self) -> None:
        bound = self.bound(self.EXAMPLES + 1)
        assert bound < 0.4
        assert self.error("exact", 0) > 0.45
        assert max(self.error("ladder", seed) for seed in range(5)) < bound

    @pytest.mark.parametrize(("way", "breaks"), [("exact", True), ("ladder", False), ("free", False)])
    def test_boosting(self, way: str, breaks: bool) -> None:
        """Majority vote over all random answers, those that did badly turned round."""
        looks, generator = 6000, np.random.default_rng(0)
        board = Leaderboard(generator.integers(0, 2, self.EXAMPLES), way, looks + 1)
        votes, before = np.zeros(self.EXAMPLES), 0.5
        for _ in range(looks):
            vector = generator.integers(0, 2, self.EXAMPLES)
            now = board.submit(vector)
            praised = np.sign(before - now)  # a Ladder speaks only where it got better
            votes += praised * (2 * vector - 1)
            before = 0.5 if way == "exact" else now
        board.submit((votes > 0).astype(int))
        assert (board.error > self.bound(looks + 1)) == breaks

    @pytest.mark.parametrize("way", ["ladder", "free"])
    def test_an_analyst_who_learns(self, way: str) -> None:
        """Forty kinds of examples, each with labels that lean to one side: true progress is told, within the bound."""
        examples, kinds, looks = self.EXAMPLES, 40, 150
        errors, truths = [], []
        for seed in range(20):
            generator = np.random.default_rng(seed)
            lean = generator.choice([0.1, 0.9], kinds)
            kind = generator.integers(0, kinds, examples)
            labels = (generator.random(examples) < lean[kind]).astype(int)
            board = Leaderboard(labels, way, looks)
            best, score = generator.integers(0, 2, kinds), math.inf
            for _ in range(looks):
                tried = best ^ (generator.random(kinds) < 0.25)
                now = board.submit(tried[kind], truth=float(np.where(tried, 1 - lean, lean).mean()))
                best, score = (tried, now) if now < score else (best, score)
            errors.append(board.error)
            truths.append(board.best)
        assert max(errors) < self.bound(looks)
        assert np.mean(truths) < 0.4  # there was progress to tell
        if way == "free":
            assert max(errors) < 0.08  # in effect its step is a standard error, about 0.01 here
