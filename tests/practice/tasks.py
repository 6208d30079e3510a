"""Small data and networks of which tests make tasks."""

from __future__ import annotations

import torch
from torch import nn
from torch.utils.data import TensorDataset


def clusters(count: int = 256, seed: int = 0) -> TensorDataset:
    """Examples of three classes around three points of eight features: easy, not separable without error."""
    generator = torch.Generator().manual_seed(seed)
    centres = 1.5 * torch.randn(3, 8, generator=torch.Generator().manual_seed(7))
    y = torch.randint(0, 3, (count,), generator=generator)
    x = centres[y] + torch.randn(count, 8, generator=generator)
    return TensorDataset(x / 2, y)  # by one figure for all sets, as it should be


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.hidden = nn.Linear(8, 32)
        self.drop = nn.Dropout(0.1)
        self.out = nn.Linear(32, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.out(self.drop(torch.relu(self.hidden(x))))


class Softmaxed(Net):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.softmax(super().forward(x), dim=1)  # the fault


class FrozenOutput(Net):
    def __init__(self) -> None:
        super().__init__()
        self.out.requires_grad_(False)  # the fault


class InList(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.hidden = nn.Linear(8, 32)
        self.others = [nn.Linear(32, 3)]  # the fault

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.others[0](torch.relu(self.hidden(x)))
