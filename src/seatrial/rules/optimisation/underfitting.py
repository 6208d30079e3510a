"""Training and validation loss stay close to each other and high.

## What it finds
A training loss that has come to rest, a validation loss next to it, and both not far below what guessing would give.

## Why it harms
The network has learned what it can in its present form, and that is little: it is too small, too strongly
regularised, or broken.

## How it is recognised
The level of guessing is that of the first steps, or of the classes' shares. A loss at rest above `high` of it in
training and validation is noted. How low a loss can be is a property of the data, which is why this is never more
than a note.

## What it cannot see
How low the loss could be.

## Faulty
```python
import torch
from torch import nn

torch.manual_seed(0)
x = torch.rand(1200, 2) * 4 - 2
y = ((x[:, 0] > 0) ^ (x[:, 1] > 0)).long()
x_train, y_train, x_val, y_val = x[:1000], y[:1000], x[1000:], y[1000:]
model = nn.Sequential(nn.Linear(2, 2))
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
for epoch in range(10):
    model.train()
    for rows in torch.randperm(1000).split(50):
        loss = nn.functional.cross_entropy(model(x_train[rows]), y_train[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        val_loss = nn.functional.cross_entropy(model(x_val), y_val)
    print(loss.item(), val_loss.item())
```

## Fixed
```python
import torch
from torch import nn

torch.manual_seed(0)
x = torch.rand(1200, 2) * 4 - 2
y = ((x[:, 0] > 0) ^ (x[:, 1] > 0)).long()
x_train, y_train, x_val, y_val = x[:1000], y[:1000], x[1000:], y[1000:]
model = nn.Sequential(nn.Linear(2, 32), nn.ReLU(), nn.Linear(32, 2))
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
for epoch in range(10):
    model.train()
    for rows in torch.randperm(1000).split(50):
        loss = nn.functional.cross_entropy(model(x_train[rows]), y_train[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        val_loss = nn.functional.cross_entropy(model(x_val), y_val)
    print(loss.item(), val_loss.item())
```

## Thresholds
`high`: share of the loss of guessing. `near`: greatest ratio of validation to training loss. `least_steps`: fewer
tell nothing.

## References
I. Goodfellow, Y. Bengio and A. Courville, "Deep Learning", section 5.2.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from seatrial.findings import Finding
from seatrial.history import Run
from seatrial.numbers import decimal
from seatrial.rules.batches import Batches, Passes
from seatrial.rules.series import finite, median
from seatrial.rules.training import CLASSIFICATION, Training, blocks
from seatrial.rules.where import distinct

NAME = "optimisation.underfitting"


@dataclass(frozen=True)
class Thresholds:
    """high: share (0..1) of the loss of guessing. near: ratio. least_steps: number of steps."""

    high: float = 0.9
    near: float = 1.25
    least_steps: int = 100


def check(run: Run, limits: Thresholds) -> Iterator[Finding]:
    """A supervised loss at rest near the level of guessing, in training as in validation."""
    training = Training(run)
    values = finite(training.values)
    if not training.supervised or len(values) < max(limits.least_steps, 0.98 * len(training.values)):
        return
    parts = blocks(values)
    guess = _guessing(run, training, values)
    last = median(parts[-3:])
    if len(parts) < 8 or guess <= 0 or not limits.high * guess <= last <= 1.5 * guess:
        return
    held = [
        (each, loss)
        for group in Passes(run).groups
        if group[0].label != "train"
        for each in group[-1:]
        for name, loss in each.losses.items()
        if name in training.loss_ops and math.isfinite(loss)
    ]
    if not held or held[0][1] > limits.near * last:
        return
    each, validation = held[0]
    yield Finding(
        NAME,
        "note",
        f"Training loss rests at {decimal(last, 3)} and validation loss at {decimal(validation, 3)}, where guessing gives {decimal(guess, 3)}.",
        distinct([training.backward, each.where]),
        {"training_loss": last, "validation_loss": validation, "guessing": guess, "steps": len(values)},
        "First make the network fit the training data: check the pipeline, then widen it and regularise less.",
        (),
        0.6,
    )


def _guessing(run: Run, training: Training, values: list[float]) -> float:
    """The loss of answering with the classes' shares (of what the loss counts: not of padding that it ignores); else that of the
    untrained network."""
    losses = [(graph, node) for graph in training.graphs for node in graph.calls("cross_entropy", "nll_loss")]
    ignored = {str(graph.argument(node, 4, "ignore_index", -100)) for graph, node in losses}
    counts = {name: count for name, count in Batches(run).classes.items() if name not in ignored}
    total = sum(counts.values())
    if training.loss_ops <= CLASSIFICATION and total > 100 and len(counts) > 1:
        return -sum(count / total * math.log(count / total) for count in counts.values())
    return median(values[:5])
