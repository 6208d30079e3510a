"""Breast tumours, benign or malignant, by 30 measurements of a microscope's picture (scikit-learn's bundled data)."""

import torch
from sklearn.datasets import load_breast_cancer
from torch import nn
from torch.utils.data import TensorDataset

from seatrial import Task

values, labels = load_breast_cancer(return_X_y=True)
inputs = torch.tensor(values, dtype=torch.float32).log1p()


def network() -> nn.Module:
    return nn.Sequential(nn.BatchNorm1d(30), nn.Linear(30, 32), nn.ReLU(), nn.Dropout(0.2), nn.Linear(32, 2))


def accuracy(output: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    return (output.argmax(dim=1) == y).float().mean()


task = Task(
    network,
    nn.CrossEntropyLoss(),
    TensorDataset(inputs, torch.tensor(labels)),
    optimizer=lambda model: torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=0.01),
    metric=accuracy,
    batch_size=16,
)
