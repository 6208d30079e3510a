"""Thresholds are the best there are, their metrics are scikit-learn's, and what they promise beyond chance is what they hold."""

from __future__ import annotations

import itertools
import warnings

import numpy as np
import pytest
from sklearn import metrics as sk

from seatrial.errors import UsageProblem
from seatrial.evaluation.predictions import Predictions
from seatrial.evaluation.thresholds.crossing import cross_fitted
from seatrial.evaluation.thresholds.decisions import METRICS, confusion, named
from seatrial.evaluation.thresholds.moving import adjusted, moved

REFERENCES = {
    "balanced-accuracy": sk.balanced_accuracy_score,
    "worst-recall": lambda y, a: sk.recall_score(y, a, average=None).min(),
    "macro-f1": lambda y, a: sk.f1_score(y, a, average="macro"),
    "mean-iou": lambda y, a: sk.jaccard_score(y, a, average="macro"),
    "f1": sk.f1_score,
    "mcc": sk.matthews_corrcoef,
    "accuracy": sk.accuracy_score,
}


def binary(count: int, ones: int, seed: int, strength: float = 1.5, grain: int = 0) -> Predictions:
    draw = np.random.default_rng(seed)
    targets = np.zeros(count, dtype=int)
    targets[draw.permutation(count)[:ones]] = 1
    scores = 1 / (1 + np.exp(3 - strength * targets - draw.standard_normal(count)))
    return Predictions("binary", targets, np.round(scores, grain) if grain else scores, np.arange(count))


def several(count: int, shares: list[float], seed: int) -> Predictions:
    draw = np.random.default_rng(seed)
    targets = draw.choice(len(shares), count, p=shares)
    targets[: len(shares)] = range(len(shares))
    logits = draw.standard_normal((count, len(shares))) + 1.5 * np.eye(len(shares))[targets] + np.log(shares)
    scores = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return Predictions("multiclass", targets, scores, np.arange(count))


@pytest.mark.parametrize("name", REFERENCES)
@pytest.mark.parametrize("classes", [2, 4])
def test_metrics_are_those_of_scikit_learn(name, classes):
    if METRICS[name].binary and classes > 2:
        with pytest.raises(UsageProblem, match="for several classes"):
            named(name, "multiclass")
        return
    draw = np.random.default_rng(1)
    for _ in range(20):
        targets, answers = draw.integers(0, classes, (2, 12))
        targets[:classes] = range(classes)
        found = float(METRICS[name].of(confusion(targets, answers, classes)))
        assert found == pytest.approx(REFERENCES[name](targets, answers), abs=1e-12)


def test_the_geometric_mean_is_that_of_the_recalls():
    table = np.array([[8, 2, 0], [1, 4, 0], [0, 5, 5]])
    assert float(METRICS["g-mean"].of(table)) == pytest.approx((0.8 * 0.8 * 0.5) ** (1 / 3))
    assert float(METRICS["g-mean"].of(np.array([[8, 2], [3, 0]]))) == 0


@pytest.mark.parametrize("name", ["balanced-accuracy", "f1", "mcc", "accuracy", "g-mean"])
@pytest.mark.parametrize("grain", [0, 1])
def test_no_threshold_is_better_than_the_one_that_is_found(name, grain):
    for seed in range(10):
        given = binary(60, 9, seed, grain=grain)
        found = moved(given, METRICS[name])
        tried = [*np.unique(given.scores), 0.0, 2.0]
        values = [float(METRICS[name].of(confusion(given.targets, given.scores >= t, 2))) for t in tried]
        assert found.value == pytest.approx(max(values), abs=1e-12)
        assert float(METRICS[name].of(confusion(given.targets, found.answers(given), 2))) == pytest.approx(found.value)


def test_the_best_threshold_of_scikit_learns_own_tuner_is_no_better():
    from sklearn.base import BaseEstimator, ClassifierMixin
    from sklearn.model_selection import TunedThresholdClassifierCV

    class Given(ClassifierMixin, BaseEstimator):
        classes_ = np.array([0, 1])

        def fit(self, x, y):
            return self

        def predict_proba(self, x):
            return np.column_stack([1 - x[:, 0], x[:, 0]])

    given = binary(300, 40, 3)
    tuner = TunedThresholdClassifierCV(Given(), scoring="f1", cv="prefit", refit=False, thresholds=1000)
    tuner.fit(given.scores[:, None], given.targets)
    found = moved(given, METRICS["f1"])
    assert found.value >= tuner.best_score_ - 1e-12
    assert found.value == pytest.approx(tuner.best_score_, abs=0.01)


def test_weights_of_several_classes_reach_what_a_fine_grid_reaches():
    grid = np.exp(np.linspace(-1, 4, 51))
    for seed in range(4):
        given = several(80, [0.8, 0.15, 0.05], seed)
        for name in ("balanced-accuracy", "macro-f1"):
            found = moved(given, METRICS[name])
            assert float(METRICS[name].of(confusion(given.targets, found.answers(given), 3))) == pytest.approx(
                found.value
            )
            values = [
                float(METRICS[name].of(confusion(given.targets, (given.scores * (1.0, a, b)).argmax(axis=1), 3)))
                for a, b in itertools.product(grid, grid)
            ]
            assert found.value >= max(values) - 0.02  # one class in turn: a best one for all at once is not promised


def test_adjusting_by_the_shares_is_the_threshold_at_the_share():
    given = binary(500, 50, 0)
    assert (adjusted(given, np.array([0.9, 0.1])) == (given.scores > 0.1)).all()


def test_scores_that_say_nothing_promise_nothing_once_they_are_crossed():
    """Fitted, pure noise looks better than 1/2; on other examples it is 1/2."""
    fitted, expected = [], []
    for seed in range(60):
        found = cross_fitted(binary(80, 10, seed, strength=0.0), METRICS["balanced-accuracy"], seed=seed)
        fitted.append(found.threshold.value)
        expected.append(found.expected)
    assert np.mean(fitted) > 0.6
    assert abs(np.mean(expected) - 0.5) < 3 * np.std(expected) / np.sqrt(60) + 0.01


def test_examples_of_one_group_are_never_on_both_sides():
    given = binary(60, 20, 0)
    groups = np.repeat(np.arange(20), 3)
    seen: list[set[int]] = []
    from seatrial.evaluation.thresholds import crossing

    for fitted, scored in crossing._folds(Predictions("binary", given.targets, given.scores, given.ids, groups), 4, 0):
        seen.append(set(groups[fitted]) & set(groups[scored]))
    assert seen == [set()] * 4


def test_few_groups_make_few_folds():
    generator = np.random.default_rng(0)
    targets, groups = generator.integers(0, 2, 60), np.repeat([0, 1, 2], 20)
    given = Predictions("binary", targets, generator.random(60), np.arange(60), groups)
    found = cross_fitted(given, METRICS["balanced-accuracy"])
    assert found.folds == 3 and len(found.answers) == 60
    with pytest.raises(UsageProblem, match="threshold-examples"):
        cross_fitted(given.at(groups == 0), METRICS["balanced-accuracy"])


def test_one_example_of_a_class_is_too_few():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(UsageProblem, match="threshold-examples"):
            cross_fitted(binary(40, 1, 0), METRICS["f1"])
