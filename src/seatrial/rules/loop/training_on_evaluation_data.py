"""loop.training-on-evaluation-data: the optimizer steps on gradients of validation or test batches.

## What it finds
A loop that serves training and validation and steps in both; an evaluation function that calls backward and step; an
optimizer that trains on the loader that the source calls validation or test, beside the training loader; an evaluation in
the middle of the loop that reuses the names of the training batch, so that its last batch is trained on.

## Why it harms
The held-out data are trained on, so the figures on them say nothing of new data any more.

## How it is recognised
By the data that training steps were made on: a loader whose name (or a line on the way to its loop) says validation or test; data that are always trained on in
evaluation mode while others are in training mode; a step in a function that is named for evaluating, of an optimizer that
steps elsewhere too; or examples that tell: steps made on the very batch with which the evaluation before them ended, whose other
examples are never trained on. What has an optimizer of its own (a temperature, architecture weights) may train on validation data.

## What it cannot see
Examples that stand in both sets (see data.split-overlap), and sets that no name and no mode tells apart.

## Faulty
```python
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
x = torch.randn(512, 4)
y = x.sum(1, keepdim=True)
train_loader = DataLoader(TensorDataset(x[:256], y[:256]), 32, shuffle=True)
val_loader = DataLoader(TensorDataset(x[256:], y[256:]), 32)
model = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=1e-2)
for epoch in range(5):
    for loader in (train_loader, val_loader):
        for xb, yb in loader:
            loss = nn.functional.mse_loss(model(xb), yb)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
```

## Fixed
```python
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
x = torch.randn(512, 4)
y = x.sum(1, keepdim=True)
train_loader = DataLoader(TensorDataset(x[:256], y[:256]), 32, shuffle=True)
val_loader = DataLoader(TensorDataset(x[256:], y[256:]), 32)
model = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=1e-2)
for epoch in range(5):
    for loader in (train_loader, val_loader):
        for xb, yb in loader:
            with torch.set_grad_enabled(loader is train_loader):
                loss = nn.functional.mse_loss(model(xb), yb)
            if loader is train_loader:
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
```

## Thresholds
`steps`: so many training steps on such data, at least. `repeated`: so many on a batch that was evaluated before, of at least
`rows` examples; `others`: share of the other evaluated examples that may have been trained on.

## References
Hastie, Tibshirani, Friedman, *The elements of statistical learning*, 7.10.2: the wrong way to do cross-validation.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from seatrial.events import BatchSeen, EvaluationPass, LoaderBuilt, LoaderIterated, Place
from seatrial.findings import Figure, Finding
from seatrial.history import Run
from seatrial.rules.batches import Batches
from seatrial.rules.lines import function_at
from seatrial.rules.modes import EVALUATES, TRAINS, is_held_out
from seatrial.rules.turns import Made, count, made
from seatrial.rules.where import distinct

NAME = "loop.training-on-evaluation-data"
EXPLAINS = ("loop.eval-mode-during-training", "data.split-overlap", "optimisation.overfitting")
REMEDY = "Compute gradients and step on the training data only; evaluate under torch.no_grad()."


@dataclass(frozen=True, slots=True)
class Thresholds:
    """steps, repeated and rows: counts; others: 0..1. See the page."""

    steps: int = 5
    repeated: int = 3
    rows: int = 4
    others: float = 0.05


def check(run: Run, limits: Thresholds) -> Iterator[Finding]:
    found = _by_function(run, limits) or _by_name(run, limits) or _by_mode(run, limits) or _by_rows(run, limits)
    if found is not None:
        yield found


def _by_function(run: Run, limits: Thresholds) -> Finding | None:
    """A step in a function named for evaluating, of an optimizer that also steps in another place."""
    made_steps = count(run, "step")
    for number, times in made_steps.items():
        call = run.calls[number]
        others = [c for c in made_steps if c != number and run.calls[c].subject == call.subject]
        if call.where is None or not others or times < limits.steps:
            continue
        function = function_at(run, call.where)
        if function is not None and EVALUATES.search(function.name) and not TRAINS.search(function.name):
            message = f"The optimizer steps {times} times in `{function.name}`, beside the steps made in training."
            evidence: dict[str, Figure] = {"steps": times, "function": function.name}
            where = distinct([call.where, *_backwards_in(run, call.where)])
            return Finding(NAME, "error", message, where, evidence, REMEDY, EXPLAINS, 0.9)
    return None


def _backwards_in(run: Run, step: Place) -> list[Place]:
    function = function_at(run, step)
    places = [call.where for call in run.calls_of("backward") if call.where is not None]
    return [p for p in places if function is not None and p.file == step.file and function_at(run, p) is function]


def _by_name(run: Run, limits: Thresholds) -> Finding | None:
    """A loader that is called validation or test where it is built or iterated, trained on beside one that is not."""
    used = [
        use for use in run.every(LoaderIterated) if use.training_ticks >= limits.steps and use.loader in run.loaders
    ]
    held_out = [u for u in used if u.label in ("val", "test") or is_held_out(run, run.loaders[u.loader])]
    rest = [use for use in used if use not in held_out]
    if not held_out or not rest or len(_optimizers_of(run)) != 1:
        return None
    return _finding(run, sum(use.training_ticks for use in held_out), [run.loaders[use.loader] for use in held_out])


def _optimizers_of(run: Run) -> set[int]:
    return {run.calls[call].subject for call in count(run, "step")}


def _by_mode(run: Run, limits: Thresholds) -> Finding | None:
    """Data that are always trained on in evaluation mode, by turns with other data that always are in training mode."""
    modes = _modes(run)
    by_data: dict[int, set[str]] = {}
    ticks: dict[str, list[int]] = {"train": [], "eval": []}
    for batch in run.batches:
        mode = modes.get(batch.tick)
        if batch.phase == "training" and batch.role == "input" and batch.data >= 0 and mode is not None:
            by_data.setdefault(batch.data, set()).add(mode)
            ticks[mode].append(batch.tick)
    evaluated = [data for data, seen in by_data.items() if seen == {"eval"}]
    trained = [data for data, seen in by_data.items() if seen == {"train"}]
    loaders = [loader for loader in run.loaders.values() if loader.data in evaluated]
    uses = [use for use in run.every(LoaderIterated) if use.loader in {loader.loader for loader in loaders}]
    steps = sum(use.training_ticks for use in uses)
    if not evaluated or not trained or steps < limits.steps:
        return None
    if max(ticks["train"]) < min(ticks["eval"]):  # one training after another, not an evaluation between epochs
        return None
    return _finding(run, steps, [])


def _modes(run: Run) -> dict[int, str]:
    """The mode of the last forward pass before each backward pass that a step followed; ticks of equal turns too."""
    found: dict[int, str] = {}
    forward: Made | None = None
    pending: list[tuple[int, str]] = []
    for one in made(run):
        if one.call.kind == "forward":
            forward = one
        elif one.call.kind == "backward" and forward is not None:
            pending.append((one.tick, forward.call.detail.split()[0]))
        elif one.call.kind == "step":
            length = len(pending)
            for repeat in range(one.weight):
                found |= {tick + repeat * length: mode for tick, mode in pending}
            pending = []
    return found


def _by_rows(run: Run, limits: Thresholds) -> Finding | None:
    """The batch that an evaluation pass ended with is what the next training step is made on, while the pass's other
    examples are never trained on: the names of the training batch were used again."""
    batches = Batches(run)
    inputs = {batch.tick: batch for batch in batches.inputs if len(batch.rows) >= limits.rows}
    trained = set(batches.rows)
    slipped: set[int] = set()
    first: tuple[BatchSeen, EvaluationPass] | None = None
    for one in run.passes:
        batch, rows = inputs.get(one.tick), set(one.rows)
        if batch is None or not set(batch.rows) < rows:
            continue
        rest = rows - set(batch.rows)
        if len(rest) >= len(batch.rows) and len(rest & trained) <= limits.others * len(rest):
            slipped |= set(batch.rows)
            first = first or (batch, one)
    ticks = [batch for batch in inputs.values() if slipped >= set(batch.rows)]
    if first is None or len(ticks) < limits.repeated or len(ticks) == len(inputs):
        return None
    batch, one = first
    message = (
        f"{len(ticks)} of {len(inputs)} training steps that were looked at are made on the batch with which the "
        "evaluation before them ended."
    )
    evidence: dict[str, Figure] = {"steps_on_held_out_data": len(ticks), "steps": len(inputs)}
    used = [each.where for each in ticks if each.where is not None and not _is_step(run, each.where)]
    where = distinct([*used[:2], batch.where, one.where])
    remedy = "Give the batches of the evaluation names of their own, or evaluate in a function."
    return Finding(NAME, "error", message, where, evidence, remedy, EXPLAINS, 0.96)


def _is_step(run: Run, place: Place) -> bool:
    return any(call.where == place for kind in ("backward", "step") for call in run.calls_of(kind))


def _finding(run: Run, steps: int, loaders: list[LoaderBuilt]) -> Finding:
    total = sum(count(run, "step").values())
    message = f"{steps} of {total} training steps are made on validation or test data."
    evidence: dict[str, Figure] = {"steps_on_held_out_data": steps, "steps": total}
    calls = [call.where for kind in ("backward", "step", "zero_grad") for call in run.calls_of(kind)]
    where = distinct([*calls, *(loader.where for loader in loaders)])
    return Finding(NAME, "error", message, where[:5], evidence, REMEDY, EXPLAINS, 0.9)
