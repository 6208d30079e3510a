"""Progression of diabetes after a year, by ten measurements (scikit-learn's bundled data); the target in standard deviations."""

import torch
from sklearn.datasets import load_diabetes
from torch import nn
from torch.utils.data import TensorDataset

from seatrial import Task

values, progress = load_diabetes(return_X_y=True)
inputs = torch.tensor(values / values.std(), dtype=torch.float32)
targets = torch.tensor((progress - 150) / 75, dtype=torch.float32)[:, None]


def network() -> nn.Module:
    return nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Dropout(0.2), nn.Linear(32, 1))


task = Task(
    network,
    nn.MSELoss(),
    TensorDataset(inputs, targets),
    optimizer=lambda model: torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=0.1),
    batch_size=16,
)
