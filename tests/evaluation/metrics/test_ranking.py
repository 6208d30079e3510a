"""Areas and average precision: scikit-learn's values, DeLong's error, and bins that change nothing that can be seen."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score

from seatrial.evaluation.intervals.bootstrap import bootstrap
from seatrial.evaluation.intervals.cells import Cells
from seatrial.evaluation.metrics import ranking
from seatrial.evaluation.metrics.ranking import area, average_precision, placements, ranked
from seatrial.evaluation.predictions import Predictions


def scored(count, seed=0, shift=1.0):
    generator = np.random.default_rng(seed)
    positive = generator.random(count) < 0.3
    return positive, generator.normal(size=count) + shift * positive


def values(sums):
    return sums.function(Cells.coded(sums.codes, sums.table).totals[None])[0]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.integers(0, 6)), min_size=2, max_size=60))
def test_areas_with_ties_are_scikit_learns(pairs):
    positive, scores = np.array(pairs, dtype=float).T
    positive = positive == 1
    found = values(area(positive, scores))
    if positive.all() or not positive.any():
        assert np.isnan(found[0])
    else:
        assert found[0] == pytest.approx(roc_auc_score(positive, scores), abs=1e-12)
        assert placements(positive, scores)[0] == pytest.approx(found[0], abs=1e-12)
        assert found[1] == pytest.approx(average_precision_score(positive, scores), abs=1e-12)


@pytest.mark.parametrize("bins", [16, 512])
def test_bins_change_no_value(bins, monkeypatch):
    monkeypatch.setattr(ranking, "BINS", bins)
    positive, scores = scored(5_000)
    scores = np.round(scores, 2 if bins == 16 else 6)  # with ties and without
    found = values(area(positive, scores))
    assert found[0] == pytest.approx(roc_auc_score(positive, scores), abs=1e-12)
    assert found[1] == pytest.approx(average_precision_score(positive, scores), abs=1e-12)


def test_bins_change_no_resample_that_can_be_seen(monkeypatch):
    """The standard error of the area by sixty-four bins, by as many as there are scores, and by DeLong."""
    positive, scores = scored(2_000)
    errors = []
    for bins in (64, 5_000):
        monkeypatch.setattr(ranking, "BINS", bins)
        sums = area(positive, scores)
        found = bootstrap(lambda s, f=sums.function: f(s)[:, 0], Cells.coded(sums.codes, sums.table), resamples=2_000)[
            0
        ]
        errors.append((found.high - found.low) / (2 * 1.96))
    _, influences = placements(positive, scores)
    delong = np.sqrt((influences**2).sum()) / 2_000
    assert errors[0] == pytest.approx(errors[1], rel=0.08)
    assert errors[1] == pytest.approx(delong, rel=0.08)


def test_delong_by_its_definition():
    """Structural components written as in the paper, sums over all pairs."""
    positive, scores = scored(60)
    scores = np.round(scores, 1)
    above, below = scores[positive], scores[~positive]
    wins = (above[:, None] > below) + 0.5 * (above[:, None] == below)
    variance = wins.mean(axis=1).var(ddof=1) / len(above) + wins.mean(axis=0).var(ddof=1) / len(below)
    found, influences = placements(positive, scores)
    assert found == pytest.approx(wins.mean(), abs=1e-12)
    parts = [influences[chosen] for chosen in (positive, ~positive)]
    mine = sum((part**2).sum() * len(part) / (len(part) - 1) for part in parts) / len(scores) ** 2
    assert mine == pytest.approx(variance, rel=1e-9)


def test_each_class_against_the_rest():
    generator = np.random.default_rng(0)
    targets = generator.integers(0, 4, 300)
    scores = np.exp(generator.normal(size=(300, 4)) + np.eye(4)[targets])
    of = Predictions("multiclass", targets, scores / scores.sum(axis=1, keepdims=True), np.arange(300))
    (mean, precision), each = ranked([of], 0.95, 500, 0)
    assert mean.value == pytest.approx(roc_auc_score(targets, of.scores, multi_class="ovr"), abs=1e-12)
    expected = [average_precision_score(targets == at, of.scores[:, at]) for at in range(4)]
    assert precision.value == pytest.approx(np.mean(expected), abs=1e-12)
    assert [figure.value for figure in each[1::2]] == pytest.approx(expected, abs=1e-12)
    assert mean.interval.low < mean.value < mean.interval.high
    assert all(figure.value in figure.interval for figure in each)


def test_of_many_examples_delong_speaks_and_agrees(monkeypatch):
    generator = np.random.default_rng(0)
    targets = generator.integers(0, 3, 900)
    scores = np.exp(generator.normal(size=(900, 3)) + np.eye(3)[targets])
    of = Predictions(
        "multiclass",
        targets,
        scores / scores.sum(axis=1, keepdims=True),
        np.arange(900),
        targets * 0 + np.arange(900) // 2,
    )
    (few, _), _ = ranked([of], 0.95, 2_000, 0)
    monkeypatch.setattr(ranking, "MOST_EXACT", 30)
    (many, _), each = ranked([of], 0.95, 2_000, 0)
    assert many.value == pytest.approx(few.value, abs=1e-12)
    assert "DeLong" in many.interval.method and "450 groups" in many.interval.method
    width = few.interval.high - few.interval.low
    assert (many.interval.low, many.interval.high) == pytest.approx(
        (few.interval.low, few.interval.high), abs=0.12 * width
    )
    assert len(each) == 6


def test_without_positives_there_is_no_average_precision():
    assert np.isnan(average_precision(np.zeros(4, dtype=bool), np.arange(4.0)))


def test_two_classes_of_several_trainings_by_delong_too(monkeypatch):
    positive, scores = scored(800)
    chances = 1 / (1 + np.exp(-scores))
    first = Predictions("binary", positive.astype(int), chances, np.arange(800))
    other = first.with_scores(np.clip(chances + 0.1 * np.random.default_rng(1).normal(size=800), 0, 1))
    (few, precision), none = ranked([first, other], 0.95, 2_000, 0)
    monkeypatch.setattr(ranking, "MOST_EXACT", 30)
    (many, same), _ = ranked([first, other], 0.95, 2_000, 0)
    assert none == []
    assert (many.value, same.value, many.spread) == pytest.approx((few.value, precision.value, few.spread), abs=1e-12)
    width = few.interval.high - few.interval.low
    assert (many.interval.low, many.interval.high) == pytest.approx(
        (few.interval.low, few.interval.high), abs=0.12 * width
    )
    (alone, _), _ = ranked([first], 0.95, 2_000, 0)
    assert "bootstrap" in alone.interval.method
