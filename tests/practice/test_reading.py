"""Curves read into words: each reading with a case in which it holds and one in which it must not be said."""

from __future__ import annotations

import html
import math
import random
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from tasks import Net, clusters
from torch import nn
from torch.utils.data import Dataset

from seatrial import Task
from seatrial.practice.fitting.fit import fit
from seatrial.practice.fitting.settings import Settings
from seatrial.practice.reading import Curves, Level, readings, trend


def level(mean: float, error: float = 0.01) -> Level:
    return Level(mean, error, 1000)


# At rest, close to each other and low.
HEALTHY = Curves(
    [1.2, 0.6, 0.4, 0.34, 0.32, 0.31, 0.309, 0.311, 0.308, 0.31],
    [0.8, 0.5, 0.4, 0.36, 0.345, 0.34, 0.341, 0.342, 0.3405, 0.343],
    6,
    level(0.31),
    level(0.34),
    constant=2.3,
    stopped=True,
)


def names(curves: Curves) -> list[str]:
    return [each.name for each in readings(curves)]


def test_of_healthy_curves_nothing_is_said():
    assert names(HEALTHY) == []


def test_a_validation_loss_that_rises_while_the_training_loss_falls_is_overfitting():
    rising = [0.8, 0.5, 0.4, 0.36, 0.4, 0.45, 0.47, 0.5, 0.56, 0.6]
    falling = [1.2, 0.6, 0.4, 0.3, 0.2, 0.15, 0.1, 0.08, 0.05, 0.03]
    curves = replace(HEALTHY, training=falling, validation=rising, best=4, trained=level(0.25), held_out=level(0.36))
    assert names(curves) == ["diverging"]
    assert "lowest in epoch 4, 0.36, and has risen to 0.56" in readings(curves)[0].text
    # Both rise: the rate is too high, not the network too eager.
    assert "diverging" not in names(replace(curves, training=rising))
    # Two epochs after the best say nothing yet.
    assert "diverging" not in names(replace(curves, training=falling[:6], validation=rising[:6]))


def test_a_gap_with_the_best_weights_is_told_unless_it_is_chance_or_next_to_nothing():
    wide = replace(HEALTHY, trained=level(0.1), held_out=level(0.34))
    assert names(wide) == ["gap"]
    assert names(replace(wide, held_out=level(0.34, error=0.1))) == []
    assert names(replace(wide, trained=level(0.0001, 1e-6), held_out=level(0.01, 1e-4))) == []


def test_losses_at_rest_near_a_constant_answer_are_underfitting():
    flat = [2.25, 2.2, 2.19, 2.19, 2.188, 2.19, 2.189, 2.19, 2.188, 2.19]
    curves = replace(HEALTHY, training=flat, validation=flat, trained=level(2.19), held_out=level(2.19))
    assert names(curves) == ["high"]
    assert names(replace(curves, constant=math.nan)) == []  # how high it is, nobody knows
    # Still on its way down.
    falling = [2.3 - 0.03 * at for at in range(10)]
    moving = replace(curves, training=falling, validation=falling, best=10, stopped=False)
    assert names(moving) == ["still falling"]


def test_a_validation_loss_below_the_training_loss_is_explained():
    better = replace(HEALTHY, training=[each + 0.3 for each in HEALTHY.training])
    assert names(replace(better, trained=level(0.31))) == ["validation better: mode"]
    unlike = replace(better, trained=level(0.6))
    assert names(unlike) == ["validation better: data"]
    augmented = replace(unlike, augmented=True)
    assert names(augmented) == ["validation better: unknown"]
    assert names(replace(augmented, plain=level(0.33))) == ["validation better: augmentation"]
    assert names(replace(augmented, plain=level(0.6))) == ["validation better: data"]
    assert names(replace(better, training=[each + 0.03 for each in HEALTHY.validation])) == []  # may be chance


def test_noise_is_told_where_it_is_large_and_lasts():
    generator = random.Random(0)
    jumping = [0.5 + generator.uniform(-0.25, 0.25) for _ in range(16)]
    curves = replace(HEALTHY, training=[0.45] * 16, validation=jumping, best=1 + jumping.index(min(jumping)))
    assert "noisy" in names(curves)
    calm = [0.5 + (each - 0.5) / 10 for each in jumping]
    assert "noisy" not in names(replace(curves, validation=calm))
    assert "noisy" not in names(replace(curves, validation=jumping[:8], best=1))


def test_nothing_is_said_of_what_is_no_number_or_not_there():
    assert names(replace(HEALTHY, validation=[math.nan] * 10)) == []
    assert names(Curves([], [], 0)) == []


def test_the_trend_is_that_of_the_usual_test():
    from scipy.stats import kendalltau

    values = [0.3, 0.5, 0.4, 0.6, 0.9, 0.8, 1.1, 1.0]
    ups = float(kendalltau(range(8), values).statistic) * 28
    assert trend(values) == pytest.approx((ups - 1) / math.sqrt(8 * 7 * 21 / 18))
    assert trend(values[::-1]) == -trend(values)


# ---- from a training ---------------------------------------------------------------------------------------------


class Data(Dataset[Any]):
    def __init__(self, count: int, seed: int, transform: Any) -> None:
        self.data, self.transform = clusters(count, seed), transform

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, at: int) -> Any:
        x, y = self.data[at]
        return self.transform(x), y


def told(task: Task, folder: Any, epochs: int = 12) -> list[str]:
    pytest.importorskip("lightning_fabric")
    done = fit(task, folder, Settings(epochs=epochs, accelerator="cpu"), progress=False)
    assert (folder / "training.json").exists()
    page = html.unescape((folder / "report.html").read_text())
    assert all(f"{each.text} {each.advice}".rstrip() in page for each in done.readings)
    return [each.name for each in done.readings]


def strong_noise(x: torch.Tensor) -> torch.Tensor:
    return x + float(np.random.default_rng().normal(0, 1)) + 1.5 * torch.randn(8)


def test_dropout_augmentation_and_easier_validation_data_are_told_apart(tmp_path):
    loss = nn.CrossEntropyLoss()

    def hard(count: int, seed: int) -> list[Any]:
        generator = torch.Generator().manual_seed(seed)
        x = torch.randn(count, 8, generator=generator)
        y = x[:, 0] + x[:, 1] + torch.randn(count, generator=generator) > 0
        return list(zip(x, y.long(), strict=True))

    def dropping() -> nn.Module:
        return nn.Sequential(nn.Linear(8, 64), nn.ReLU(), nn.Dropout(0.7), nn.Linear(64, 3))

    rate: Any = lambda model: torch.optim.Adam(model.parameters(), lr=0.01)  # noqa: E731
    first = told(Task(dropping, loss, hard(1600, 0), validation=hard(1600, 1), optimizer=rate), tmp_path / "mode")
    assert "validation better: mode" in first
    noisy = Data(800, 0, strong_noise)
    second = told(
        Task(Net, loss, noisy, validation=Data(400, 1, lambda x: x), optimizer=rate), tmp_path / "augmentation"
    )
    assert "validation better: augmentation" in second
    easier = [(x, y) for x, y in hard(3000, 1) if (float(x[0] + x[1]) > 1) == bool(y) and abs(float(x[0] + x[1])) > 1]
    third = told(Task(Net, loss, hard(1600, 0), validation=easier, optimizer=rate), tmp_path / "data", 4)
    assert "validation better: data" in third


def test_examples_learnt_by_heart_are_told(tmp_path):
    shuffled = [(x, torch.tensor(at % 3)) for at, (x, _) in enumerate(clusters(64))]
    held_out = [(x, torch.tensor(at % 3)) for at, (x, _) in enumerate(clusters(200, 1))]

    def wide() -> nn.Module:
        return nn.Sequential(nn.Linear(8, 256), nn.ReLU(), nn.Linear(256, 3))

    task = Task(
        wide,
        nn.CrossEntropyLoss(),
        shuffled,
        validation=held_out,
        optimizer=lambda model: torch.optim.Adam(model.parameters(), lr=0.01),
    )
    assert "diverging" in told(task, tmp_path)
