"""Identical inputs carry different targets.

## What it finds
Examples with the same input, number for number, and different classes: duplicates that were labelled twice, several
examples that a preprocessing step made one, an index that gives the same input to two labels.

## Why it harms
No network can answer both right. The loss has a floor above zero, and what the network learns of such examples is how
often each label comes.

## How it is recognised
Examples are told apart by a hash of their values over the first batches of a run. Only inputs of real numbers count,
that are alike only if one is a copy of the other, with targets that are classes; each of the conflicting targets has
to come again with its example, as it does in a data set, and not anew in every pass. Steps with several inputs are
left alone.

## What it cannot see
Inputs that are nearly the same; inputs of few possible values, where equal ones with different targets are usual;
targets that are real numbers, which repeated measurements have.

## Faulty
```python
import torch
from sklearn.datasets import load_wine
from torch import nn

torch.manual_seed(0)
wine = load_wine()
x = torch.tensor(wine.data, dtype=torch.float32)
x = (x - x.mean(0)) / x.std(0)
y = torch.tensor(wine.target)
again = torch.arange(0, len(x), 6)
x = torch.cat([x, x[again]])
y = torch.cat([y, (y[again] + 1) % 3])
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

## Fixed
```python
import torch
from sklearn.datasets import load_wine
from torch import nn

torch.manual_seed(0)
wine = load_wine()
x = torch.tensor(wine.data, dtype=torch.float32)
x = (x - x.mean(0)) / x.std(0)
y = torch.tensor(wine.target)
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
`examples`, `share`: how many must conflict at least. `fixed`: share of the conflicting examples whose targets all come
again with them.

## References
C. Northcutt, A. Athalye and J. Mueller, "Pervasive label errors in test sets destabilize machine learning benchmarks",
2021.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from seatrial.findings import Finding
from seatrial.history import Run
from seatrial.numbers import percent
from seatrial.rules.batches import Batches
from seatrial.rules.pairings import pairings
from seatrial.rules.training import Training
from seatrial.rules.where import distinct

NAME = "data.conflicting-labels"
EXPLAINS = ("optimisation.underfitting", "optimisation.cannot-overfit-subset")
# Lines that copy, join, choose or round examples.
_MAKING = re.compile(
    r"cat\(|concat|stack|repeat|append|extend|tile|\[[^\]]*\]|round|//|clamp|clip|trunc|crop|\.int\(|\.long\("
)


@dataclass(frozen=True, slots=True)
class Thresholds:
    """examples: number of them. share, fixed: shares (0..1)."""

    examples: int = 4
    share: float = 0.01
    fixed: float = 0.8


def check(run: Run, limits: Thresholds) -> Iterator[Finding]:
    """Examples that come with several targets, and each time with one of those."""
    if not Training(run).supervised:
        return
    batches = Batches(run)
    found = pairings(batches, exact=True)
    if found is None or found.conflicting < max(limits.examples, limits.share * found.examples):
        return
    if not found.fixed >= limits.fixed:
        return
    share = found.conflicting / found.examples
    lines = batches.lineage(batches.inputs[0])
    made = [place for place in lines if _MAKING.search(run.line(place))]
    yield Finding(
        NAME,
        "warning",
        f"{found.conflicting} of {found.examples} training examples ({percent(share, 1)}) come with more than one class, number for "
        "number the same input.",
        distinct([*reversed(made), *lines, batches.inputs[0].where])[:5],
        {"conflicting": found.conflicting, "examples": found.examples, "share": share},
        "Look at some of these examples; keep one label of each, and remove duplicates before the split.",
        EXPLAINS,
        0.85,
    )
