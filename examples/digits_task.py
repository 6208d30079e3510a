"""Handwritten digits for a small convolutional network, described as a task:

    seatrial check examples/digits_task.py
"""
import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn
from torch.utils.data import TensorDataset

from seatrial import Task

# ---- data: 1797 images of 8 x 8 pixels, values 0 to 16 ------------------
digits = load_digits()
x_train, x_val, y_train, y_val = train_test_split(
    digits.images, digits.target, test_size=300, random_state=0, stratify=digits.target)


def as_dataset(x, y):
    return TensorDataset(torch.tensor(x / 8.0 - 1.0, dtype=torch.float32).unsqueeze(1), torch.tensor(y))


# ---- network ------------------------------------------------------------
class Reader(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 16, 3, padding=1)
        self.conv2 = nn.Conv2d(16, 32, 3, padding=1)
        self.pool = nn.MaxPool2d(2)
        self.out = nn.Linear(32 * 2 * 2, 10)

    def forward(self, x):
        x = self.pool(torch.relu(self.conv1(x)))
        x = self.pool(torch.relu(self.conv2(x)))
        return self.out(x.flatten(1))


def accuracy(output, y):
    return (output.argmax(dim=1) == y).float().mean()


task = Task(
    Reader,
    nn.CrossEntropyLoss(),
    as_dataset(x_train, y_train),
    validation=as_dataset(x_val, y_val),
    optimizer=lambda model: torch.optim.Adam(model.parameters(), lr=1e-3),
    metric=accuracy,
)
