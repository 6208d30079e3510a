"""What `evaluate` says of predictions of every kind; that it writes nothing and draws no random number but its own."""

from __future__ import annotations

import json
import random

import numpy as np
import pytest
from sklearn.metrics import accuracy_score

from seatrial.errors import UsageProblem
from seatrial.evaluation.evaluating import evaluate
from seatrial.evaluation.predictions import Predictions
from seatrial.report.json import strict

FEW = 200  # resamples


def every_kind(count=120):
    generator = np.random.default_rng(0)
    ids = np.arange(count)
    targets = generator.integers(0, 6, count)
    chances = np.exp(generator.normal(size=(count, 6)) + 2 * np.eye(6)[targets])
    chances /= chances.sum(axis=1, keepdims=True)
    pixels = generator.integers(0, 30, (count, 3, 3)) + 40 * np.eye(3, dtype=int)
    noise = generator.normal(size=(count, 2))
    return {
        "binary": Predictions("binary", targets % 2, 0.2 + 0.3 * (targets % 2) + 0.5 * generator.random(count), ids),
        "multiclass": Predictions("multiclass", targets, chances, ids, model="net", data="leaves"),
        "grouped": Predictions("multiclass", targets, chances, ids, ids // 4),
        "hard": Predictions("multiclass", targets, np.eye(6)[chances.argmax(axis=1)], ids),
        "multilabel": Predictions("multilabel", np.eye(6, dtype=int)[targets], chances, ids),
        "regression": Predictions("regression", targets.astype(float), targets + noise[:, 0], ids),
        "regression of two": Predictions("regression", noise, noise + 0.1 * noise[::-1], ids),
        "segmentation": Predictions("segmentation", pixels.sum(axis=2), pixels, ids),
    }


@pytest.mark.parametrize("name", list(every_kind()))
def test_every_kind_is_evaluated_and_shown(name, tmp_path):
    of = every_kind()[name]
    found = evaluate(of, resamples=FEW)
    assert all(each.interval is not None and each.value in each.interval for each in found.figures)
    assert f"On {len(of)} examples" in found.sentences[0]
    data = json.loads(json.dumps(strict(found.as_data()), allow_nan=False))
    assert data["schema"] == 1 and data["figures"][0]["value"] == found.figures[0].value
    page = found.page()
    assert found.figures[0].name in page and "http" not in page.replace("http-equiv", "")
    found.plot(tmp_path / "picture.svg")
    assert (tmp_path / "picture.svg").read_text().startswith("<?xml")


def test_it_says_what_matters_of_classes():
    found = evaluate(every_kind()["multiclass"], resamples=FEW)
    assert found["accuracy"].value == accuracy_score(
        every_kind()["multiclass"].targets, every_kind()["multiclass"].labels
    )
    assert found["accuracy"].interval.method == "Wilson"
    assert "always answering the largest class" in found.sentences[0] and "leaves" in found.sentences[0]
    assert [each.name for each in found.classes[0].figures] == [
        "recall of 0",
        "precision of 0",
        "F1 of 0",
        "ROC AUC of 0",
        "average precision of 0",
    ]
    assert sum(map(sum, found.confusion)) == 120 == sum(each.examples for each in found.classes)
    assert len(found.curves) == 6
    assert any("Recognised least" in each for each in found.sentences)
    assert any("Calibration" in each for each in found.sentences)
    with pytest.raises(KeyError, match="macro F1"):
        found["F1 score"]


def test_hard_answers_have_no_probabilities():
    found = evaluate(every_kind()["hard"], resamples=FEW)
    assert found.calibration is None and found.curves == ()
    assert [each.name for each in found.figures] == [
        "accuracy",
        "balanced accuracy",
        "macro F1",
        "Matthews correlation",
    ]


def test_groups_are_what_counts():
    found = evaluate(every_kind()["grouped"], resamples=FEW)
    assert found.groups == 30
    assert all("30 groups" in each.interval.method for each in found.figures)
    assert any("come in 30 groups" in each for each in found.sentences)


def test_what_is_no_better_than_a_constant_is_told():
    generator = np.random.default_rng(0)
    of = Predictions("binary", generator.integers(0, 2, 80), generator.random(80), np.arange(80))
    found = evaluate(of, resamples=FEW)
    assert any(each.startswith("That the accuracy is better than always answering") for each in found.sentences)


def test_several_trainings_have_a_spread_and_an_average():
    first = every_kind()["multiclass"]
    order = np.random.default_rng(0).permutation(120)
    other = first.with_scores((first.scores + 0.2) / 2.2).at(order)  # in another order, less sure
    found = evaluate([first, other], resamples=FEW)
    assert found.seeds == (0, 0) and len(found.averaged) == len(found.figures)
    assert found["accuracy"].spread == pytest.approx(0, abs=1e-12)
    assert found["log loss"].spread > 0
    assert any("mean of 2 trainings" in each for each in found.sentences)
    assert "averaged" in found.page()
    with pytest.raises(UsageProblem, match="differ"):
        evaluate([first, every_kind()["binary"]])


def test_a_temperature_is_fitted_where_it_is_told_to():
    of = every_kind()["multiclass"]
    found = evaluate(
        of, validation=Predictions("multiclass", of.targets, of.scores, of.ids, data="held out"), resamples=FEW
    )
    assert found.calibration.fitted_on == "held out"
    with pytest.raises(UsageProblem, match="evaluate-validation"):
        evaluate(of, validation=every_kind()["binary"])


def test_few_examples_without_a_mistake_do_not_make_a_model_surer_without_bound():
    right = np.arange(60) % 3
    scores = np.full((60, 3), 0.1) + 0.7 * np.eye(3)[right]
    found = evaluate(Predictions("multiclass", right, scores, np.arange(60)), resamples=FEW).calibration
    # The rule of succession: right with (n + 1) / (n + 2), and 0.8 : 0.1 : 0.1 becomes just that.
    assert found.temperature == pytest.approx(np.log(8) / np.log(61 / 62 / (1 / 62 / 2)), rel=1e-3)


def test_the_same_predictions_have_the_same_figures_and_nothing_else_is_drawn():
    np.random.seed(1)
    random.seed(1)
    before = np.random.get_state()[1].tolist(), random.getstate()
    one, other = (evaluate(every_kind()["multiclass"], resamples=FEW).as_data() for _ in range(2))
    assert one == other
    assert (np.random.get_state()[1].tolist(), random.getstate()) == before


@pytest.mark.parametrize("predictions", [[], None])
def test_what_cannot_be_evaluated_is_refused(predictions):
    with pytest.raises(UsageProblem, match=r"\[evaluate\]"):
        evaluate(every_kind()["binary"] if predictions is None else predictions, level=1.5)


def test_one_example_is_evaluated_too():
    found = evaluate(Predictions("binary", np.array([1]), np.array([0.6]), np.arange(1)))
    assert found["accuracy"].interval.low < 0.3
    assert found["ROC AUC"].interval is None
    assert found.page()
    found = evaluate(Predictions("regression", np.array([1.0]), np.array([0.6]), np.arange(1)))
    assert "no interval" in found.sentences[0]


def test_names_are_shown_as_they_are_and_never_as_markup():
    of = every_kind()["binary"]
    named = Predictions("binary", of.targets, of.scores, of.ids, classes=("<b>no</b>", "yes"), model="<script>")
    page = evaluate(named, resamples=FEW).page()
    assert "<script>" not in page and "<b>no</b>" not in page and "&lt;b&gt;no" in page


def test_answers_that_are_all_right_still_have_an_interval_where_one_can_be_known():
    """Nothing scatters, so that resampling tells nothing; Wilson's interval does."""
    targets = np.arange(50) % 2
    found = evaluate(Predictions("binary", targets, 0.1 + 0.8 * targets, np.arange(50)), resamples=FEW)
    assert found["accuracy"].interval.low == pytest.approx(0.929, abs=1e-3)
    assert found["F1"].interval is None and found["ROC AUC"].interval is None
