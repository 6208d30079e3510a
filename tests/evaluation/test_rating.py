"""Agreement of raters as scikit-learn, statsmodels and Krippendorff's own example have it; entropies by hand."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score
from statsmodels.stats.inter_rater import fleiss_kappa as reference

from seatrial.errors import UsageProblem
from seatrial.evaluation.evaluating import evaluate
from seatrial.evaluation.predictions import Predictions
from seatrial.evaluation.rating.agreement import (
    cohens_kappa,
    fleiss_kappa,
    krippendorffs_alpha,
    majority,
    mean_rating,
    votes,
)
from seatrial.evaluation.rating.entropy import compared, entropies

# K. Krippendorff, Computing Krippendorff's Alpha-Reliability, 2011, section C: four observers, twelve units; 0: none.
OBSERVERS = [
    [1, 2, 3, 3, 2, 1, 4, 1, 2, 0, 0, 0],
    [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, 0, 3],
    [0, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, 0],
    [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, 0],
]
UNITS = np.array(OBSERVERS).T - 1


def raters(count=200, people=4, care=0.7, seed=0):
    generator = np.random.default_rng(seed)
    true = generator.integers(0, 3, count)
    given = [np.where(generator.random(count) < care, true, generator.integers(0, 3, count)) for _ in range(people)]
    return true, np.stack(given, axis=1)


@pytest.mark.parametrize(("scale", "alpha"), [("nominal", 0.743), ("ordinal", 0.815), ("interval", 0.849)])
def test_alpha_of_krippendorffs_own_example(scale, alpha):
    found = krippendorffs_alpha(UNITS, scale)
    assert found.value == pytest.approx(alpha, abs=5e-4)
    assert found.value in found.interval


def defined_alpha(units, distance):
    """One less the disagreement within units over that of all pairable values: pairs, one by one (Krippendorff 2011, section A)."""
    units = [[value for value in unit if value >= 0] for unit in units]
    units = [unit for unit in units if len(unit) > 1]
    values = [value for unit in units for value in unit]
    within = sum(distance(a, b) / (len(unit) - 1) for unit in units for a in unit for b in unit)
    among = sum(distance(a, b) for a in values for b in values) / (len(values) - 1)
    return 1 - within / among


@pytest.mark.parametrize("scale", ["nominal", "ordinal", "interval"])
@pytest.mark.parametrize("seed", range(3))
def test_alpha_is_that_of_its_definition(scale, seed):
    _, given = raters(40, seed=seed)
    given[np.random.default_rng(seed).random(given.shape) < 0.3] = -1
    pairable = given[(given >= 0).sum(axis=1) > 1]
    sizes = [int((pairable == value).sum()) for value in range(3)]

    def between(low, high):
        return (sum(sizes[low : high + 1]) - (sizes[low] + sizes[high]) / 2) ** 2

    distance = {
        "nominal": lambda a, b: float(a != b),
        "ordinal": lambda a, b: between(min(a, b), max(a, b)),
        "interval": lambda a, b: float(a - b) ** 2,
    }[scale]
    assert krippendorffs_alpha(given, scale, resamples=50).value == pytest.approx(
        defined_alpha(given.tolist(), distance), abs=1e-9
    )


def test_kappas_are_those_of_other_libraries():
    _, given = raters()
    found = cohens_kappa(given[:, 0], given[:, 1])
    assert found.value == pytest.approx(cohen_kappa_score(given[:, 0], given[:, 1]), abs=1e-12)
    assert found.value in found.interval
    found = fleiss_kappa(given)
    assert found.value == pytest.approx(reference(votes(given)), abs=1e-12)
    assert found.value in found.interval


def test_gaps_are_for_alpha_only():
    with pytest.raises(UsageProblem, match="alpha allows gaps"):
        fleiss_kappa(UNITS)
    with pytest.raises(UsageProblem, match="several ratings"):
        krippendorffs_alpha(np.array([[0, -1], [-1, 1]]))
    with pytest.raises(UsageProblem, match="from 0 on"):
        votes(np.array([[0.5, 1]]))


def test_majority_and_mean():
    given = np.array([[0, 0, 1], [0, 1, 2], [2, -1, -1], [-1, -1, -1]])
    assert majority(given).tolist() == [0, -1, 2, -1]
    assert mean_rating(np.array([[1.0, 2, np.nan], [np.nan] * 3]))[0] == 1.5
    assert np.isnan(mean_rating(np.array([[1.0, 2, np.nan], [np.nan] * 3]))[1])


def test_entropies_by_hand():
    """All agree: 0 bits for who agrees too, 1 bit for who does not. Two disagree: 1 bit for each of them, and half a bit on average
    for a model that sides with one. Three to one: what is left when each is taken out in turn."""
    given = np.array([[0, 0, 0, 0], [0, 0, 0, 0], [0, 1, -1, -1], [0, 0, 0, 1]])
    machine, people = entropies(given, np.array([0, 1, 0, 0]))
    assert people[:3] == pytest.approx([0, 0, 1])
    assert machine[:3] == pytest.approx([0, 1, 0.5])

    def bits(*shares):
        return -sum(share * np.log2(share) for share in shares)

    sided = bits(5 / 6, 1 / 6)  # two of three others say 0, and so does the decision
    assert people[3] == pytest.approx((3 * sided + bits(0.5, 0.5)) / 4)
    assert machine[3] == pytest.approx((3 * sided + 0) / 4)


def test_one_more_rater_is_confused_as_the_others_are():
    """A model that decides as a rater does has a rater's entropy; one that guesses has more."""
    _, given = raters(4_000, 6)
    machine, people, difference = compared(given[:, :5], given[:, 5], None)
    assert difference.value == pytest.approx(machine.value - people.value)
    assert 0 in difference.interval
    guessing = np.random.default_rng(1).integers(0, 3, 4_000)
    assert compared(given[:, :5], guessing, None)[2].interval.low > 0


def test_an_evaluation_by_several_raters():
    true, given = raters()
    of = Predictions("multiclass", true, np.eye(3)[true] * 0.8 + 0.1 * (1 - np.eye(3)[true]), np.arange(200))
    found = evaluate(of, raters=given, resamples=200)
    assert found.rated.raters == 4
    assert found.rated.majority[0].value > 0.9
    assert any("raters agree" in each for each in found.sentences)
    gaps = given.copy()
    gaps[0, 0] = -1
    assert len(evaluate(of, raters=gaps, resamples=200).rated.agreement) == 1
    for wrong in (given[:-1], given + 5, given[:, 0]):
        with pytest.raises(UsageProblem, match="raters"):
            evaluate(of, raters=wrong, resamples=200)
