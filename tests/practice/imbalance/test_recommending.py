"""General evidence decides, by the metric; a comparison overrules it only with a difference that chance does not explain."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from rare import pictures, task
from torch import nn

from seatrial.errors import UsageProblem
from seatrial.evaluation.predictions import Predictions
from seatrial.evaluation.thresholds.decisions import METRICS, confusion
from seatrial.practice.imbalance.advice import recommended
from seatrial.practice.imbalance.against import against
from seatrial.practice.imbalance.comparing import Candidate, Comparison, pairs_for
from seatrial.practice.imbalance.general import recommend, remedied
from seatrial.practice.imbalance.judging import Judged
from seatrial.practice.imbalance.losses import ClassLoss
from seatrial.practice.imbalance.rarity import rarity
from seatrial.practice.imbalance.remedies import choice


@pytest.mark.parametrize(
    ("metric", "expected"),
    [
        ("balanced-accuracy", "logit-adjusted"),
        ("worst-recall", "logit-adjusted"),
        ("macro-f1", "threshold"),
        ("mcc", "threshold"),
        ("accuracy", "plain"),
    ],
)
def test_the_metric_decides(metric, expected):
    found = recommend(task(), metric)
    assert (found.name, found.rests_on) == (expected, "general")


def test_other_tasks_other_remedies():
    assert recommend(task((30, 30, 25))).name == "plain"
    assert recommend(pictures(), "mean-iou").name == "dice"
    with pytest.raises(UsageProblem, match="for several classes"):
        recommend(task(), "f1")


def compared(**figures: list[float]) -> Comparison:
    known = rarity(task())

    draw = np.random.default_rng(0)
    targets = np.arange(600) % 3
    table = Predictions("multiclass", targets, np.eye(3)[targets], np.arange(600))

    def judged(value: float) -> Judged:
        answers = np.where(draw.random(600) < value, targets, (targets + 1) % 3)
        return Judged(value, confusion(targets, answers, 3), answers, 0.5, 0.1, 0.1)

    candidates = [
        Candidate(choice(name.replace("_", "-")), tuple(map(judged, values)), (table,))
        for name, values in figures.items()
    ]
    plain = candidates[0].judged
    metric, pairs = METRICS["balanced-accuracy"], len(candidates) - 1
    rest = [replace(each, against_plain=against(each.judged, plain, targets, metric, pairs)) for each in candidates[1:]]
    return Comparison("", known, None, METRICS["balanced-accuracy"], 1, 3, (candidates[0], *rest), {})


def test_a_better_figure_alone_does_not_overrule():
    noisy = compared(plain=[0.6, 0.7, 0.65], logit_adjusted=[0.8, 0.7, 0.9], focal=[0.95, 0.75, 0.85])
    found: Any = recommended(noisy, task())
    assert (found.name, found.rests_on) == ("logit-adjusted", "general")
    assert "not shown" in found.why[-1]
    sure = compared(plain=[0.6, 0.61, 0.6], logit_adjusted=[0.8, 0.81, 0.8], focal=[0.95, 0.96, 0.95])
    found = recommended(sure, task())
    assert (found.name, found.rests_on) == ("focal", "comparison")
    plain = compared(plain=[0.9, 0.91, 0.9], logit_adjusted=[0.8, 0.81, 0.8])
    assert recommended(plain, task()).name == "plain"


def test_a_remedied_task_is_the_task_with_another_loss():
    of = task()
    found = remedied(of, "logit-adjusted")
    assert isinstance(found.loss, ClassLoss) and isinstance(of.loss, nn.CrossEntropyLoss)
    assert remedied(of, "threshold").loss is of.loss
    with pytest.raises(UsageProblem, match="it is for segmentation"):
        remedied(of, "dice")


def test_few_examples_that_judge_keep_a_difference_from_being_shown():
    """All seeds agree, but on two of four examples of the rare class only."""
    targets = np.array([0] * 100 + [1] * 4)
    half = np.array([0] * 100 + [1, 0, 0, 0])
    more = np.array([0] * 100 + [1, 1, 1, 0])
    metric = METRICS["balanced-accuracy"]

    def judged(answers: Any, at: int) -> Judged:
        answers = answers.copy()
        answers[at] = 1
        table = confusion(targets, answers, 2)
        return Judged(float(metric.of(table)), table, answers, 0.5, 0.1, 0.1)

    found = against(
        [judged(more, at) for at in range(5)], [judged(half, at + 7) for at in range(5)], targets, metric, 1
    )
    assert found.seeds.shown and found.all is not None
    assert found.all.effect == pytest.approx(found.mean)
    assert found.all.p > 0.05 and not found.shown


def test_examples_of_one_group_are_not_counted_as_many():
    """The same answers ten times over, as of ten pictures of each patient, show no more than one of each."""
    targets = np.array([0] * 20 + [1] * 10)
    metric = METRICS["balanced-accuracy"]

    def judged(right: float, times: int) -> list[Judged]:
        answers = np.where(np.random.default_rng(1).random(30) < right, targets, 1 - targets).repeat(times)
        table = confusion(targets.repeat(times), answers, 2)
        return [Judged(float(metric.of(table)), table, answers, 0.5, 0.1, 0.1)] * 3

    patients = np.arange(30)
    once = against(judged(0.9, 1), judged(0.6, 1), targets, metric, 1, patients)
    often = against(judged(0.9, 10), judged(0.6, 10), targets.repeat(10), metric, 1, patients.repeat(10))
    as_many = against(judged(0.9, 10), judged(0.6, 10), targets.repeat(10), metric, 1)
    assert once.all is not None and often.all is not None and as_many.all is not None
    assert often.all.p == pytest.approx(once.all.p, rel=0.3) and as_many.all.p < once.all.p / 2


def test_the_level_is_used_up_once():
    for names in (["a"], ["a", "b"], ["a", "b", "c", "d"]):
        for first in ("a", "z"):
            assert sum(1 / pairs_for(name, first, names) for name in names) == pytest.approx(1)
    assert pairs_for("a", "a", ["a", "b", "c"]) == 2


def test_where_nothing_differs_hardly_anything_is_shown():
    """Four remedies that answer as plain training does, with noise of seeds and of examples: in at most one of twenty is one shown."""
    draw = np.random.default_rng(1)
    targets = np.array([0] * 40 + [1] * 15)
    metric = METRICS["balanced-accuracy"]
    shown = 0
    for _ in range(80):
        hard = draw.random(55)  # the same examples for all

        def judged(hard: Any = hard) -> Judged:
            chance = 0.75 + 0.05 * draw.standard_normal()  # another one each seed
            answers = np.where(0.7 * hard + 0.3 * draw.random(55) < chance, targets, 1 - targets)
            table = confusion(targets, answers, 2)
            return Judged(float(metric.of(table)), table, answers, 0.5, 0.1, 0.1)

        plain, *others = [[judged() for _ in range(3)] for _ in range(5)]
        shown += any(against(each, plain, targets, metric, 4).shown for each in others)
    assert shown / 80 < 0.05 + 2 * (0.05 * 0.95 / 80) ** 0.5
