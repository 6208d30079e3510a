"""Every metric is what scikit-learn or torchmetrics say it is, for any predictions; baselines are what constant answers reach."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk
from torchmetrics.functional.classification import multiclass_jaccard_index
from torchmetrics.functional.segmentation import dice_score

from seatrial.evaluation.intervals.cells import Cells
from seatrial.evaluation.metrics import classes, labels, pixels, probabilities, values
from seatrial.evaluation.metrics.sums import figures
from seatrial.evaluation.predictions import Predictions
from seatrial.evaluation.thresholds.decisions import confusion_of

EXACT = {"rel": 1e-9, "abs": 1e-9}


def valued(sums):
    """The metrics by name, without intervals."""
    totals = Cells.coded(sums.codes, sums.table).totals[None]
    return dict(zip([each.name for each in sums.metrics], sums.function(totals)[0].tolist(), strict=True))


def multiclass(count, classes_, seed=0):
    generator = np.random.default_rng(seed)
    targets = generator.integers(0, classes_, count)
    logits = generator.normal(size=(count, classes_)) + 1.5 * np.eye(classes_)[targets]
    scores = np.exp(logits)
    return Predictions("multiclass", targets, scores / scores.sum(axis=1, keepdims=True), np.arange(count))


def binary(count, seed=0):
    generator = np.random.default_rng(seed)
    targets = generator.integers(0, 2, count)
    return Predictions(
        "binary", targets, np.clip(generator.random(count) * 0.6 + 0.4 * targets, 0, 1), np.arange(count)
    )


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=40))
def test_metrics_of_classes_are_scikit_learns(pairs):
    """Also where classes are missing from the truth, from the answers, or from both."""
    true, called = np.array(pairs).T
    found = valued(classes.overall(Predictions("multiclass", true, np.eye(4)[called], np.arange(len(true)))))
    present = np.unique(true)
    recalls = sk.recall_score(true, called, labels=present, average=None, zero_division=0.0)
    assert found["accuracy"] == pytest.approx(sk.accuracy_score(true, called), **EXACT)
    assert found["balanced accuracy"] == pytest.approx(recalls.mean(), **EXACT)
    assert found["macro F1"] == pytest.approx(sk.f1_score(true, called, average="macro", zero_division=0.0), **EXACT)
    expected = sk.matthews_corrcoef(true, called) if len({*true, *called}) > 1 else 0.0
    assert found["Matthews correlation"] == pytest.approx(expected, **EXACT)


@pytest.mark.parametrize("seed", range(3))
def test_metrics_of_two_classes_are_scikit_learns(seed):
    of = binary(80, seed)
    found = valued(classes.overall(of))
    assert found["F1"] == pytest.approx(sk.f1_score(of.targets, of.labels), **EXACT)
    assert found["precision"] == pytest.approx(sk.precision_score(of.targets, of.labels), **EXACT)
    assert found["recall"] == pytest.approx(sk.recall_score(of.targets, of.labels), **EXACT)
    assert found["specificity"] == pytest.approx(sk.recall_score(of.targets, of.labels, pos_label=0), **EXACT)


def test_each_class_by_itself():
    of = multiclass(200, 4)
    found = valued(classes.by_class(of))
    parts = sk.precision_recall_fscore_support(of.targets, of.labels)
    for at in range(4):
        expected = (parts[1][at], parts[0][at], parts[2][at])
        assert [found[f"{part} of {at}"] for part in ("recall", "precision", "F1")] == pytest.approx(expected, **EXACT)
    assert np.array_equal(confusion_of(of), sk.confusion_matrix(of.targets, of.labels))


def test_a_thousand_classes_need_no_table_of_a_million():
    of = multiclass(3_000, 1_000)
    found = valued(classes.overall(of))
    assert found["macro F1"] == pytest.approx(sk.f1_score(of.targets, of.labels, average="macro"), **EXACT)
    assert found["Matthews correlation"] == pytest.approx(sk.matthews_corrcoef(of.targets, of.labels), **EXACT)
    interval = figures([classes.overall(of)], resamples=100)[2].interval
    assert interval is not None
    assert found["macro F1"] == pytest.approx(interval.low, abs=0.1)


def test_right_among_the_likeliest():
    of = multiclass(300, 10)
    found = valued(classes.top(of, (3, 5)))
    for k in (3, 5):
        assert found[f"top-{k} accuracy"] == pytest.approx(sk.top_k_accuracy_score(of.targets, of.scores, k=k), **EXACT)
    tied = Predictions("multiclass", np.array([0, 3]), np.full((2, 4), 0.25), np.arange(2))
    assert valued(classes.top(tied, (1,)))["top-1 accuracy"] == 0.5 == tied.right.mean()


def test_the_largest_class_is_the_baseline():
    of = Predictions("binary", np.array([0, 0, 0, 1]), np.array([0.1, 0.2, 0.7, 0.9]), np.arange(4))
    accuracy, balanced, *_ = figures([classes.overall(of)])
    assert (accuracy.value, accuracy.baseline, accuracy.beats_baseline) == (0.75, 0.75, False)
    assert balanced.baseline == 0.5


def test_proper_scores_are_scikit_learns():
    two, many = binary(100), multiclass(100, 4)
    found = valued(probabilities.proper(two))
    assert found["log loss"] == pytest.approx(sk.log_loss(two.targets, two.scores), **EXACT)
    assert found["Brier score"] == pytest.approx(sk.brier_score_loss(two.targets, two.scores), **EXACT)
    found = valued(probabilities.proper(many))
    assert found["log loss"] == pytest.approx(sk.log_loss(many.targets, many.scores), **EXACT)
    assert found["Brier score"] == pytest.approx(sk.brier_score_loss(many.targets, many.scores), **EXACT)
    sure = Predictions("binary", np.array([1, 0]), np.array([0.0, 0.0]), np.arange(2))
    assert valued(probabilities.proper(sure))["log loss"] == pytest.approx(sk.log_loss([1, 0], [0.0, 0.0]), **EXACT)
    shares = np.bincount(many.targets) / 100
    loss = figures([probabilities.proper(many)])[0]
    assert loss.baseline == pytest.approx(-(shares * np.log(shares)).sum())
    assert loss.beats_baseline and not loss.highest


@pytest.mark.parametrize("outputs", [1, 3])
def test_regression_is_scikit_learns(outputs):
    generator = np.random.default_rng(0)
    targets = generator.normal(1e6, 2, size=(50, outputs))
    answers = targets + generator.normal(size=(50, outputs)) * np.arange(1, outputs + 1)
    of = Predictions("regression", targets.squeeze(), answers.squeeze(), np.arange(50))
    found = valued(values.overall(of))
    assert found["RMSE"] == pytest.approx(sk.root_mean_squared_error(targets, answers), rel=1e-9)
    assert found["MAE"] == pytest.approx(sk.mean_absolute_error(targets, answers), rel=1e-9)
    assert found["R squared"] == pytest.approx(sk.r2_score(targets, answers), rel=1e-9)
    constant = np.full_like(targets, 1.0) * targets.mean(axis=0)
    rmse = figures([values.overall(of)])[0]
    assert rmse.baseline == pytest.approx(sk.root_mean_squared_error(targets, constant), rel=1e-6)
    if outputs > 1:
        each = valued(values.by_output(of))
        expected = sk.mean_absolute_error(targets, answers, multioutput="raw_values")
        assert [each[f"MAE of {at}"] for at in range(outputs)] == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("seed", range(3))
def test_labels_are_scikit_learns(seed):
    generator = np.random.default_rng(seed)
    targets = generator.integers(0, 2, (60, 5))
    of = Predictions(
        "multilabel", targets, np.clip(targets * 0.4 + generator.random((60, 5)) * 0.6, 0, 1), np.arange(60)
    )
    found = valued(labels.overall(of))
    assert found["exact match"] == pytest.approx(sk.accuracy_score(targets, of.labels), **EXACT)
    assert found["Hamming loss"] == pytest.approx(sk.hamming_loss(targets, of.labels), **EXACT)
    assert found["micro F1"] == pytest.approx(sk.f1_score(targets, of.labels, average="micro"), **EXACT)
    assert found["macro F1"] == pytest.approx(sk.f1_score(targets, of.labels, average="macro"), **EXACT)
    each = valued(labels.by_label(of))
    expected = sk.recall_score(targets, of.labels, average=None)
    assert [each[f"recall of {at}"] for at in range(5)] == pytest.approx(expected, **EXACT)


def test_pixels_are_torchmetrics():
    generator = torch.Generator().manual_seed(0)
    true = torch.randint(0, 3, (6, 8, 8), generator=generator)
    called = torch.where(torch.rand(6, 8, 8, generator=generator) < 0.7, true, (true + 1) % 3)
    counts = torch.stack([torch.bincount((t * 3 + c).ravel(), minlength=9) for t, c in zip(true, called, strict=True)])
    counts = counts.reshape(6, 3, 3).numpy()
    of = Predictions("segmentation", counts.sum(axis=2), counts, np.arange(6))
    found = valued(pixels.overall(of))
    each = valued(pixels.by_class(of))
    expected = multiclass_jaccard_index(called, true, 3, average="none").double().tolist()
    assert [each[f"IoU of {at}"] for at in range(3)] == pytest.approx(expected, rel=1e-6)
    assert found["mean IoU"] == pytest.approx(np.mean(expected), rel=1e-6)
    flat = (called.reshape(1, -1), true.reshape(1, -1))  # all images as one
    dice = float(dice_score(*flat, 3, average="macro", input_format="index"))
    assert found["mean Dice"] == pytest.approx(dice, rel=1e-6)
    assert found["pixel accuracy"] == pytest.approx(float((called == true).double().mean()), **EXACT)
    assert figures([pixels.overall(of)])[0].interval is not None


# ---- several trainings and groups --------------------------------------------------------------------------------


def test_figures_of_several_trainings_are_their_means():
    trainings = [multiclass(200, 3, 0)]
    for seed in (1, 2):
        noise = np.random.default_rng(seed).dirichlet(np.ones(3), 200)
        trainings.append(trainings[0].with_scores((trainings[0].scores + noise) / 2))
    alone = [figures([classes.overall(each)]) for each in trainings]
    together = figures([classes.overall(each) for each in trainings])
    for at, figure in enumerate(together):
        single = [each[at].value for each in alone]
        assert figure.value == pytest.approx(np.mean(single), rel=1e-12)
        assert figure.spread == pytest.approx(np.std(single, ddof=1), rel=1e-12)
        assert figure.interval.low < figure.value < figure.interval.high
    same = figures([classes.overall(trainings[0])] * 2)[1]
    assert (same.interval.low, same.interval.high) == pytest.approx(
        (alone[0][1].interval.low, alone[0][1].interval.high)
    )


def test_groups_that_go_wrong_together_make_an_interval_wide():
    group = np.repeat(np.arange(20), 10)
    right = np.random.default_rng(0).random(20)[group] < 0.7  # each group is right or wrong as a whole
    of = Predictions("binary", np.ones(200, dtype=int), right.astype(float), np.arange(200), group)
    grouped, single = (figures([classes.overall(of)], groups)[0] for groups in (group, None))
    assert grouped.value == single.value
    assert grouped.interval.high - grouped.interval.low > 2 * (single.interval.high - single.interval.low)
    assert single.interval.method == "Wilson"
