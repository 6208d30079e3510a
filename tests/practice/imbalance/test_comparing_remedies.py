"""Remedies compared: plain training is the measure, folders go on, and the figures are those of the predictions."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from rare import pictures, points, task
from rich.console import Console
from sklearn.metrics import average_precision_score, balanced_accuracy_score, log_loss
from torch.utils.data import TensorDataset

from seatrial.errors import UsageProblem
from seatrial.evaluation.predictions import Predictions
from seatrial.evaluation.thresholds.decisions import METRICS
from seatrial.practice.fitting.order import Share, steps_each, training_loader
from seatrial.practice.imbalance import comparing
from seatrial.practice.imbalance.advice import recommended
from seatrial.practice.imbalance.comparing import compare_remedies
from seatrial.practice.imbalance.judging import corrected_by, judge
from seatrial.practice.imbalance.rarity import rarity
from seatrial.practice.imbalance.remedies import choice, usual, why_not
from seatrial.practice.imbalance.showing import show, write
from seatrial.practice.trying import try_out

SOME = ["threshold", "adjusted-afterwards", "logit-adjusted", "focal+threshold"]


def test_validation_examples_of_one_group_are_refused_before_anything_is_trained():
    of = task()
    with pytest.raises(UsageProblem, match="imbalance-groups"):
        compare_remedies(of, SOME, groups=np.zeros(len(of.validation)), progress=False)


def test_a_comparison_is_told_and_goes_on_in_its_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    of, out = task(), tmp_path / "out"
    found = compare_remedies(of, SOME, seeds=2, epochs=3, out=out, progress=False)
    assert [each.name for each in found.candidates] == ["plain", *SOME]
    trained = sorted(path.name for path in (out / "runs").iterdir())
    assert trained == [f"{name}-seed-{seed}" for name in ("focal", "logit-adjusted", "plain") for seed in (0, 1)]  # fmt: skip
    plain = found["plain"]
    saved = Predictions.read(out / "runs" / "plain-seed-1" / "validation.npz")
    assert plain.figures[1] == pytest.approx(balanced_accuracy_score(saved.targets, saved.labels))
    assert plain.judged[1].loss == pytest.approx(log_loss(saved.targets, saved.scores), rel=1e-6)
    rare = average_precision_score(saved.targets == 2, saved.scores[:, 2])
    assert plain.judged[1].precision == pytest.approx(rare)
    gap = found["logit-adjusted"].against_plain
    assert gap is not None and gap.seeds.level == pytest.approx(0.05 / 2)
    assert gap.mean == pytest.approx(found["logit-adjusted"].mean - plain.mean)
    _told(found, of, tmp_path)

    def never(*given: Any, **named: Any) -> Any:
        raise AssertionError("trained again")

    monkeypatch.setattr(comparing, "fit", never)
    again = compare_remedies(of, SOME, seeds=2, epochs=3, out=out, progress=False)
    assert [each.figures for each in again.candidates] == [each.figures for each in found.candidates]
    with pytest.raises(UsageProblem, match="epochs 3 before and 4 now"):
        compare_remedies(of, SOME, seeds=2, epochs=4, out=out, progress=False)
    other = of.having(optimizer=lambda model: torch.optim.SGD(model.parameters(), lr=0.2))
    with pytest.raises(UsageProblem, match=r"rate 0.1 before and 0.2 now"):
        compare_remedies(other, SOME, seeds=2, epochs=3, out=out, progress=False)
    other = of.having(loss=torch.nn.CrossEntropyLoss(label_smoothing=0.1))
    with pytest.raises(UsageProblem, match=r"loss .* before and .* now"):
        compare_remedies(other, SOME, seeds=2, epochs=3, out=out, progress=False)


def _told(found: Any, of: Any, folder: Path) -> None:
    advice = recommended(found, of)
    write(found, advice, folder)
    data = json.loads((folder / "imbalance.json").read_text())
    assert data["largest_accuracy"] == pytest.approx(90 / 116)
    assert len(data["candidates"][1]["weights"]) == 2  # a moved threshold for each seed
    assert sum(data["start"]["gradient"]) == pytest.approx(1)
    assert "Recall by class" in (folder / "imbalance.svg").read_text()
    console = Console(width=100, record=True, file=io.StringIO())
    show(found, advice, console)
    text = " ".join(console.export_text().split())
    for part in ("1 to 15", "(largest class)", "78 %", "What it does not", "6 examples of class 2"):
        assert part in text


def test_a_killed_training_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    of = task()
    whole = compare_remedies(of, ["threshold"], seeds=2, epochs=2, out=tmp_path / "whole", progress=False)
    monkeypatch.setattr(comparing, "predict", _interrupted)
    with pytest.raises(KeyboardInterrupt):
        compare_remedies(of, ["threshold"], seeds=2, epochs=2, out=tmp_path / "parts", progress=False)
    monkeypatch.undo()
    parts = compare_remedies(of, ["threshold"], seeds=2, epochs=2, out=tmp_path / "parts", progress=False)
    for one, other in zip(whole.candidates, parts.candidates, strict=True):
        for mine, theirs in zip(one.predictions, other.predictions, strict=True):
            assert (mine.scores == theirs.scores).all()


def _interrupted(*given: Any, **named: Any) -> Any:
    raise KeyboardInterrupt


def test_pixels_have_remedies_in_the_loss():
    found = compare_remedies(pictures(), ["dice"], seeds=2, epochs=1, metric="mean-iou", progress=False)
    assert [each.name for each in found.candidates] == ["plain", "dice"]
    assert found["dice"].judged[0].answers.shape == (24, 3, 3)
    gap = found["dice"].against_plain
    assert gap is not None and gap.all is not None and gap.all.effect == pytest.approx(gap.mean)
    assert 0 <= found["dice"].mean <= 1
    with pytest.raises(UsageProblem, match="counts of pixels"):
        compare_remedies(pictures(), ["threshold"], progress=False)


def test_what_cannot_be_tried_is_left_out_and_refused_by_name():
    x, _ = points((60, 10), 0)
    one = torch.zeros(40, dtype=torch.long)
    one[0] = 1
    of = task((60, 10), validation=TensorDataset(x[:40], one))
    known = rarity(of)
    assert "threshold" in usual(known)
    with pytest.raises(UsageProblem, match="fewer than two examples"):
        compare_remedies(of, ["threshold"], progress=False)
    with pytest.raises(UsageProblem, match="Did you mean focal"):
        compare_remedies(of, ["focl"], progress=False)
    with pytest.raises(UsageProblem, match="no augmentation"):
        compare_remedies(of, ["augmented"], progress=False)
    with pytest.raises(UsageProblem, match="seeds of at least 2"):
        compare_remedies(of, seeds=1)
    with pytest.raises(UsageProblem, match="no-metric"):
        compare_remedies(of, metric="auc")


def test_every_remedy_makes_a_task_that_trains():
    """The task's own loss is not plain: it is one of those that are compared."""
    of = task(loss=torch.nn.CrossEntropyLoss(torch.tensor([1.0, 2.0, 4.0])))
    known = rarity(of)

    def augment(x: torch.Tensor) -> torch.Tensor:
        return x + 0.01

    for name in usual(known, augment):
        chosen = choice(name, augment)
        assert why_not(chosen, of, known) == ""
        changed = chosen.remedy.make(of, known, 0)
        try_out(changed)
        assert steps_each(changed, changed.train) == steps_each(of, of.train)
        x, y = next(iter(training_loader(changed, changed.train, 0, 0, Share())))
        made = changed.make()
        loss = changed.training_loss(made, (x, y), 0)
        loss.backward()
        assert 0 < float(loss.detach()) < 20
    assert {"own", "augmented", "smote"} <= set(usual(known, augment))


def test_a_remedy_that_diverges_is_left_out(monkeypatch: pytest.MonkeyPatch):
    def diverging(of: Any, folder: Path, *given: Any, **named: Any) -> Any:
        if "focal" in folder.name:
            raise UsageProblem("Expected numbers, found none.", "x")
        return fit(of, folder, *given, **named)

    fit = comparing.fit
    monkeypatch.setattr(comparing, "fit", diverging)
    found = compare_remedies(task(), ["focal", "focal+threshold", "threshold"], seeds=2, epochs=1, progress=False)
    assert [each.name for each in found.candidates] == ["plain", "threshold"]
    assert set(found.left_out) == {"focal", "focal+threshold"}


@pytest.mark.parametrize("name", ["logit-adjusted", "class-weights", "balanced-sampling"])
def test_corrected_probabilities_are_those_of_the_data(name):
    """Answers of a training that balances classes, made from the true ones, are turned back into these."""
    known = rarity(task())
    draw = np.random.default_rng(0)
    true = draw.dirichlet(np.ones(3), 50)
    balanced = true / known.shares
    balanced /= balanced.sum(axis=1, keepdims=True)
    given = Predictions("multiclass", draw.integers(0, 3, 50), balanced, np.arange(50))
    odds = choice(name).remedy.odds(known)
    assert odds is not None
    assert corrected_by(given, odds).scores == pytest.approx(true)
    found = judge(given, choice(name), known, METRICS["accuracy"])
    assert found.corrected == pytest.approx(log_loss(given.targets, true, labels=[0, 1, 2]))
    assert (found.answers == balanced.argmax(axis=1)).all()
