"""The target, or a copy of it, stands among the input features.

## What it finds
A feature that is the target in another guise: the same number scaled or transformed, a code for each class, a column
that marks one class and no other.

## Why it harms
The network learns to read it off. Every score is close to perfect, on validation and test data too, and worth nothing:
when the network is used, the target is not there.

## How it is recognised
Over the recorded training examples one feature stands in a one-to-one relation with the target, without an exception:
it rises (or falls) strictly with a target of numbers, or has one value for each class. A program that makes its target
out of one random feature looks the same; so the other features, without it, have to be associated with the target
too, far beyond chance, as those of real data are.

## What it cannot see
Copies with noise; a target that follows from several features together; targets of several numbers; inputs of tokens.

## Faulty
```python
import numpy as np
import torch
from sklearn.datasets import load_wine
from torch import nn

torch.manual_seed(0)
wine = load_wine()
table = np.column_stack([wine.data, wine.target])
x = torch.tensor(table, dtype=torch.float32)
y = torch.tensor(wine.target)
x = (x - x.mean(0)) / x.std(0)
model = nn.Sequential(nn.Linear(14, 32), nn.ReLU(), nn.Linear(32, 3))
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(8):
    for rows in torch.randperm(len(x)).split(16):
        loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(loss.item())
```

## Fixed
```python
import numpy as np
import torch
from sklearn.datasets import load_wine
from torch import nn

torch.manual_seed(0)
wine = load_wine()
table = np.column_stack([wine.data, wine.target])
x = torch.tensor(table[:, :-1], dtype=torch.float32)
y = torch.tensor(wine.target)
x = (x - x.mean(0)) / x.std(0)
model = nn.Sequential(nn.Linear(13, 32), nn.ReLU(), nn.Linear(32, 3))
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(8):
    for rows in torch.randperm(len(x)).split(16):
        loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(loss.item())
```

## Thresholds
`examples`: fewest. `spreads`: standard deviations (of the score with permuted targets) beyond which the other features
are associated with the target.

## References
S. Kaufman, S. Rosset, C. Perlich and O. Stitelman, "Leakage in data mining: formulation, detection, and avoidance",
2012.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from seatrial.events import DataGlanced, Place
from seatrial.findings import Finding
from seatrial.history import Run
from seatrial.rules.batches import Batches
from seatrial.rules.training import Training
from seatrial.rules.where import distinct

NAME = "data.target-leak"
EXPLAINS = ("data.preprocessing-mismatch",)
# Lines that put features together or choose them.
_CHOOSING = re.compile(
    r"column_stack|hstack|concat|cat\(|\bc_\[|stack\(|append|drop|iloc|loc\[|columns|features|values|to_numpy|join|merge"
)


@dataclass(frozen=True, slots=True)
class Thresholds:
    """examples: number of them. spreads: standard deviations."""

    examples: int = 60
    spreads: float = 6.0


def check(run: Run, limits: Thresholds) -> Iterator[Finding]:
    """A feature that is the target in another guise, among others that have to do with it."""
    if not Training(run).supervised:
        return
    for seen in run.every(DataGlanced):
        rest = seen.without_copy
        if seen.phase != "training" or seen.copy < 0 or rest is None or seen.examples < limits.examples:
            continue
        if rest.score - rest.chance < limits.spreads * max(rest.spread, 1e-9):
            continue
        yield _finding(run, seen)
        return


def _finding(run: Run, seen: DataGlanced) -> Finding:
    relation = "stands for one class or the other" if seen.classes else "rises or falls strictly with the target"
    return Finding(
        NAME,
        "error",
        f"Feature {seen.copy} of the inputs {relation} without an exception, over {seen.examples} training examples: it is "
        "the target itself, or a copy of it.",
        _places(run),
        {"feature": seen.copy, "examples": seen.examples, "features": seen.features},
        "Take the target, and what is made of it, out of the features before anything else.",
        EXPLAINS,
        0.92,
    )


def _places(run: Run) -> tuple[Place, ...]:
    """Lines on the way of the inputs where features are put together or chosen, then the others."""
    batches = Batches(run)
    if not batches.inputs:
        return ()
    lines = batches.lineage(batches.inputs[0])
    chosen = [place for place in lines if _CHOOSING.search(run.line(place))]
    return distinct([*chosen, *lines, batches.inputs[0].where])[:5]
