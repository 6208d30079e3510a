"""The linear member answers as scikit-learn's own model with the chosen strength does, from a file without code in it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import nn
from torch.utils.data import TensorDataset

from seatrial.errors import UsageProblem
from seatrial.practice.ensembles import linear
from seatrial.practice.ensembles.features import features
from seatrial.practice.task import Task

DRAW = torch.Generator().manual_seed(0)
X = torch.randn(150, 5, generator=DRAW) * torch.tensor([1.0, 10.0, 0.1, 1.0, 0.0])


def task(y: torch.Tensor, outputs: int, loss: Any) -> Task:
    return Task(lambda: nn.Linear(5, outputs), loss, TensorDataset(X, y))


@pytest.mark.parametrize("classes", [2, 3])
def test_classes_as_logistic_regression_has_them(classes: int, tmp_path: Path) -> None:
    y = ((X[:, 0] + 0.1 * X[:, 1] + torch.randn(150, generator=DRAW)) * 1.2).round().clamp(0, classes - 1).long()
    of, path = task(y, classes, nn.CrossEntropyLoss()), tmp_path / "linear.safetensors"
    kind = "binary" if classes == 2 else "multiclass"
    linear.fit(kind, features(of, of.train, kind), classes, 0, path)
    found = linear.predict(of, path, of.train).probabilities
    wanted = [
        make_pipeline(StandardScaler(), LogisticRegression(C=each, max_iter=500)).fit(X.numpy(), y).predict_proba(X)
        for each in linear.STRENGTHS
    ]
    assert min(np.abs(found - each).max() for each in wanted) < 1e-4


def test_a_class_that_training_does_not_have_is_never_answered(tmp_path: Path) -> None:
    y = (X[:, 0] > 0).long() * 2
    of, path = task(y, 3, nn.CrossEntropyLoss()), tmp_path / "linear.safetensors"
    linear.fit("multiclass", features(of, of.train, "multiclass"), 3, 0, path)
    found = linear.predict(of, path, of.train)
    assert (found.scores[:, 1] == 0).all() and found.right.mean() > 0.95


@pytest.mark.parametrize("outputs", [1, 2])
def test_numbers_as_ridge_regression_has_them(outputs: int, tmp_path: Path) -> None:
    y = X[:, :outputs] * 3 + 1 + 0.1 * torch.randn(150, outputs, generator=DRAW)
    of, path = task(y, outputs, nn.MSELoss()), tmp_path / "linear.safetensors"
    linear.fit("regression", features(of, of.train, "regression"), 0, 0, path)
    found = linear.predict(of, path, of.train).scores
    wanted = make_pipeline(StandardScaler(), RidgeCV(linear.PENALTIES)).fit(X.numpy(), y).predict(X.numpy())
    assert np.allclose(found, wanted.reshape(found.shape), atol=1e-6)


def test_one_class_alone_and_several_labels_are_refused(tmp_path: Path) -> None:
    of = task(torch.zeros(150).long(), 2, nn.CrossEntropyLoss())
    with pytest.raises(UsageProblem, match="two classes"):
        linear.fit("binary", features(of, of.train, "binary"), 2, 0, tmp_path / "a")
    with pytest.raises(UsageProblem, match="multilabel"):
        linear.fit("multilabel", features(of, of.train, "binary"), 2, 0, tmp_path / "a")
