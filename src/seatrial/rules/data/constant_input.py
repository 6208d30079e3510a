"""Inputs do not vary from example to example.

## What it finds
Inputs of which all or nearly all features have the same value in every example: blank images, an integer division
that leaves zeros, a column that was overwritten, a normalisation by the wrong axis.

## Why it harms
What is the same for all examples cannot tell them apart. The network can learn no more than the average answer.

## How it is recognised
For each feature of the first argument of the model: does it vary over the examples of a batch, and does its mean vary
over batches? A finding says that (nearly) no feature does, over many examples.

## What it cannot see
Features that vary, but tell nothing.

## Faulty
```python
import torch
from torch import nn

torch.manual_seed(0)
pixels = torch.randint(0, 256, (256, 16))
y = (pixels.float().mean(1) > 128).long()
x = (pixels // 256).float()
model = nn.Sequential(nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 2))
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
for epoch in range(10):
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
pixels = torch.randint(0, 256, (256, 16))
y = (pixels.float().mean(1) > 128).long()
x = pixels.float() / 255 - 0.5
model = nn.Sequential(nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 2))
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
for epoch in range(10):
    for rows in torch.randperm(256).split(32):
        loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(loss.item())
```

## Thresholds
`all_features`: share of features that never vary from which on it is an error. `least_examples`: how many examples
must agree.

## References
A. Karpathy, "A Recipe for Training Neural Networks": visualise just before the net.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from seatrial.events import BatchSeen
from seatrial.findings import Finding
from seatrial.history import Run
from seatrial.numbers import decimal, percent
from seatrial.rules.batches import Batches

NAME = "data.constant-input"
EXPLAINS = (
    "model.constant-output",
    "optimisation.loss-not-decreasing",
    "optimisation.underfitting",
    "optimisation.vanishing-gradient",
    "optimisation.cannot-overfit-subset",
    "model.dead-units",
    "data.unscaled-input",
    "data.repeated-batch",
    "data.split-overlap",
    "data.conflicting-labels",
)


@dataclass(frozen=True)
class Thresholds:
    """all_features: share (0..1) of features. least_examples: number of examples over all batches; least_batch: of one
    batch, so that not varying says something."""

    all_features: float = 0.98
    least_examples: int = 48
    least_batch: int = 8


def check(run: Run, limits: Thresholds) -> Iterator[Finding]:
    """Training inputs of which (nearly) no feature varies, within batches and between them."""
    batches = Batches(run)
    first = next(iter(batches.inputs), None)
    if first is None:
        return
    # One model's batches only: a generator's codes and a critic's images are not to be compared.
    seen = [batch for batch in batches.inputs if batch.model == first.model]
    if not all(_can_tell(batch, limits) for batch in seen):
        return
    examples = sum(batch.shape[0] for batch in seen)
    shares = [batch.stats.get("constant_share", 0.0) for batch in seen]
    if examples < limits.least_examples or min(shares) < limits.all_features or not _same_means(seen):
        return
    share = min(shares)
    value = first.stats.get("mean", 0.0)
    yield Finding(
        NAME,
        "error",
        f"{percent(share)} of the input's features have the same value in all of {examples} training examples "
        f"(mean {decimal(value, 3)}, deviation {decimal(max(batch.stats.get('std', 0.0) for batch in seen), 3)}).",
        batches.made(first),
        {"share_of_features": share, "examples": examples, "mean": value, "batches": len(seen)},
        "Look at some inputs just before the model, and at what each step of their preparation does to them.",
        EXPLAINS,
        0.95,
    )


def _can_tell(batch: BatchSeen, limits: Thresholds) -> bool:
    return len(batch.shape) >= 2 and batch.shape[0] >= limits.least_batch and "float" in batch.dtype


def _same_means(seen: list[BatchSeen]) -> bool:
    """Whether the features' values stay what they are from batch to batch too."""
    first = seen[0].feature_means
    for batch in seen[1:]:
        if len(batch.feature_means) != len(first):
            return False
        scale = max(map(abs, first), default=0.0) + 1e-12
        moved = sum(abs(a - b) > 1e-5 * scale for a, b in zip(first, batch.feature_means, strict=True))
        if moved > 0.02 * len(first):
            return False
    return True
