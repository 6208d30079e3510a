"""Calibration errors without the part of chance, the parts of a Brier score, and the temperature that minimises the log loss."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import isotonic_regression
from scipy.stats import foldnorm
from sklearn.metrics import brier_score_loss, log_loss

from seatrial.errors import UsageProblem
from seatrial.evaluation.calibration.calibrating import calibration
from seatrial.evaluation.calibration.decomposition import decomposed
from seatrial.evaluation.calibration.reliability import confidences, reliability
from seatrial.evaluation.calibration.temperature import crossed, rescaled, temperature
from seatrial.evaluation.predictions import Predictions


def sure(count, factor, seed=0, classes=4):
    """Predictions whose logits are `factor` times those of a calibrated model."""
    generator = np.random.default_rng(seed)
    logits = generator.normal(size=(count, classes)) * 1.5
    true = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    targets = (generator.random(count)[:, None] > true.cumsum(axis=1)).sum(axis=1).clip(0, classes - 1)
    said = np.exp(factor * logits)
    return Predictions("multiclass", targets, said / said.sum(axis=1, keepdims=True), np.arange(count))


def binary(count, factor, seed=0):
    of = sure(count, factor, seed, 2)
    return Predictions("binary", of.targets, of.scores[:, 1], of.ids)


def plain_error(confidence, right, bins):
    """The expected calibration error as it is defined, in bins of equally many."""
    order = np.argsort(confidence, kind="stable")
    parts = np.array_split(order, bins)
    return sum(len(part) * abs(confidence[part].mean() - right[part].mean()) for part in parts) / len(right)


def test_the_error_is_the_one_of_the_definition():
    confidence, right = confidences(sure(1_500, 2.0))
    found = reliability(confidence, right)
    assert found.error == pytest.approx(plain_error(confidence, right, 15), abs=1e-3)
    gaps = sum(each.examples / 1_500 * abs(each.confidence - each.right) for each in found.bins)
    assert found.error == pytest.approx(gaps, abs=1e-9)  # ties stay in one bin, where the plain one divides them
    assert sum(each.examples for each in found.bins) == 1_500
    assert sum(each.examples * each.right for each in found.bins) == pytest.approx(right.sum())
    assert found.confidence == pytest.approx(confidence.mean())


def test_chance_is_taken_out_of_the_error():
    """A hundred data sets of a calibrated model and of one that is a little too sure, whose true error is that of many examples."""
    for factor in (1.0, 1.2):
        truth = reliability(*confidences(binary(300_000, factor)), bins=15).error
        found = [reliability(*confidences(binary(400, factor, 1 + seed))) for seed in range(100)]
        plain, debiased = (np.mean([getattr(each, name) for each in found]) for name in ("error", "debiased"))
        assert plain - truth > 0.01
        assert abs(debiased - truth) < 0.6 * (plain - truth)


def test_the_squared_error_is_that_of_kumar_liang_and_ma():
    """Written out as in their section 5, over the same bins."""
    found = reliability(*confidences(binary(500, 3.0)))
    squared = sum(
        each.examples
        / 500
        * ((each.confidence - each.right) ** 2 - each.right * (1 - each.right) / (each.examples - 1))
        for each in found.bins
    )
    assert found.root == pytest.approx(np.sqrt(squared), rel=1e-9)


def test_the_mean_of_a_scattered_gap_is_that_of_draws():
    """The closed form of the folded normal against a million draws."""
    found = reliability(*confidences(binary(300, 1.3)))
    exact = 0.0
    for each in found.bins:
        scatter, gap = np.sqrt(each.right * (1 - each.right) / each.examples), abs(each.confidence - each.right)
        exact += each.examples / 300 * (2 * gap - (foldnorm(gap / scatter, scale=scatter).mean() if scatter else gap))
    assert found.debiased == pytest.approx(max(0, exact), abs=1e-9)
    generator = np.random.default_rng(0)
    expected = 0.0
    for each in found.bins:
        scatter = np.sqrt(each.right * (1 - each.right) / each.examples)
        gaps = np.abs(each.confidence - each.right + scatter * generator.standard_normal(100_000))
        expected += each.examples / 300 * (2 * abs(each.confidence - each.right) - gaps.mean())
    assert found.debiased == pytest.approx(max(0, expected), abs=1e-3)


def test_a_calibrated_model_is_called_off_in_one_case_of_twenty():
    found = [reliability(*confidences(sure(200, 1.0, seed)), seed=seed).chance for seed in range(200)]
    assert 0.01 <= np.mean(np.array(found) < 0.05) <= 0.1
    assert reliability(*confidences(sure(200, 3.0))).chance < 0.01


def test_equal_confidences_are_one_bin():
    found = reliability(np.full(50, 0.7), np.arange(50) < 30)
    (only,) = found.bins
    assert (only.confidence, only.right) == (pytest.approx(0.7), 0.6)
    assert only.low < 0.6 < only.high
    assert found.error == pytest.approx(0.1)


def test_many_examples_are_simulated_as_normal():
    confidence, right = confidences(binary(60_000, 1.0))
    found = reliability(confidence, right)
    inside = [each.low <= each.right <= each.high for each in found.bins]
    assert sum(inside) >= 12 and found.chance > 0.001


# ---- Brier score -------------------------------------------------------------------------------------------------


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 1), st.integers(0, 8)), min_size=3, max_size=60))
def test_the_parts_add_up_and_are_no_less_than_nothing(pairs):
    targets, eighths = np.array(pairs).T
    of = Predictions("binary", targets, eighths / 8, np.arange(len(targets)))
    parts = decomposed(of)
    total = parts.miscalibration - parts.discrimination + parts.uncertainty
    assert total == pytest.approx(
        brier_score_loss(targets, of.scores) if len(set(targets)) > 1 else ((of.scores - targets) ** 2).mean(),
        abs=1e-12,
    )
    assert min(parts.miscalibration, parts.discrimination, parts.uncertainty) > -1e-12


@settings(max_examples=20, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 1), st.integers(0, 8)), min_size=3, max_size=60))
def test_the_parts_are_those_of_scipys_isotonic_regression(pairs):
    targets, eighths = np.array(pairs).T
    _, at, counts = np.unique(eighths, return_inverse=True, return_counts=True)
    means = np.bincount(at, targets) / counts
    best = isotonic_regression(means, weights=counts).x[at]
    parts = decomposed(Predictions("binary", targets, eighths / 8, np.arange(len(targets))))
    recalibrated, share = ((best - targets) ** 2).mean(), targets.mean()
    assert parts.miscalibration == pytest.approx(((eighths / 8 - targets) ** 2).mean() - recalibrated, abs=1e-9)
    assert parts.discrimination == pytest.approx(share * (1 - share) - recalibrated, abs=1e-9)


def test_without_knowledge_there_is_no_discrimination():
    of = Predictions("binary", np.array([0, 0, 0, 1]), np.full(4, 0.5), np.arange(4))
    parts = decomposed(of)
    assert (parts.miscalibration, parts.discrimination, parts.uncertainty) == pytest.approx((0.0625, 0, 0.1875))


def test_classes_are_summed_and_labels_averaged():
    many = sure(200, 2.0)
    parts = decomposed(many)
    assert parts.miscalibration - parts.discrimination + parts.uncertainty == pytest.approx(
        brier_score_loss(many.targets, many.scores), abs=1e-12
    )


# ---- temperature -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [sure, binary])
def test_the_temperature_is_the_factor_by_which_logits_were_too_large(make):
    found = temperature(make(20_000, 2.5))
    assert found == pytest.approx(2.5, rel=0.05)
    assert temperature(make(20_000, 1.0)) == pytest.approx(1.0, rel=0.05)


def test_it_has_the_lowest_log_loss():
    """As torch's LBFGS finds it from the logits."""
    of = sure(500, 2.0)
    logits, targets = torch.from_numpy(np.log(of.scores)), torch.from_numpy(of.targets)
    log = torch.zeros(1, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS([log], max_iter=200, tolerance_grad=1e-12, tolerance_change=1e-14)

    def closure():
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(logits / log.exp(), targets)
        loss.backward()
        return loss

    optimizer.step(closure)
    assert temperature(of) == pytest.approx(float(log.detach().exp()), rel=1e-4)


def test_answers_stay_as_they_are():
    of = sure(300, 2.0)
    mended = rescaled(of, temperature(of))
    assert np.array_equal(mended.labels, of.labels)
    assert log_loss(of.targets, mended.scores) < log_loss(of.targets, of.scores)
    assert np.allclose(rescaled(of, 1.0).scores, of.scores)
    labels = Predictions("multilabel", np.array([[0, 1]]), np.array([[0.2, 0.9]]), np.arange(1))
    assert np.allclose(rescaled(labels, 2.0).scores, [[1 / 3, 0.75]])


def test_what_others_say_is_used_where_there_is_no_other_data():
    of = sure(300, 3.0)
    found = calibration(of, None)
    assert "four fifths" in found.fitted_on
    assert found.log_loss_after < found.log_loss
    apart = calibration(of, sure(5_000, 3.0, 1))
    assert apart.temperature == pytest.approx(3.0, rel=0.1)
    grouped = Predictions("multiclass", of.targets, of.scores, of.ids, np.arange(300) // 100)
    assert np.isfinite(crossed(grouped).scores).all()


def test_values_have_no_temperature():
    with pytest.raises(UsageProblem, match="calibration-kind"):
        temperature(Predictions("regression", np.ones(3), np.ones(3), np.arange(3)))
