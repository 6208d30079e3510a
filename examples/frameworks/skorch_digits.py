"""Handwritten digits, read by a small network that skorch trains.

    seatrial run examples/frameworks/skorch_digits.py
"""
import numpy as np
import torch
from skorch import NeuralNetClassifier
from skorch.callbacks import EpochScoring, LRScheduler
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn

torch.manual_seed(0)

# ---- data: 1797 images of 8 x 8 pixels, values 0 to 16 ------------------
digits = load_digits()
x = (digits.data / 8.0 - 1.0).astype(np.float32)
x_train, x_test, y_train, y_test = train_test_split(
    x, digits.target, test_size=300, random_state=0, stratify=digits.target)


# ---- network ------------------------------------------------------------
class Reader(nn.Module):
    def __init__(self, hidden=48):
        super().__init__()
        self.hidden = nn.Linear(64, hidden)
        self.more = nn.Linear(hidden, hidden)
        self.out = nn.Linear(hidden, 10)

    def forward(self, x):
        x = torch.relu(self.hidden(x))
        x = torch.relu(self.more(x))
        return self.out(x)


# ---- training: a fifth is kept for validation ---------------------------
net = NeuralNetClassifier(
    Reader,
    criterion=nn.CrossEntropyLoss,
    optimizer=torch.optim.SGD,
    optimizer__momentum=0.9,
    lr=0.05,
    batch_size=32,
    max_epochs=8,
    iterator_train__shuffle=True,
    callbacks=[
        ("train_acc", EpochScoring("accuracy", lower_is_better=False, on_train=True, name="train_acc")),
        ("schedule", LRScheduler("CosineAnnealingLR", T_max=8)),
    ],
    verbose=0,
)
net.fit(x_train, y_train)
for epoch in net.history:
    print(f"epoch {epoch['epoch']}  train loss {epoch['train_loss']:.3f}  "
          f"val loss {epoch['valid_loss']:.3f}  val accuracy {epoch['valid_acc']:.3f}")

print(f"test accuracy {net.score(x_test, y_test):.3f}")
