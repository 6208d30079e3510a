"""Handwritten digits for a small convolutional network: what `seatrial practice` goes through where no task is named."""

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import TensorDataset

from seatrial import Task

values, labels = load_digits(return_X_y=True)  # 1,797 pictures of 8 x 8 pixels, values 0 to 16
pictures = torch.tensor(values / 8.0 - 1.0, dtype=torch.float32).reshape(-1, 1, 8, 8)


class Reader(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 16, 3, padding=1)
        self.conv2 = nn.Conv2d(16, 32, 3, padding=1)
        self.pool = nn.MaxPool2d(2)
        self.out = nn.Linear(32 * 2 * 2, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.pool(torch.relu(self.conv1(x)))
        x = self.pool(torch.relu(self.conv2(x)))
        return self.out(x.flatten(1))


def accuracy(output: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    return (output.argmax(dim=1) == y).float().mean()


task = Task(
    Reader,
    nn.CrossEntropyLoss(),
    TensorDataset(pictures, torch.tensor(labels)),
    optimizer=lambda model: torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9, nesterov=True),
    metric=accuracy,
)
