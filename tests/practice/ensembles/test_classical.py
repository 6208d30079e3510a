"""Classical members say what scikit-learn's own models say, from files in which nothing is executed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.preprocessing import StandardScaler
from torch import nn
from torch.utils.data import TensorDataset

from seatrial import Task
from seatrial.errors import UsageProblem
from seatrial.practice.ensembles import neighbours, trees
from seatrial.practice.ensembles.features import features, read

DRAW = np.random.default_rng(0)
INPUTS = DRAW.normal(size=(300, 5))
INPUTS[::17, 2] = np.nan  # trees have a way for what is missing
SCORE = np.nan_to_num(INPUTS[:, :3]) @ [1.0, -2.0, 1.5] + 0.3 * DRAW.normal(size=300)
TARGETS = {
    "binary": (SCORE > 0).astype(np.int64),
    "multiclass": np.digitize(SCORE, [-1.5, 0.0, 1.5]) + 1,  # class 0 does not occur
    "regression": SCORE,
}


def task_of(kind: str, inputs: np.ndarray) -> Task:
    targets = torch.tensor(TARGETS[kind])
    x = torch.tensor(inputs).reshape(-1, 5, 1)  # it is made flat
    loss = nn.MSELoss() if kind == "regression" else nn.CrossEntropyLoss()
    return Task(lambda: nn.Linear(5, 5), loss, TensorDataset(x, targets), batch_size=64)


@pytest.mark.parametrize("kind", TARGETS)
def test_trees_are_those_of_scikit_learn(kind, tmp_path: Path):
    task = task_of(kind, INPUTS)
    training = features(task, task.train, kind).at(np.arange(200))
    trees.grow(kind, training, 5 if kind == "multiclass" else 2, 3, tmp_path / "t.safetensors")
    found = trees.predict(task, tmp_path / "t.safetensors", task.train, name="trees")
    grower = HistGradientBoostingRegressor if kind == "regression" else HistGradientBoostingClassifier
    model = grower(random_state=3).fit(INPUTS[:200], TARGETS[kind][:200])
    if kind == "regression":
        expected = model.predict(INPUTS)
    elif kind == "binary":
        expected = model.predict_proba(INPUTS)[:, 1]
    else:
        expected = np.concatenate([np.zeros((300, 1)), model.predict_proba(INPUTS)], axis=1)
    assert found.kind == kind and np.abs(found.scores - expected).max() < 1e-9
    assert np.array_equal(found.targets, TARGETS[kind])


@pytest.mark.parametrize("kind", TARGETS)
def test_neighbours_are_those_of_scikit_learn(kind, tmp_path: Path):
    inputs = np.nan_to_num(INPUTS)
    task = task_of(kind, inputs)
    path = tmp_path / "n.safetensors"
    training = features(task, task.train, kind).at(np.arange(200))
    neighbours.learn(kind, training, 5 if kind == "multiclass" else 2, path)
    found = neighbours.predict(task, path, task.train)
    count = read(path)[1]["count"]
    assert count in neighbours.COUNTS
    scaler = StandardScaler().fit(inputs[:200])
    places, targets = scaler.transform(inputs).astype(np.float32), TARGETS[kind]
    if kind == "regression":
        expected = KNeighborsRegressor(count).fit(places[:200], targets[:200]).predict(places)
    else:
        shares = KNeighborsClassifier(count).fit(places[:200], targets[:200]).predict_proba(places)
        prior = np.unique(targets[:200], return_counts=True)[1] / 200
        expected = (shares * count + prior) / (count + 1)  # one more neighbour that says what is usual
        expected = expected[:, 1] if kind == "binary" else np.concatenate([np.zeros((300, 1)), expected], axis=1)
    assert np.abs(found.scores - expected).max() < 1e-6


def test_what_cannot_be_a_table_or_is_no_member_is_refused(tmp_path: Path):
    words = [([1, 2, 3], 0), ([4], 1)]
    task = Task(
        lambda: nn.Linear(5, 2),
        nn.CrossEntropyLoss(),
        words,
        batch_size=2,
        collate=lambda batch: (batch, torch.zeros(2)),
    )
    with pytest.raises(UsageProblem, match="ensemble-features"):
        features(task, task.train, "binary")
    (tmp_path / "x.safetensors").write_bytes(b"nothing")
    with pytest.raises(UsageProblem, match="ensemble-member"):
        read(tmp_path / "x.safetensors")
    one_class = features(task_of("binary", INPUTS), task_of("binary", INPUTS).train, "binary")
    with pytest.raises(UsageProblem, match="ensemble-trees"):
        trees.grow("binary", one_class.at(np.flatnonzero(one_class.targets == 1)), 2, 0, tmp_path / "t.safetensors")
