"""Votes, bounds, diversity and selection agree with independent references, and say what they cannot do."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
from scipy.stats import binom, pearsonr

from seatrial.errors import UsageProblem
from seatrial.evaluation.calibration.temperature import rescaled, temperature
from seatrial.evaluation.predictions import Predictions
from seatrial.evaluation.voting.diversity import diversity, diversity_of
from seatrial.evaluation.voting.losses import cells, error, loss
from seatrial.evaluation.voting.majority import majority_error, majority_error_of
from seatrial.evaluation.voting.selection import best, equal, folds, greedy, halves
from seatrial.evaluation.voting.votes import hard, soft
from seatrial.evaluation.voting.worth import Recipe, worth


def tables(members: int = 5, n: int = 200, classes: int = 4, seed: int = 0) -> list[Predictions]:
    draw = np.random.default_rng(seed)
    targets = draw.integers(classes, size=n)
    logits = 1.5 * np.eye(classes)[targets] + draw.normal(size=(members, n, classes))
    scores = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    return [Predictions("multiclass", targets, each, np.arange(n), model=str(at)) for at, each in enumerate(scores)]


class Said:
    """A classifier of scikit-learn's form that says what a table says; its inputs are numbers of rows."""

    def __init__(self, table: Predictions) -> None:
        self.table, self.classes_ = table, np.arange(table.scores.shape[1])

    def fit(self, x, y):
        return self

    def predict_proba(self, x):
        return self.table.scores[x[:, 0]]

    def predict(self, x):
        return self.table.labels[x[:, 0]]


@pytest.mark.parametrize("weights", [None, [1, 2, 0.5, 3, 1]])
@pytest.mark.parametrize("voting", ["soft", "hard"])
def test_votes_are_those_of_mlxtend(voting, weights):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from mlxtend.classifier import EnsembleVoteClassifier
    members = tables()
    rows = np.arange(len(members[0]))[:, None]
    reference = EnsembleVoteClassifier(
        [Said(each) for each in members], voting=voting, weights=weights, fit_base_estimators=False, use_clones=False
    ).fit(rows, members[0].targets)
    if voting == "soft":
        found = soft(members, weights)
        assert np.abs(found.scores - reference.predict_proba(rows)).max() < 1e-12
    else:
        vote = hard(members, weights, ties="first")
        found = vote.predictions
        assert weights is not None or vote.ties.any()
    assert np.array_equal(found.labels, reference.predict(rows))


def test_a_tie_is_told_and_the_surer_members_win_it():
    targets = np.array([0, 1])
    one = Predictions("binary", targets, np.array([0.9, 0.8]), np.arange(2))
    other = Predictions("binary", targets, np.array([0.3, 0.7]), np.arange(2))
    vote = hard([one, other])
    assert vote.ties.tolist() == [True, False]
    assert vote.predictions.labels.tolist() == [1, 1]
    assert vote.predictions.scores == pytest.approx([0.5, 1.0], abs=1e-6)
    assert hard([one, other], ties="first").predictions.labels.tolist() == [0, 1]


def test_rows_are_matched_and_labels_vote_each_for_itself():
    targets = np.array([[1, 0], [0, 1], [1, 1]])
    one = Predictions("multilabel", targets, np.array([[0.9, 0.2], [0.4, 0.6], [0.8, 0.4]]), np.arange(3))
    turned = one.at(np.array([2, 0, 1]))
    assert np.allclose(soft([one, turned]).scores, one.scores)
    vote = hard([one, turned, one])
    assert vote.predictions.labels.tolist() == one.labels.tolist() and not vote.ties.any()
    assert loss(one) == pytest.approx(-np.log([0.9, 0.8, 0.6, 0.6, 0.8, 0.4]).mean())


def test_the_mean_of_logarithms_is_the_normalised_geometric_mean():
    members = tables(2, 50)
    product = np.sqrt(members[0].scores * members[1].scores)
    found = soft(members, of="logs").scores
    assert np.abs(found - product / product.sum(1, keepdims=True)).max() < 1e-12
    bits = [Predictions("binary", np.array([1]), np.array([p]), np.array([0])) for p in (0.9, 0.2)]
    expected = math.sqrt(0.9 * 0.2) / (math.sqrt(0.9 * 0.2) + math.sqrt(0.1 * 0.8))
    assert soft(bits, of="logs").scores[0] == pytest.approx(expected, abs=1e-12)


def test_numbers_have_a_mean_and_no_majority():
    numbers = [Predictions("regression", np.zeros(3), np.arange(3.0) + at, np.arange(3)) for at in range(2)]
    assert soft(numbers, [3, 1]).scores.tolist() == [0.25, 1.25, 2.25]
    for wrong in (lambda: hard(numbers), lambda: soft(numbers, of="logs")):
        with pytest.raises(UsageProblem, match="vote-kind"):
            wrong()
    counts = Predictions("segmentation", np.ones((2, 2)), np.ones((2, 2, 2)), np.arange(2))
    with pytest.raises(UsageProblem, match="vote-segmentation"):
        soft([counts])
    with pytest.raises(UsageProblem, match="vote-weights"):
        soft(numbers, [1, -1])
    with pytest.raises(UsageProblem, match="vote-none"):
        soft([])


# ---- independent classifiers -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("members", "wrong"), [(20, 0.170), (32, 0.137), (70, 0.071)])
def test_the_lectures_majorities_count_ties_as_right(members, wrong):
    assert round(majority_error(0.42, members, "right"), 3) == wrong
    assert majority_error(0.42, members, "right") == pytest.approx(binom.sf(members // 2, members, 0.42), abs=1e-12)
    assert majority_error(0.42, members, "wrong") == pytest.approx(binom.sf(members // 2 - 1, members, 0.42), abs=1e-12)
    both = majority_error(0.42, members, "right") + majority_error(0.42, members, "wrong")
    assert majority_error(0.42, members, "half") == pytest.approx(both / 2, abs=1e-12)


def test_an_odd_number_has_no_ties_and_members_may_differ():
    assert majority_error(0.3, 7, "wrong") == majority_error(0.3, 7, "right") == pytest.approx(binom.sf(3, 7, 0.3))
    errors = np.array([0.1, 0.3, 0.45])
    a, b, c = errors
    expected = a * b + a * c + b * c - 2 * a * b * c
    assert majority_error_of(errors) == pytest.approx(expected, abs=1e-15)
    drawn = np.random.default_rng(0).random((200_000, 3)) < errors
    assert majority_error_of(errors) == pytest.approx((drawn.sum(1) > 1).mean(), abs=0.004)
    for wrong in (lambda: majority_error(1.2, 3), lambda: majority_error(0.2, 0), lambda: majority_error_of([])):
        with pytest.raises(UsageProblem, match="vote-"):
            wrong()


# ---- diversity ---------------------------------------------------------------------------------------------------


def test_diversity_agrees_with_statsmodels_and_scipy():
    from statsmodels.stats.contingency_tables import Table2x2
    from statsmodels.stats.inter_rater import aggregate_raters, fleiss_kappa

    members = tables()
    right = np.stack([each.right for each in members])
    found = diversity(members)
    assert len(found.pairs) == 10
    for pair in found.pairs:
        one, other = right[pair.first], right[pair.second]
        table = np.array([[(one & other).sum(), (one & ~other).sum()], [(~one & other).sum(), (~one & ~other).sum()]])
        odds = Table2x2(table, shift_zeros=False).oddsratio
        assert pair.q == pytest.approx((odds - 1) / (odds + 1), abs=1e-9)
        assert pair.correlation == pytest.approx(pearsonr(one, other).statistic, abs=1e-9)
        assert pair.disagreement == pytest.approx((one != other).mean(), abs=1e-12)
        assert pair.double_fault == pytest.approx((~one & ~other).mean(), abs=1e-12)
    assert found.kappa == pytest.approx(fleiss_kappa(aggregate_raters(right.T.astype(int))[0]), abs=1e-9)
    # eq. 16 of Kuncheva and Whitaker: kappa and the mean disagreement are one measure
    p = right.mean()
    assert found.kappa == pytest.approx(1 - found.disagreement / (2 * p * (1 - p)), abs=1e-9)


def test_equal_members_are_one_and_independent_ones_are_many():
    right = np.random.default_rng(1).random((6, 40_000)) < 0.7
    same = diversity_of(np.repeat(right[:1], 6, axis=0))
    assert same.q == same.correlation == pytest.approx(1.0) and same.kappa == pytest.approx(1.0)
    assert same.effective == pytest.approx(1.0) and same.disagreement == 0
    free = diversity_of(right)
    assert abs(free.q) < 0.02 and abs(free.kappa) < 0.02 and free.effective == pytest.approx(6, rel=0.05)
    never = diversity_of(np.ones((2, 10), dtype=bool))
    assert math.isnan(never.q) and math.isnan(never.kappa) and math.isnan(never.effective)
    with pytest.raises(UsageProblem, match="vote-members"):
        diversity(tables(1))


def test_of_numbers_only_the_correlation_of_errors_is_known():
    draw = np.random.default_rng(2)
    shared, own = draw.normal(size=5000), draw.normal(size=(3, 5000))
    members = [Predictions("regression", np.zeros(5000), shared + each, np.arange(5000)) for each in own]
    found = diversity(members)
    assert found.correlation == pytest.approx(0.5, abs=0.03) and math.isnan(found.q)
    assert found.effective == pytest.approx(1.5, abs=0.06)


# ---- selection ---------------------------------------------------------------------------------------------------


def test_the_loss_is_that_of_scikit_learn():
    from sklearn.metrics import log_loss

    members = tables()
    expected = log_loss(members[0].targets, soft(members, [1, 0, 2, 0, 1]).scores)
    assert cells(members).of(np.array([0.25, 0, 0.5, 0, 0.25])).mean() == pytest.approx(expected, abs=1e-9)
    assert error(members[0]) == pytest.approx((~members[0].right).mean())


def test_greedy_selection_finds_the_best_weights_of_two():
    """With one bag and many rounds: what a fine grid over the weight of one of two members finds."""
    members = tables(2, 400, seed=3)
    of = cells(members)
    found = greedy(of, rounds=200, bags=1)
    grid = np.linspace(0, 1, 2001)
    losses = [of.of(np.array([each, 1 - each])).mean() for each in grid]
    assert found.sum() == pytest.approx(1)
    assert of.of(found).mean() <= min(losses) + 1e-5


@pytest.mark.parametrize("count", [4, 12])  # 24 members are put into bags
def test_greedy_selection_leaves_noise_out_and_is_not_worse_than_all(count):
    good, draw = tables(count, 400, seed=4), np.random.default_rng(0)
    noise = [good[0].with_scores(draw.dirichlet(np.ones(4), size=400)) for _ in range(count)]
    of = cells([*noise, *good])
    weights = greedy(of)
    assert weights[:count].sum() < 0.05 and weights.sum() == pytest.approx(1)
    assert of.of(weights).mean() < of.of(equal(of)).mean()
    assert of.of(weights).mean() <= of.of(best(of)).mean()
    assert np.array_equal(weights, greedy(of))


def test_the_cross_fitted_loss_tells_what_the_selection_made_up():
    """Of members that know nothing the best seems to know something: on the other half it does not."""
    draw = np.random.default_rng(5)

    def guesses(count: int) -> list[Predictions]:
        targets = draw.integers(2, size=count)
        return [
            Predictions("binary", targets, draw.uniform(0.05, 0.95, size=count), np.arange(count)) for _ in range(60)
        ]

    members, fresh = guesses(60), cells(guesses(20_000))
    seen = cells(members).of(best(cells(members))).mean()
    truth = fresh.of(best(fresh)).mean()  # of so many examples the best is hardly better than any
    found = worth(members, Recipe("best", best), repeats=20).plain
    assert seen < truth - 0.1
    assert found.held_out == pytest.approx(truth, abs=0.06)
    assert found.optimism > 0.1
    assert found.losses.mean() == pytest.approx(found.held_out)


def test_a_temperature_mends_what_a_mean_of_sure_members_lacks():
    """Each member says the exact posterior of what it has seen, so their mean is too unsure; one temperature below 1 mends that."""
    members = [rescaled(each, 1 / 1.5) for each in tables(8, 3000, seed=8)]
    assert temperature(members[0]) == pytest.approx(1.0, abs=0.06)
    found = worth(members, Recipe("equal", equal))
    assert found.calibrated is not None and found.better is found.calibrated
    pooled = soft(members)
    by = temperature(pooled, cautious=True)
    assert by < 0.8
    mended = cells([rescaled(pooled, by)]).of(np.ones(1)).mean()
    assert found.plain.held_out == pytest.approx(cells([pooled]).of(np.ones(1)).mean(), abs=1e-12)  # nothing was chosen
    assert mended <= found.calibrated.held_out < mended + 0.01
    numbers = [Predictions("regression", np.zeros(9), np.arange(9.0), np.arange(9))]
    assert worth(numbers, Recipe("equal", equal)).calibrated is None


@pytest.mark.parametrize("classes", [2, 4])
def test_no_mistake_on_few_examples_is_no_reason_to_be_certain(classes):
    """Where the validation data are all right, a plain temperature falls to its bound; a cautious one leaves about one mistake in n + 2."""
    targets = np.arange(100) % classes
    scores = np.full((100, classes), 0.3 / (classes - 1))
    scores[np.arange(100), targets] = 0.7
    made = Predictions("multiclass", targets, scores, np.arange(100))
    if classes == 2:
        made = Predictions("binary", targets, scores[:, 1], np.arange(100))
    assert temperature(made) < 0.06
    sure = rescaled(made, temperature(made, cautious=True)).probabilities.max(axis=1)
    assert sure == pytest.approx(np.full(100, 101 / 102), abs=1e-4)


def test_groups_stay_together_in_the_halves():
    groups = np.random.default_rng(6).permutation(np.repeat(np.arange(10), 4))
    found = list(halves(40, groups, 3, 0))
    assert len(found) == 6
    for chosen_by, scored in found:
        assert np.array_equal(chosen_by, ~scored)
        assert np.unique(groups[chosen_by], return_counts=True)[1].tolist() == [4] * 5
    with pytest.raises(UsageProblem, match="vote-halves"):
        next(halves(40, np.zeros(40), 3, 0))


def test_each_part_is_scored_once_by_what_the_others_choose():
    found = list(folds(23, None, 10, 0))
    assert len(found) == 10
    assert np.sum([scored for _, scored in found], axis=0).tolist() == [1] * 23
    assert all(np.array_equal(chosen_by, ~scored) for chosen_by, scored in found)
    assert len(list(folds(12, np.repeat([0, 1, 2], 4), 10, 0))) == 3
