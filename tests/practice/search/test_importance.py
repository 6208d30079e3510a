"""What matters is found, and what does not is no more than chance shows."""

from __future__ import annotations

import math

import numpy as np
import optuna
import pytest
from optuna.distributions import FloatDistribution, distribution_to_json

from seatrial.practice.search.candidates import Candidate, as_trials
from seatrial.practice.search.importance import importances
from seatrial.practice.search.quietly import quietly

UNIT = distribution_to_json(FloatDistribution(0, 1))


def drawn(count: int, seed: int) -> list[Candidate]:
    generator = np.random.default_rng(seed)
    return [
        Candidate(number, dict(zip("abc", row, strict=True)), dict.fromkeys("abc", UNIT))
        for number, row in enumerate(generator.uniform(0, 1, (count, 3)).tolist())
    ]


def test_what_decides_is_first_and_shown():
    known = drawn(40, 0)
    figures = {each.number: (each.params["b"] - 0.8) ** 2 + 0.01 * each.params["a"] for each in known}
    found = importances(known, figures, highest=False)
    assert found[0].name == "b" and found[0].shown and found[0].low <= found[0].share <= found[0].high
    assert math.isclose(sum(each.share for each in found), 1)
    with quietly():
        study = optuna.create_study()
        study.add_trials(as_trials(known, figures))
        evaluator = optuna.importance.PedAnovaImportanceEvaluator(target_quantile=0.25)
        assert optuna.importance.get_param_importances(study, evaluator=evaluator)["b"] == pytest.approx(found[0].share)


def test_where_nothing_matters_hardly_anything_is_shown():
    shown = 0
    for seed in range(3):
        known = drawn(30, seed)
        figures = {each.number: float(value) for each, value in zip(known, np.random.default_rng(seed + 50).normal(size=30), strict=True)}  # fmt: skip
        shown += sum(each.shown for each in importances(known, figures, highest=False))
    assert shown <= 2  # of 9, where less than one is meant


def test_few_candidates_say_nothing():
    assert importances(drawn(9, 0), dict.fromkeys(range(9), 1.0), highest=False) == ()
