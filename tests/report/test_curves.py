"""Curves are thinned without losing what a person looks for, and charts say what they show."""

import math

import pytest
import sample_run as sample
from hypothesis import given
from hypothesis import strategies as st

from seatrial.history import Run
from seatrial.report import curves
from seatrial.report.charts import axis, chart, nice
from seatrial.report.curves import Curve, thin

values = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=1500)


@given(values)
def test_thinning_keeps_order_and_extremes_and_invents_nothing(numbers: list[float]) -> None:
    curve = Curve("loss", tuple(range(len(numbers))), tuple(numbers))
    few = thin(curve)
    assert len(few.values) <= curves.MOST_POINTS
    assert list(few.ticks) == sorted(set(few.ticks))
    assert all(numbers[tick] == value for tick, value in zip(few.ticks, few.values, strict=True))
    assert (min(few.values), max(few.values)) == (min(numbers), max(numbers))


def test_values_that_are_not_finite_are_left_out() -> None:
    assert thin(Curve("loss", (0, 1, 2), (1.0, math.nan, math.inf))) == Curve("loss", (0,), (1.0,))


def test_the_curves_of_a_run() -> None:
    run = Run.of(sample.events())
    raw, trend, evaluation = curves.losses(run)
    assert (raw.kind, trend.kind, evaluation.kind) == ("faint", "smooth", "evaluation")
    assert len(raw.values) == sample.TICKS
    assert evaluation.ticks == tuple(range(38, 305, 38))
    assert evaluation.label.startswith("validation (cross_entropy, line ")
    (rate,) = curves.learning_rates(run)
    assert rate.values == (0.05, 0.025, 0.0125, 0.0125)
    assert rate.ticks[-1] == sample.TICKS
    (norm,) = curves.gradient_norms(run)
    assert norm.values[0] == pytest.approx(math.sqrt(sum((1.3 / (1 + at)) ** 2 for at in range(6))))
    assert [each.path for each in curves.parameters(run)][:2] == ["hidden.weight", "hidden.bias"]
    assert curves.parameters(run)[0].update.values[0] == pytest.approx(0.05 * 1.3 / 3)


def test_an_empty_run_has_no_curves() -> None:
    run = Run.of([])
    assert (
        curves.losses(run) == curves.learning_rates(run) == curves.gradient_norms(run) == curves.parameters(run) == ()
    )
    assert chart("Loss", ()) is None


@given(st.floats(-1e9, 1e9), st.floats(1e-9, 1e9), st.integers(2, 8))
def test_ticks_lie_inside_and_are_few(low: float, width: float, about: int) -> None:
    ticks = nice(low, low + width, about)
    assert len(ticks) <= about + 2
    assert all(low - 1e-6 * width - 1e-6 <= tick <= low + width * (1 + 1e-6) + 1e-6 for tick in ticks)


def test_ticks_of_a_loss_that_hardly_moves_can_be_told_apart() -> None:
    drawn = chart("Loss", [Curve("loss", (0, 1), (2.302512, 2.302587))])
    assert drawn is not None
    texts = [tick.text for tick in drawn.up]
    assert len(texts) == len(set(texts)) >= 3


@given(values)
def test_values_lie_inside_of_their_axis_but_for_a_few_peaks(numbers: list[float]) -> None:
    scale = axis(numbers)
    inside = [value for value in numbers if -1e-6 <= scale.at(value) <= 1 + 1e-6]
    assert len(inside) >= 0.96 * len(numbers)
    assert scale.at(min(numbers)) >= -1e-6


def test_peaks_that_are_cut_off_are_told() -> None:
    calm = tuple(3.0 + 0.1 * (at % 7) - at / 200 for at in range(200))
    drawn = chart("Loss", [Curve("loss", tuple(range(200)), (*calm[:100], 57.3, *calm[101:]))])
    assert drawn is not None
    assert drawn.remark == "cut off: peaks up to 57.3"
    assert float(drawn.up[-1].text) < 6


def test_values_over_orders_of_magnitude_get_a_logarithmic_axis() -> None:
    assert axis([1e-3, 2.0]).log
    assert not axis([1.0, 2.0]).log
    assert not axis([0.0, 2.0]).log
