"""Slices that do worse are found; where nothing is, one is found in at most one data set of twenty."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from seatrial.errors import UsageProblem
from seatrial.evaluation.predictions import Predictions
from seatrial.evaluation.slices.slicing import slices


def answered(right, groups=None):
    """Binary predictions, the given ones right; true classes alternate."""
    targets = np.arange(len(right)) % 2
    return Predictions(
        "binary", targets, np.where(right, targets, 1 - targets) * 0.8 + 0.1, np.arange(len(right)), groups
    )


def test_a_part_that_does_worse_is_named():
    generator = np.random.default_rng(0)
    age = generator.integers(18, 90, 600)
    of = answered(generator.random(600) < np.where(age > 75, 0.5, 0.9))
    found = slices([of], {"age": age, "site": generator.choice(["a", "b", "c"], 600)})
    worst = found.worse[0]
    assert worst.column == "age" and worst.value.startswith("from")
    assert worst.error > worst.others and worst.chance < 0.001
    assert found.tried == 4 + 3 + 2 + 2  # quarters of age, sites, true classes, answered classes
    assert {each.column for each in found.worse} == {"age"}


def test_the_p_value_is_fishers():
    right = np.arange(100) >= 12
    column = np.array(["x"] * 20 + ["y"] * 80)
    of = Predictions("binary", np.zeros(100, int), np.where(right, 0.1, 0.9), np.arange(100))
    found = slices([of], {"c": column})
    (worst,) = [each for each in found.worse if each.column == "c"]
    expected = stats.fisher_exact([[12, 8], [0, 80]], alternative="greater").pvalue
    # By Holm's procedure it comes second of four: those answered as 1 are the twelve wrong ones and nothing else.
    assert (found.tried, worst.value) == (4, "x")
    assert worst.chance == pytest.approx(expected * 3, rel=1e-9)


@pytest.mark.parametrize("kind", ["classes", "values", "groups"])
def test_where_nothing_is_little_is_found(kind):
    alarms = 0
    for seed in range(200):
        generator = np.random.default_rng(seed)
        columns = {f"column {at}": generator.integers(0, 4, 200) for at in range(4)}
        if kind == "values":
            of = Predictions("regression", np.zeros(200), generator.standard_t(4, 200), np.arange(200))
        else:
            group = np.arange(200) // 5
            right = generator.random(200) < (0.8 if kind == "classes" else generator.beta(4, 1, 40)[group])
            of = answered(right, group if kind == "groups" else None)
        found = slices([of], columns)
        alarms += any(each.column.startswith("column") for each in found.worse)
    assert alarms <= 18  # 5 % of 200 and three standard errors


def test_errors_of_any_size_are_permuted():
    generator = np.random.default_rng(0)
    site = generator.choice(["a", "b"], 300)
    errors = generator.normal(size=300) * np.where(site == "b", 2, 1)
    found = slices([Predictions("regression", np.zeros(300), errors, np.arange(300))], {"site": site})
    (worst,) = found.worse
    assert (worst.column, worst.value, found.error) == ("site", "b", "absolute error")
    many = np.concatenate([errors] * 100)
    found = slices([Predictions("regression", np.zeros(30_000), many, np.arange(30_000))], {"site": np.tile(site, 100)})
    assert [each.value for each in found.worse] == ["b"]


def test_examples_of_a_group_do_not_count_as_many():
    """A site of two patients, both of whom the model fails: as forty examples clear, as two patients not to be told."""
    patient = np.repeat(np.arange(20), 20)
    site = np.where(patient < 6, "x", "y")
    generator = np.random.default_rng(3)
    wrong = np.isin(patient, (0, 7, 9, 3))  # patients who are failed as a whole
    of = answered(~wrong & (generator.random(400) < 0.95), patient)
    alone = Predictions("binary", of.targets, of.scores, of.ids)
    assert any(each.column == "site" for each in slices([alone], {"site": site}).worse)
    found = slices([of], {"site": site})
    assert not any(each.column == "site" for each in found.worse)
    assert {each.value for each in found.worse if each.column == "group"} == {"0", "7", "9", "3"}


def test_a_models_own_confidence_can_be_asked_for():
    generator = np.random.default_rng(0)
    sure = generator.random(400)
    targets = generator.integers(0, 2, 400)
    right = generator.random(400) < 0.5 + sure / 2
    score = np.where(right, targets, 1 - targets) * sure + 0.5 * (1 - sure)
    found = slices([Predictions("binary", targets, score, np.arange(400))], {"confidence": None})
    assert found.worse[0].column == "confidence" and found.worse[0].value.startswith("below")


def test_several_trainings_err_on_average():
    targets = np.zeros(100, int)
    one = Predictions("binary", targets, (np.arange(100) < 20).astype(float), np.arange(100))
    other = one.with_scores(np.zeros(100))
    found = slices([one, other], {"half": np.arange(100) < 50})
    assert found.overall == pytest.approx(0.1)
    assert found.worse[0].error == pytest.approx(0.2)


def test_columns_that_do_not_fit_are_refused():
    of = answered(np.ones(50, bool))
    with pytest.raises(UsageProblem, match="'age' of 50 values"):
        slices([of], {"age": np.ones(49)})
    with pytest.raises(UsageProblem, match="confidence"):
        slices([Predictions("regression", np.ones(50), np.ones(50), np.arange(50))], {"confidence": None})
    assert slices([Predictions("regression", np.ones(50), np.ones(50), np.arange(50))], {}) is None
    named = slices([of], {"name": np.arange(50).astype(str), "few": np.arange(50) < 3})
    assert named.tried == 4  # names of examples are no parts, and three examples are too few
