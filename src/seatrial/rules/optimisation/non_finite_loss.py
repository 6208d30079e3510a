"""The loss or a gradient became NaN or infinite.

## What it finds
The first step at which the loss, or the gradient of a parameter, is not a finite number.

## Why it harms
One optimizer step with NaN makes the weights NaN, and nothing brings them back: all that is computed afterwards is
worthless.

## How it is recognised
The value of every loss on which `backward` is called, and the gradients at the steps that are looked at. A loss
scaler that skips such a step is at work as intended and is not reported.

## What it cannot see
Why: the other findings of the same run tell (inputs that are not finite, steps that are too large, a logarithm of
zero).

## Faulty
```python
import torch
from torch import nn

torch.manual_seed(0)
x = torch.rand(256, 8)
y = (x.sum(1, keepdim=True) > 4).float()
model = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
for epoch in range(20):
    for rows in torch.randperm(256).split(32):
        p = model(x[rows]).clamp(0, 1)
        loss = -(y[rows] * torch.log(p) + (1 - y[rows]) * torch.log(1 - p)).mean()
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
x = torch.rand(256, 8)
y = (x.sum(1, keepdim=True) > 4).float()
model = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
for epoch in range(20):
    for rows in torch.randperm(256).split(32):
        loss = nn.functional.binary_cross_entropy_with_logits(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(loss.item())
```

## Thresholds
None.

## References
PyTorch documentation, "Anomaly detection" (torch.autograd.set_detect_anomaly).
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from seatrial.events import GraphSeen, Node, Place
from seatrial.findings import Finding
from seatrial.history import Run, Series
from seatrial.numbers import decimal
from seatrial.rules.where import distinct, lines

NAME = "optimisation.non-finite-loss"


def check(run: Run, _: None) -> Iterator[Finding]:
    """The first loss that is not finite, or else the first gradient."""
    scaled = any(call.kind == "scaler" for call in run.calls.values())
    for call, series in run.losses.items():
        bad = [at for at, value in enumerate(series.values) if not math.isfinite(value)]
        if not bad or (scaled and len(bad) < 0.1 * len(series) and math.isfinite(series.values[-1])):
            continue
        yield _of_loss(run, call, series, bad)
        return
    if not scaled:
        yield from _of_gradients(run)


def _of_loss(run: Run, call: int, series: Series, bad: list[int]) -> Finding:
    first = series.ticks[bad[0]]
    value = series.values[bad[0]]
    before = series.values[bad[0] - 1] if bad[0] else math.nan
    known = run.calls.get(call)
    after = f", after {decimal(before, 3)} at the step before" if math.isfinite(before) else " from the first step on"
    culprit = _culprit(run, call)
    return Finding(
        NAME,
        "error",
        f"The loss is {value} at step {first}{after}; {len(bad)} of {len(series)} losses are not finite.",
        distinct([*_lines(run, culprit), known.where if known is not None else None]),
        {
            "first_step": first,
            "value": str(value),
            "loss_before": before,
            "losses": len(series),
            "not_finite": len(bad),
        },
        "Find the first operation that is not finite with torch.autograd.set_detect_anomaly(True).",
        ("optimisation.loss-not-decreasing", "model.constant-output"),
        0.99,
    )


def _lines(run: Run, culprit: tuple[GraphSeen, Node] | None) -> tuple[Place, ...]:
    return lines(run, culprit[1]) if culprit is not None else ()


def _culprit(run: Run, call: int) -> tuple[GraphSeen, Node] | None:
    """The first call of a recorded step whose result is not finite though what it was given is."""
    for seen in run.training_graphs:
        if seen.call != call or math.isfinite(seen.value):
            continue
        for node in seen.nodes:
            if node.stats.get("nonfinite", 0) and not node.role:
                return seen, node
    return None


def _of_gradients(run: Run) -> Iterator[Finding]:
    for look in run.looks:
        bad = [number for number, count in zip(look.parameters, look.nonfinite, strict=True) if count]
        if not bad:
            continue
        paths = [known[1].path for number in bad if (known := run.parameter(number)) is not None]
        call = run.calls.get(run.main_call) if run.main_call is not None else None
        yield Finding(
            NAME,
            "error",
            f"The gradients of {len(bad)} parameters ({', '.join(paths[:3])}) are not finite at step {look.tick}, "
            "while the loss is.",
            distinct([call.where if call is not None else None]),
            {"first_step": look.tick, "parameters": paths[:8]},
            "Find the operation with torch.autograd.set_detect_anomaly(True); often it is a root or a norm at zero.",
            ("optimisation.loss-not-decreasing",),
            0.9,
        )
        return
