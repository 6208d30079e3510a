"""loop.unscaled-half-precision: half-precision gradients without a scaler, or past the scaler.

## What it finds
Training in float16 without a gradient scaler; a scaler that is bypassed: gradients clipped while still scaled, the
optimizer stepped by itself on scaled gradients, or unscaled ones divided by the scale.

## Why it harms
float16 has nothing below 6e-8: small gradients become zero. A scaler multiplies the loss (by 65536 at first) and divides
the gradients again. A norm clipped in between is 65536 times too large, so that clipping leaves next to nothing.

## How it is recognised
From the order of the scaler's calls, the backward pass, clipping and the step; without a scaler from the types in the
recorded steps and parameters. bfloat16 has the range of float32 and needs no scaler.

## What it cannot see
Scaling by hand is recognised only as a constant factor at the end of the loss.

## Faulty
```python
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(256, 8)
y = x.sum(1, keepdim=True)
model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=1e-2)
scaler = torch.amp.GradScaler("cpu")
for epoch in range(5):
    for rows in torch.randperm(256).split(32):
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(model(x[rows]), y[rows])
        scaler.scale(loss).backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        scaler.step(optimizer)
        scaler.update()
```

## Fixed
```python
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(256, 8)
y = x.sum(1, keepdim=True)
model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=1e-2)
scaler = torch.amp.GradScaler("cpu")
for epoch in range(5):
    for rows in torch.randperm(256).split(32):
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(model(x[rows]), y[rows])
        scaler.scale(loss).backward()
        scaler.unscale_(optimizer)
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        scaler.step(optimizer)
        scaler.update()
```

## Thresholds
`share`: share of an optimizer's steps in which it happens. `steps`: so many steps, at least.

## References
Micikevicius et al., *Mixed precision training*, ICLR 2018; PyTorch, *Automatic mixed precision examples: gradient clipping*.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from seatrial.events import Node
from seatrial.findings import Figure, Finding
from seatrial.history import Run
from seatrial.numbers import percent
from seatrial.rules.graph import Graph
from seatrial.rules.turns import Effects, Made, Window, held, places, stepping, windows
from seatrial.rules.where import distinct

NAME = "loop.unscaled-half-precision"
EXPLAINS = (
    "loop.ineffective-clipping",
    "optimisation.clipping-too-tight",
    "optimisation.vanishing-gradient",
    "optimisation.exploding-gradient",
    "optimisation.non-finite-loss",
    "optimisation.learning-rate-too-high",
    "optimisation.learning-rate-too-low",
    "optimisation.loss-not-decreasing",
    "optimisation.underfitting",
    "optimisation.update-ratio-off",
)
_CLIPPED, _PAST, _DIVIDED = "clipped", "past", "divided"


@dataclass(frozen=True, slots=True)
class Thresholds:
    """share: 0..1 of the steps; steps: a count. See the page."""

    share: float = 0.5
    steps: int = 3


def check(run: Run, limits: Thresholds) -> Iterator[Finding]:
    scaled = any(call.kind == "scaler" for call in run.calls.values())
    for optimizer in stepping(run):
        if not scaled:
            yield from _without_scaler(run, optimizer)
            continue
        closed = [w for w in windows(run, optimizer) if w.closed and not w.first]
        found = [(w, slip) for w in closed if (slip := _slip(run, w)) is not None]
        count = sum(w.weight for w, _ in found)
        total = sum(w.weight for w in closed)
        if found and count >= max(limits.steps, limits.share * total):
            yield _bypassed(found[-1][1], found[-1][0], count, total)


def _slip(run: Run, window: Window) -> tuple[str, Made] | None:
    """What is done past the scaler between two steps, and the call that does it."""
    effects = Effects(run)
    scaled = unscaled = by_scaler = False
    fed: Made | None = None
    pending = False
    for one in window.made:
        call = one.call
        if call.kind == "scaler" and call.subject in (-1, window.optimizer):
            pending = pending or call.detail == "scale"
            unscaled = unscaled or (call.detail == "unscale")
            by_scaler = by_scaler or call.detail == "step"
        elif effects.feeds(call, window.optimizer):
            fed, scaled, pending, unscaled, by_scaler = one, scaled or pending, False, False, False
        elif call.kind == "clip" and fed is not None and scaled and not unscaled and not by_scaler:
            own = run.clips.get(call.call)
            if own is None or not own.parameters or set(own.parameters) & held(run, window.optimizer):
                return _CLIPPED, one
    if fed is None:
        return None
    if scaled and not by_scaler and not unscaled:
        return _PAST, window.made[-1]
    return (_DIVIDED, fed) if by_scaler and not scaled else None


def _bypassed(slip: tuple[str, Made], window: Window, count: int, total: int) -> Finding:
    kind, call = slip
    message, remedy = {
        _CLIPPED: (
            f"In {count} of {total} steps gradients are clipped while they are still multiplied by the scaler's factor.",
            "Call scaler.unscale_(optimizer) before clipping.",
        ),
        _PAST: (
            f"In {count} of {total} steps the optimizer steps by itself on gradients that the scaler has multiplied.",
            "Step by scaler.step(optimizer) and call scaler.update().",
        ),
        _DIVIDED: (
            f"In {count} of {total} steps the scaler divides gradients whose loss it had not multiplied.",
            "Call backward on scaler.scale(loss).",
        ),
    }[kind]
    evidence: dict[str, Figure] = {"steps": total, "steps_past_the_scaler": count}
    where = places(call, *window.of("backward")[-1:], window.made[-1])
    return Finding(NAME, "error", message, where, evidence, remedy, EXPLAINS, 0.95)


def _without_scaler(run: Run, optimizer: int) -> Iterator[Finding]:
    own = held(run, optimizer)
    for seen in run.training_graphs:
        graph = Graph(seen)
        if not any(leaf.parameter in own for leaf in graph.leaves("parameter")) or _scaled_by_hand(graph):
            continue
        half = [node for node in graph if not node.role and "bfloat16" not in _type(node) and "float16" in _type(node)]
        if not half:
            continue
        shares = [
            share for look in run.looks if look.optimizer == optimizer for share in look.zero_share if share == share
        ]
        zero = sum(shares) / len(shares) if shares else 0.0
        message = f"The network trains in float16 without a gradient scaler; {percent(zero)} of its gradients are exactly zero."
        evidence: dict[str, Figure] = {"calls_in_float16": len(half), "zero_share": zero}
        where = distinct([half[0].where, seen.where])
        remedy = "Use torch.amp.GradScaler with autocast (weights in float32), or bfloat16."
        yield Finding(NAME, "warning", message, where, evidence, remedy, EXPLAINS, 0.8)
        return


def _type(node: Node) -> str:
    return node.outputs[0].dtype if node.outputs and node.outputs[0].requires_grad else ""


def _scaled_by_hand(graph: Graph) -> bool:
    """Whether the loss is multiplied by a constant of at least 8 at its end."""
    for ref in graph.seen.outputs:
        node = graph.node(ref)
        factors = [value for value in (*node.args, *node.kwargs.values()) if isinstance(value, int | float)]
        if node.op == "mul" and any(value >= 8 for value in factors):
            return True
    return False
