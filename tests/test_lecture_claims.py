"""The claims of docs/lecture.md that are numbers, each computed anew. A claim that moves takes its page with it."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.stats import norm
from sklearn.metrics import f1_score
from torch import nn

PAGE = (Path(__file__).parents[1] / "docs" / "lecture.md").read_text()
DRAW = np.random.default_rng(0)


def test_every_command_of_the_page_is_one():
    import re

    from seatrial.catalogue import entries
    from seatrial.cli import _COMMANDS

    commands = set(re.findall(r"`seatrial ([a-z-]+)", PAGE))
    assert commands <= set(_COMMANDS), commands - set(_COMMANDS)
    named = set(re.findall(r"`((?:data|loop|model|optimisation)\.[a-z-]+)`", PAGE))
    assert len(named) > 10 and named <= set(entries()), named - set(entries())


def test_central_differences_err_with_the_square_of_their_width():
    def errors(h: float) -> tuple[float, float]:
        x, exact = 0.7, math.exp(0.7)
        return abs((math.exp(x + h) - math.exp(x)) / h - exact), abs(
            (math.exp(x + h) - math.exp(x - h)) / (2 * h) - exact
        )

    one_sided, central = (big / small for big, small in zip(errors(1e-2), errors(1e-3), strict=True))
    assert one_sided == pytest.approx(10, rel=0.02) and central == pytest.approx(100, rel=0.02)


def test_the_best_constant_answer_to_balanced_classes_costs_log_m():
    from seatrial.measure.constants import best_constant

    targets = torch.arange(10).repeat(20)
    found = best_constant(lambda outputs: nn.functional.cross_entropy(outputs, targets), torch.zeros(200, 10), targets)
    assert found is not None and found.value == pytest.approx(math.log(10), abs=1e-6)


def test_updates_of_momentum_settle_at_the_rate_over_one_minus_m():
    weight = nn.Parameter(torch.ones(1, dtype=torch.float64))
    optimizer = torch.optim.SGD([weight], lr=1e-3, momentum=0.9)
    for _ in range(300):
        weight.grad = torch.ones_like(weight)
        before = weight.item()
        optimizer.step()
    assert before - weight.item() == pytest.approx(1e-3 / (1 - 0.9), rel=1e-9)


@pytest.mark.parametrize("name", ["exponential", "1/t"])
def test_schedules_are_the_lectures_formulas(name):
    from seatrial.practice.annealing.schedules import schedule

    optimizer = torch.optim.SGD([nn.Parameter(torch.ones(1))], lr=0.5)
    steps = 200
    made = schedule(name, optimizer, steps)
    rates = [optimizer.param_groups[0]["lr"]]
    for _ in range(steps - 1):
        optimizer.step()
        made.scheduler.step()
        rates.append(optimizer.param_groups[0]["lr"])
    t = np.arange(steps)
    straight = np.log(rates) if name == "exponential" else 1 / np.array(rates)
    slope, start = np.polyfit(t, straight, 1)
    assert np.allclose(straight, start + slope * t, rtol=1e-6) and abs(slope) > 1e-4


def test_random_trials_try_more_values_of_what_matters():
    grid = [(x, y) for x in (0.1, 0.5, 0.9) for y in (0.1, 0.5, 0.9)]
    assert len({x for x, _ in grid}) == 3 and len(set(DRAW.random(len(grid)))) == 9


@pytest.mark.parametrize(
    ("members", "right", "coin", "wrong"), [(20, 17.0, 23.8, 30.6), (32, 13.7, 18.3, 22.9), (70, 7.1, 9.0, 10.9)]
)
def test_a_majority_of_independent_classifiers(members, right, coin, wrong):
    from seatrial.evaluation.voting.majority import majority_error

    told = [majority_error(0.42, members, ties) for ties in ("right", "half", "wrong")]
    assert [round(100 * each, 1) for each in told] == [right, coin, wrong]
    votes = DRAW.random((200_000, members)) < 0.42
    assert (votes.sum(axis=1) > members / 2).mean() == pytest.approx(told[0], abs=0.004)
    assert all(f"{each:.1f} %" in PAGE for each in (right, coin, wrong))


def test_the_rare_class_is_lost_in_accuracy():
    targets = np.array([0] * 100 + [1])
    assert (targets == 0).mean() == pytest.approx(0.99, abs=1e-3)


def test_f1_is_twice_the_product_over_the_sum():
    targets, answers = np.array([1, 1, 0, 0]), np.array([1, 0, 0, 0])  # precision 1, recall 0.5
    assert f1_score(targets, answers) == pytest.approx(2 * 1 * 0.5 / 1.5) == pytest.approx(0.667, abs=1e-3)


@pytest.mark.parametrize("dependence", [0.0, 0.9, 1.0])
def test_bonferroni_holds_however_tests_depend(dependence):
    tests, draws = 10, 40_000
    common = DRAW.standard_normal((draws, 1))
    statistics = math.sqrt(dependence) * common + math.sqrt(1 - dependence) * DRAW.standard_normal((draws, tests))
    alarms = (np.abs(statistics) > norm.isf(0.05 / tests / 2)).any(axis=1).mean()
    assert alarms < 0.05 + 3 * math.sqrt(0.05 * 0.95 / draws)


def test_bonferroni_holds_where_tests_exclude_each_other():
    """The worst case: at most one of ten alarms at a time. Then its bound is reached."""
    uniform = DRAW.random(100_000)
    alarms = sum(((uniform >= at / 10) & (uniform < at / 10 + 0.005)).mean() for at in range(10))
    assert alarms == pytest.approx(0.05, abs=0.003)
