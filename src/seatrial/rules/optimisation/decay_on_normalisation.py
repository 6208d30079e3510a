"""Weight decay pulls on normalisation scales, biases or embeddings.

## What it finds
A group of an optimizer with a notable weight decay that holds the scales of normalisation layers or biases beside the
weight matrices.

## Why it harms
Decay is meant against large weights. A scale of a normalisation is pulled from one to zero, a bias from where the
data want it, without any gain in simplicity. The effect is often small.

## How it is recognised
The parameters of each group, by the type of the module that owns them, and the group's decay. Since many good
programs do it, it is a note.

## What it cannot see
Whether it matters here.

## Faulty
```python
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(256, 20)
y = (x @ torch.randn(20, 4)).argmax(1)
model = nn.Sequential(nn.Linear(20, 64), nn.LayerNorm(64), nn.ReLU(), nn.Linear(64, 4))
optimizer = torch.optim.AdamW(model.parameters(), lr=0.01, weight_decay=0.1)
for epoch in range(5):
    for rows in torch.randperm(256).split(32):
        loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(loss.item())
```

## Fixed
```python
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(256, 20)
y = (x @ torch.randn(20, 4)).argmax(1)
model = nn.Sequential(nn.Linear(20, 64), nn.LayerNorm(64), nn.ReLU(), nn.Linear(64, 4))
decayed = [p for p in model.parameters() if p.ndim > 1]
others = [p for p in model.parameters() if p.ndim <= 1]
groups = [{"params": decayed, "weight_decay": 0.1}, {"params": others, "weight_decay": 0.0}]
optimizer = torch.optim.AdamW(groups, lr=0.01)
for epoch in range(5):
    for rows in torch.randperm(256).split(32):
        loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(loss.item())
```

## Thresholds
`decay`: weight decay from which on it is worth a note.

## References
T. He et al., "Bag of Tricks for Image Classification with Convolutional Neural Networks", 2019, section 3.1.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from seatrial.findings import Finding
from seatrial.history import Run
from seatrial.numbers import decimal
from seatrial.rules.parameters import Parameters, listed
from seatrial.rules.source import origin
from seatrial.rules.where import distinct

NAME = "optimisation.decay-on-normalisation"


@dataclass(frozen=True)
class Thresholds:
    """decay: weight decay, without unit (0.01 is AdamW's default)."""

    decay: float = 0.05


def check(run: Run, limits: Thresholds) -> Iterator[Finding]:
    """Groups with decay that hold scales of normalisations."""
    known = Parameters(run)
    for optimizer in run.optimizers.values():
        for group in optimizer.groups:
            decay = group.settings.get("weight_decay")
            if not isinstance(decay, (int, float)) or decay < limits.decay:
                continue
            scales = [
                known.first[number][1].path
                for number in group.parameters
                if number in known.first and (owner := known.module(number)) is not None and "Norm" in owner.type
            ]
            if scales:
                yield Finding(
                    NAME,
                    "note",
                    f"A weight decay of {decimal(decay)} also pulls on {len(scales)} parameters of normalisation layers "
                    f"({listed(scales)}).",
                    distinct([*origin(run, optimizer.where, "weight_decay"), optimizer.where]),
                    {"weight_decay": decay, "parameters": scales[:8]},
                    "Put scales and biases into a param group without decay.",
                    (),
                    0.6,
                )
                return
