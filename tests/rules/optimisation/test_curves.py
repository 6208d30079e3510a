"""What is said of loss curves, learning rates and update sizes, and what is left alone, on hand-made runs."""

from __future__ import annotations

import math

import pytest
from graphs import FILE
from trainings import clips, evaluated, falling, look, noisy, run_of, step

from seatrial.events import Settings
from seatrial.findings import Finding
from seatrial.history import Run
from seatrial.rules import discover


def said(run: Run, name: str) -> list[Finding]:
    rule = discover()[f"optimisation.{name}"]
    return list(rule.check(run, rule.limits))


def lines(finding: Finding) -> list[int]:
    return [place.line for place in finding.where if place.file == FILE]


LEARNT = noisy(falling(2.3, 0.1, 200))
NOISE = noisy([2.3] * 200)
EXPLODED = [2.3, 30.0, 500.0, 90.0, *noisy([4.0] * 100)]


class TestTooHigh:
    def test_large_steps_and_a_loss_that_explodes(self) -> None:
        (finding,) = said(run_of(EXPLODED, ratios=(0.5, 1.0, 0.9, 0.1)), "learning-rate-too-high")
        assert finding.severity == "error"
        assert lines(finding)[0] == 4
        assert "optimisation.exploding-gradient" in finding.explains

    def test_large_steps_and_a_loss_that_never_falls(self) -> None:
        assert said(run_of(NOISE, ratios=(0.6, 0.4, 0.1)), "learning-rate-too-high")

    def test_large_steps_and_a_loss_that_rises_after_its_best(self) -> None:
        values = noisy([*falling(2.3, 0.9, 60), *[1.15] * 140], 0.02)
        assert said(run_of(values, ratios=(0.9, 0.3, 0.05)), "learning-rate-too-high")

    def test_large_steps_alone_are_no_fault(self) -> None:
        assert not said(run_of(LEARNT, ratios=(0.5, 0.3, 0.2)), "learning-rate-too-high")

    def test_a_loss_that_never_falls_at_small_steps_has_another_cause(self) -> None:
        assert not said(run_of(NOISE, ratios=(1e-3,) * 5), "learning-rate-too-high")

    def test_a_spike_that_is_overcome_is_no_fault(self) -> None:
        values = [2.3, 60.0, 40.0, *noisy(falling(5.0, 0.1, 200))]
        assert not said(run_of(values, ratios=(0.4, 0.3, 0.01)), "learning-rate-too-high")


class TestSettings:
    def test_a_usual_decay_at_an_absurd_rate_is_the_rates_fault(self) -> None:
        assert not said(run_of(LEARNT, kind="AdamW", lr=1.44, weight_decay=0.05), "excessive-weight-decay")
        assert said(run_of(LEARNT, kind="AdamW", lr=0.001, weight_decay=60.0), "excessive-weight-decay")
        assert said(run_of(LEARNT, weight_decay=1.0), "excessive-weight-decay")

    def test_momentum_that_grows_to_one_points_at_what_sets_it(self) -> None:
        run = run_of(LEARNT, Settings(0, 0, "momentum", (0, 50, 100), (0.5, 0.9, 1.0)), momentum=0.5)
        run.sources[FILE] += "\nfor group in optimizer.param_groups:\n    group['momentum'] = 0.5 + 0.1 * epoch"
        (finding,) = said(run, "bad-optimizer-setting")
        assert finding.evidence["setting"] == "momentum"
        assert lines(finding)[0] == 13

    @pytest.mark.parametrize(
        ("kind", "settings"),
        [
            ("SGD", {"momentum": 1.0}),
            ("Adam", {"beta1": 0.999, "beta2": 0.9}),
            ("Adam", {"beta1": 0.9, "beta2": 0.1}),
            ("Adam", {"beta1": 0.9, "beta2": 0.999, "eps": 1.0}),
            ("SGD", {"weight_decay": -1e-4}),
            ("SGD", {"lr": 0.0}),
            ("SGD", {"lr": -0.1}),
        ],
    )
    def test_settings_that_defeat_an_optimizer(self, kind: str, settings: dict[str, float]) -> None:
        (finding,) = said(run_of(LEARNT, kind=kind, **settings), "bad-optimizer-setting")
        assert finding.severity == "error"
        assert 4 in lines(finding)

    @pytest.mark.parametrize(
        ("kind", "settings"),
        [
            ("SGD", {"momentum": 0.99, "weight_decay": 1e-2}),
            ("Adam", {"beta1": 0.9, "beta2": 0.999, "eps": 1e-8}),
            ("AdamW", {"beta1": 0.95, "beta2": 0.95, "eps": 1e-6, "weight_decay": 0.3, "lr": 1e-3}),
            ("Adam", {"beta1": 0.0, "beta2": 0.9}),
            ("RMSprop", {"alpha": 0.99, "eps": 1e-5, "momentum": 0.0}),
        ],
    )
    def test_unusual_settings_that_work(self, kind: str, settings: dict[str, float]) -> None:
        assert not said(run_of(LEARNT, kind=kind, **settings), "bad-optimizer-setting")


class TestCollapsed:
    STUCK = noisy([*falling(2.3, 1.5, 40), *[1.5] * 160], 0.01)

    def test_a_rate_that_is_gone_after_a_fifth_of_the_run(self) -> None:
        run = run_of(self.STUCK, rates=[(0, 0.1), (20, 1e-2), (40, 1e-5), (60, 1e-8)])
        (finding,) = said(run, "learning-rate-collapsed")
        assert finding.evidence["collapsed_at_step"] == 40

    def test_a_cosine_to_the_end_is_no_fault(self) -> None:
        rates = [(tick, 0.05 * (1 + math.cos(math.pi * tick / 200))) for tick in range(200)]
        assert not said(run_of(LEARNT, rates=rates), "learning-rate-collapsed")

    def test_a_rate_that_falls_after_the_loss_is_at_rest_is_no_fault(self) -> None:
        rested = noisy([*falling(2.3, 0.2, 60), *[0.2] * 140], 0.01)
        assert not said(run_of(rested, rates=[(0, 0.1), (110, 1e-6)]), "learning-rate-collapsed")

    def test_a_rate_that_comes_back_is_no_fault(self) -> None:
        rates = [(0, 0.1), (30, 1e-6), (60, 0.1), (120, 1e-6), (150, 0.05)]
        assert not said(run_of(self.STUCK, rates=rates), "learning-rate-collapsed")


class TestLosses:
    def test_a_loss_that_is_lost_is_told_with_its_first_step(self) -> None:
        (finding,) = said(run_of([2.0, 3.0, math.nan, math.nan]), "non-finite-loss")
        assert finding.evidence["first_step"] == 2
        assert lines(finding) == [8]

    def test_a_loss_that_stands_still(self) -> None:
        assert said(run_of(NOISE), "loss-not-decreasing")

    @pytest.mark.parametrize("values", [LEARNT, noisy(falling(2.3, 2.0, 200), 0.01), noisy([0.02] * 10)])
    def test_losses_that_fall_or_are_too_short_to_tell(self, values: list[float]) -> None:
        assert not said(run_of(values), "loss-not-decreasing")

    def test_the_loss_of_a_game_is_not_judged(self) -> None:
        run = run_of(NOISE, *run_of(NOISE).every(Settings))
        run.losses[99] = run.losses[2]
        assert not said(run, "loss-not-decreasing")

    def test_validation_that_turns_while_training_falls(self) -> None:
        passes = [evaluated(20 * (number + 1), [number], 1 + abs(number - 3) * 0.3) for number in range(10)]
        assert said(run_of(LEARNT, *passes), "overfitting")

    def test_validation_that_wavers_is_no_overfitting(self) -> None:
        losses = [1.5, 0.9, 0.7, 0.75, 0.68, 0.72, 0.69, 0.74, 0.7, 0.73]
        passes = [evaluated(20 * (number + 1), [number], loss) for number, loss in enumerate(losses)]
        assert not said(run_of(LEARNT, *passes), "overfitting")


class TestSmallSteps:
    def test_steps_that_lead_nowhere(self) -> None:
        (finding,) = said(run_of(NOISE, ratios=(1e-7,) * 6), "learning-rate-too-low")
        assert finding.severity == "error"
        assert lines(finding)[0] == 4

    def test_small_steps_that_arrive_are_no_fault(self) -> None:
        assert not said(run_of(LEARNT, ratios=(1e-5,) * 6), "learning-rate-too-low")

    def test_a_small_update_ratio_alone_is_a_note(self) -> None:
        assert [each.severity for each in said(run_of(LEARNT, ratios=(1e-8,) * 6), "update-ratio-off")] == ["note"]

    def test_clipping_that_leaves_nothing(self) -> None:
        run = run_of(NOISE, clips([80.0] * 200), ratios=(1e-5,) * 6)
        (finding,) = said(run, "clipping-too-tight")
        assert lines(finding)[0] == 9

    def test_clipping_does_not_matter_to_adam(self) -> None:
        run = run_of(NOISE, clips([80.0] * 200), ratios=(1e-5,) * 6, kind="Adam")
        assert not said(run, "clipping-too-tight")

    def test_clipping_of_a_run_that_learns_is_no_fault(self) -> None:
        assert not said(run_of(LEARNT, clips([80.0] * 200), ratios=(1e-5,) * 6), "clipping-too-tight")


class TestGradients:
    def test_gradients_that_grow_with_the_loss(self) -> None:
        looks = [look(tick, 0.01, gradient) for tick, gradient in ((50, 1.0), (100, 900.0), (150, 4000.0))]
        values = noisy([*[2.0] * 100, *[50.0] * 100])
        assert said(run_of(values, *looks), "exploding-gradient")

    def test_gradients_that_grow_in_a_run_that_learns_are_no_fault(self) -> None:
        looks = [look(tick, 0.01, gradient) for tick, gradient in ((50, 1.0), (100, 900.0), (150, 4000.0))]
        assert not said(run_of(LEARNT, *looks), "exploding-gradient")

    def test_gradients_that_are_never_finite_are_another_fault(self) -> None:
        looks = [look(tick, 0.01, math.inf) for tick in (50, 100, 150)]
        assert not said(run_of([2.0, *[math.nan] * 199], *looks), "exploding-gradient")

    def test_noise_of_tiny_batches_needs_large_steps_to_be_a_fault(self) -> None:
        assert not said(run_of(LEARNT, graph=step()), "noisy-loss")
