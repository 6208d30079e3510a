"""Validation loss rises while training loss falls.

## What it finds
A validation loss that was clearly lower before than it is at the end, while the training loss went on falling.

## Why it harms
From its minimum on, the network learns the training examples instead of what they have in common. The weights at the
end are worse than those of an earlier epoch.

## How it is recognised
The loss of the evaluation passes from one line over one data set is followed. It has to end well above its minimum,
to have risen for several passes, and the training loss has to have fallen meanwhile and to be far below. A program
that goes back to its best weights is not judged by its last ones, so this is no error.

## What it cannot see
Overfitting to the validation data themselves; accuracy that still rises while the loss does.

## Faulty
```python
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(300, 30)
y = (x[:, 0] + 0.8 * torch.randn(300) > 0).long()
x_train, y_train, x_val, y_val = x[:100], y[:100], x[100:], y[100:]
model = nn.Sequential(nn.Linear(30, 128), nn.ReLU(), nn.Linear(128, 2))
optimizer = torch.optim.Adam(model.parameters(), lr=0.005)
for epoch in range(40):
    model.train()
    for rows in torch.randperm(100).split(20):
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
x = torch.randn(1200, 30)
y = (x[:, 0] + 0.3 * torch.randn(1200) > 0).long()
x_train, y_train, x_val, y_val = x[:1000], y[:1000], x[1000:], y[1000:]
model = nn.Sequential(nn.Linear(30, 8), nn.ReLU(), nn.Linear(8, 2))
optimizer = torch.optim.Adam(model.parameters(), lr=0.003)
for epoch in range(8):
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
`rise`: last validation loss over the lowest. `gap`: last validation loss over the training loss. `least_passes`:
passes to judge by. `deviations`: how sure the rise after the lowest loss must be.

## References
L. Prechelt, "Early Stopping - But When?", 1998.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass

from seatrial.events import EvaluationPass
from seatrial.findings import Finding, Severity
from seatrial.history import Run
from seatrial.numbers import decimal
from seatrial.rules.batches import Passes
from seatrial.rules.series import finite, median
from seatrial.rules.training import Training
from seatrial.rules.where import distinct

NAME = "optimisation.overfitting"


@dataclass(frozen=True)
class Thresholds:
    """rise and gap: ratios of losses. least_passes: number of evaluation passes over the same data. fallen: training
    loss now over training loss at the validation's best. deviations: of the trend test (1.64: one in twenty by chance)."""

    rise: float = 1.3
    gap: float = 2.0
    least_passes: int = 5
    fallen: float = 0.85
    deviations: float = 1.64


def check(run: Run, limits: Thresholds) -> Iterator[Finding]:
    """The first group of passes whose loss turned upwards."""
    training = Training(run)
    if not training.supervised:
        return
    for group in Passes(run).groups:
        if group[0].label == "train" or len(group) < limits.least_passes:
            continue
        for name in group[0].losses:
            curve = [(each.tick, each.losses.get(name, math.nan)) for each in group]
            finding = _judge(run, training, group, name, curve, limits)
            if finding is not None:
                yield finding
                return


def _judge(
    run: Run,
    training: Training,
    group: list[EvaluationPass],
    name: str,
    curve: list[tuple[int, float]],
    limits: Thresholds,
) -> Finding | None:
    values = [value for _, value in curve]
    if name not in training.loss_ops or not all(map(math.isfinite, values)) or min(values) <= 0:
        return None
    at = values.index(min(values))
    last = median(values[-3:])
    if last < limits.rise * values[at]:
        return None
    then, now = _trained(training, curve[at][0], curve[-1][0] - curve[-2][0]), _trained(training, run.ticks, 0)
    if now > limits.fallen * then or last < limits.gap * now or not _rises(values[at + 1 :], limits.deviations):
        return None
    severity: Severity = "warning" if last > 1.5 * values[at] and not _goes_back(run) else "note"
    return Finding(
        NAME,
        severity,
        f"Validation loss was lowest, {decimal(values[at], 3)}, at step {curve[at][0]}; it has risen to {decimal(last, 3)} while the "
        f"training loss fell from {decimal(then, 3)} to {decimal(now, 3)}.",
        distinct([group[0].where, training.backward]),
        {"lowest": values[at], "at_step": curve[at][0], "last": last, "training_loss": now, "passes": len(values)},
        "Stop at, or go back to, the weights of the lowest validation loss; regularise, or use a smaller network.",
        (),
        0.75,
    )


def _rises(values: list[float], deviations: float) -> bool:
    """Whether values go up by more than chance (Mann, "Nonparametric tests against trend", 1945)."""
    count = len(values)
    ups = sum((after > before) - (after < before) for before, after in itertools.combinations(values, 2))
    return count >= 4 and ups - 1 >= deviations * math.sqrt(count * (count - 1) * (2 * count + 5) / 18)


def _trained(training: Training, tick: int, span: int) -> float:
    """Median training loss over the steps before a tick (a pass's distance of them, at least ten)."""
    window = max(10, span)
    near = [
        value
        for when, value in zip(training.loss.ticks, training.values, strict=True)
        if tick - window <= when < max(tick, window)
    ]
    return median(finite(near))


def _goes_back(run: Run) -> bool:
    """Whether weights of an earlier moment are loaded again before the end."""
    return any(call.kind == "load" for call in run.calls.values())
