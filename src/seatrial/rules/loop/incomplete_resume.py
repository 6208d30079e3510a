"""loop.incomplete-resume: training resumes without part of its state.

## What it finds
A run that goes on from a checkpoint (it reads the epoch or step to go on from) with the weights alone: the optimizer's
moments, or the schedule's place, start afresh.

## Why it harms
Adam's moments and SGD's momentum take many steps to build up again; a schedule that starts over goes back to its highest
rate. The loss jumps at the seam, and the resumed run is another run than the one that was interrupted.

## How it is recognised
A model's state is loaded, the source reads the epoch or step from the checkpoint, training goes on, and the optimizer that
steps then was not loaded though it keeps state (or the schedule was not, though it is stepped).

## What it cannot see
Fine-tuning from weights is not resuming: without a place to go on from nothing is said. Random states are not asked for.

## Faulty
```python
import io

import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(256, 4)
y = x.sum(1, keepdim=True)


def train(model, optimizer, first, last):
    for step in range(first, last):
        optimizer.zero_grad()
        nn.functional.mse_loss(model(x), y).backward()
        optimizer.step()


model = nn.Linear(4, 1)
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
train(model, optimizer, 0, 20)
file = io.BytesIO()
torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict(), "step": 20}, file)
file.seek(0)
checkpoint = torch.load(file)
model = nn.Linear(4, 1)
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
model.load_state_dict(checkpoint["model"])
train(model, optimizer, checkpoint["step"], 40)
```

## Fixed
```python
import io

import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(256, 4)
y = x.sum(1, keepdim=True)


def train(model, optimizer, first, last):
    for step in range(first, last):
        optimizer.zero_grad()
        nn.functional.mse_loss(model(x), y).backward()
        optimizer.step()


model = nn.Linear(4, 1)
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
train(model, optimizer, 0, 20)
file = io.BytesIO()
torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict(), "step": 20}, file)
file.seek(0)
checkpoint = torch.load(file)
model = nn.Linear(4, 1)
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
model.load_state_dict(checkpoint["model"])
optimizer.load_state_dict(checkpoint["optimizer"])
train(model, optimizer, checkpoint["step"], 40)
```

## Thresholds
`steps`: so many optimizer steps after loading make it training that goes on.

## References
PyTorch tutorial, *Saving and loading a general checkpoint for inference and/or resuming training*.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

from seatrial.events import OptimizerBuilt, Place
from seatrial.findings import Figure, Finding
from seatrial.history import Run
from seatrial.rules.lines import last_name, named, nodes
from seatrial.rules.turns import Made, held, made, owned, places
from seatrial.rules.where import distinct

NAME = "loop.incomplete-resume"
EXPLAINS = ("optimisation.learning-rate-too-high", "optimisation.noisy-loss", "optimisation.exploding-gradient")
# A plural (`config["epochs"]`) says how long to train, not where to go on, unless more words say so.
_PLACE = re.compile(
    r"^((start_?|last_?|global_?|current_?)?(epoch|step|iter|iteration|it)(_?(num|idx|no))?|(epoch|step|iteration)s_?done)$"
)
_SETTINGS = re.compile(r"(?<![a-z])(cfg|config|conf|args|opts?|options|h?params?|hp|settings?)(?![a-z])", re.IGNORECASE)
_STATEFUL = re.compile(r"Adam|RMSprop|Adagrad|Adadelta|Lion|LAMB|Rprop|Adafactor|Muon")


@dataclass(frozen=True, slots=True)
class Thresholds:
    """steps: a count of optimizer steps. See the page."""

    steps: int = 3


def check(run: Run, limits: Thresholds) -> Iterator[Finding]:
    resumed = _places_read(run)
    calls = list(made(run))
    loads = (i for i, one in enumerate(calls) if _loads(one, "model") and _trains(calls[i:], limits))
    at = max((i for i in loads if _goes_on(run, calls[i].call.subject, calls[i:])), default=None)
    if at is None or not resumed:
        return
    around = [i for i in range(len(calls)) if abs(calls[i].tick - calls[at].tick) <= 1]
    loaded = [calls[i].call for i in around if calls[i].call.kind == "load"]
    active = {one.call.subject for one in calls[at:] if one.call.kind == "step"}
    missing: list[str] = []
    fresh = [run.optimizers[o] for o in active if o in run.optimizers and _keeps_state(run.optimizers[o])]
    if fresh and not any(call.detail == "optimizer" for call in loaded):
        missing.append("optimizer")
    stepped = {one.call.subject for one in calls[at:] if one.call.kind == "schedule"}
    placed = any("last_epoch" in run.line(s.where) for s in run.schedulers.values() if s.where is not None)
    if stepped and not placed and not any(call.detail == "scheduler" for call in loaded):
        missing.append("schedule")
    if missing:
        yield _finding(calls[at], missing, fresh, resumed)


def _loads(one: Made, what: str) -> bool:
    return one.call.kind == "load" and one.call.detail == what


def _trains(calls: list[Made], limits: Thresholds) -> bool:
    return sum(one.weight * one.count for one in calls if one.call.kind == "step") >= limits.steps


def _goes_on(run: Run, model: int, calls: list[Made]) -> bool:
    """Whether it is the loaded model that trains then (no target network or teacher)."""
    active = {one.call.subject for one in calls if one.call.kind == "step"}
    own = owned(run, model)
    return not own or any(own & held(run, optimizer) for optimizer in active)


def _keeps_state(built: OptimizerBuilt) -> bool:
    momentum = any(group.settings.get("momentum") for group in built.groups)
    return bool(momentum) or bool(_STATEFUL.search(built.type))


def _places_read(run: Run) -> list[Place]:
    """Lines that read an epoch or a step out of a mapping: `start = checkpoint["epoch"] + 1`."""
    found: list[Place] = []
    for file in run.sources:
        for node in nodes(run, file):
            key: ast.expr | None = None
            owner = ""
            if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load):
                key, owner = node.slice, last_name(node.value)
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "get":
                key, owner = node.args[0] if node.args else None, last_name(node.func.value)
            if _SETTINGS.search(owner):
                continue
            if isinstance(key, ast.Constant) and isinstance(key.value, str) and _PLACE.match(key.value.lower()):
                found.append(named(run, Place(file, getattr(node, "lineno", 0))))
    return found


def _finding(load: Made, missing: list[str], fresh: list[OptimizerBuilt], resumed: list[Place]) -> Finding:
    what = " and ".join(f"the {part}'s" for part in missing)
    message = f"Training goes on from a checkpoint with the weights alone: {what} state is not loaded."
    evidence: dict[str, Figure] = {"missing": missing, "tick": load.tick}
    remedy = f"Save and load the state_dict() of the {' and the '.join(missing)} too."
    where = distinct([*places(load), *(built.where for built in fresh[:1]), *resumed])
    severity = "error" if "optimizer" in missing else "warning"
    return Finding(NAME, severity, message, where, evidence, remedy, EXPLAINS, 0.85)
