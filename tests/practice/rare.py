"""Small tasks with rare classes."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.utils.data import TensorDataset

from seatrial import Task


def points(counts: tuple[int, ...], seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Examples of four features around a point for each class."""
    draw = torch.Generator().manual_seed(seed)
    y = torch.cat([torch.full((count,), at) for at, count in enumerate(counts)])
    y = y[torch.randperm(len(y), generator=draw)]
    centres = 1.2 * torch.randn(len(counts), 4, generator=torch.Generator().manual_seed(3))
    return centres[y] + torch.randn(len(y), 4, generator=draw), y


def task(counts: tuple[int, ...] = (90, 20, 6), loss: Any = None, **named: Any) -> Task:
    """`named`: more arguments of the task."""
    others: dict[str, Any] = {
        "validation": TensorDataset(*points(counts, 1)),
        "optimizer": lambda model: torch.optim.SGD(model.parameters(), lr=0.1),
        "batch_size": 16,
    }
    train = TensorDataset(*points(counts, 0))
    return Task(lambda: nn.Linear(4, len(counts)), loss or nn.CrossEntropyLoss(), train, **(others | named))


def single(loss: Any, last: nn.Module | None = None) -> Task:
    """Two classes, one figure for class 1; targets are floats."""
    x, y = points((60, 8), 0)
    data = TensorDataset(x, y.float()[:, None])
    return Task(lambda: nn.Sequential(nn.Linear(4, 1), last or nn.Identity()), loss, data, validation=data)


def pictures(classes: int = 3, size: int = 8) -> Task:
    """Pixels of classes; class 2 is two pixels of a picture."""
    draw = torch.Generator().manual_seed(0)
    y = torch.zeros(24, size, size, dtype=torch.long)
    y[:, :, size // 2 :] = 1
    y[:, 1, 1:3] = 2
    x = nn.functional.one_hot(y, 3).movedim(-1, 1).float() + 0.7 * torch.randn(24, 3, size, size, generator=draw)
    data = TensorDataset(x, y)
    return Task(lambda: nn.Conv2d(3, classes, 3, padding=1), nn.CrossEntropyLoss(), data, validation=data, batch_size=8)
