"""loop.eval-mode-during-training: the model trains in evaluation mode.

## What it finds
Training steps whose forward pass was made in evaluation mode though the model holds dropout or batch normalisation that
trains: an evaluation in the middle of the epoch, a `train()` outside of the loop, a `train()` that is missing altogether.

## Why it harms
Dropout no longer regularises, and batch normalisation uses running statistics that are no longer updated, so that
activations drift away from what the layers expect.

## How it is recognised
By the mode in which the last forward pass before a backward pass was made, for each optimizer step. Frozen parts and models
without such modules are passed over; so are models whose parameters no optimizer steps (teachers, fixed critics).

## What it cannot see
Whether evaluation mode is meant: keeping batch normalisation fixed while fine-tuning is done with its weights frozen too.

## Faulty
```python
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(256, 4)
y = x.sum(1, keepdim=True)
model = nn.Sequential(nn.Linear(4, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(0.2), nn.Linear(16, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=1e-2)
model.train()
for epoch in range(5):
    for rows in torch.randperm(256).split(32):
        optimizer.zero_grad()
        nn.functional.mse_loss(model(x[rows]), y[rows]).backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        fit = nn.functional.mse_loss(model(x), y)
```

## Fixed
```python
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(256, 4)
y = x.sum(1, keepdim=True)
model = nn.Sequential(nn.Linear(4, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(0.2), nn.Linear(16, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=1e-2)
for epoch in range(5):
    model.train()
    for rows in torch.randperm(256).split(32):
        optimizer.zero_grad()
        nn.functional.mse_loss(model(x[rows]), y[rows]).backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        fit = nn.functional.mse_loss(model(x), y)
```

## Thresholds
`steps`: so many such steps, and `share`: such a share of the model's training steps, at least.
`trained`: share of the model's parameters that must train for its dropout to count.

## References
PyTorch documentation, *torch.nn.Module.train*; Ioffe and Szegedy, *Batch normalization*, ICML 2015.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from seatrial.events import CallSeen, ModelSeen, ModuleInfo, Place
from seatrial.findings import Figure, Finding
from seatrial.history import Run
from seatrial.rules.frameworks import is_direct
from seatrial.rules.lines import loops_around, named, never_called, span
from seatrial.rules.modes import dependent, is_norm, sites_in_loops
from seatrial.rules.turns import held, made
from seatrial.rules.where import distinct

NAME = "loop.eval-mode-during-training"
EXPLAINS = (
    "optimisation.overfitting",
    "optimisation.learning-rate-too-high",
    "optimisation.noisy-loss",
    "optimisation.exploding-gradient",
    "optimisation.non-finite-loss",
)


@dataclass(frozen=True, slots=True)
class Thresholds:
    """steps: a count; share and trained: 0..1. See the page."""

    steps: int = 5
    share: float = 0.05
    trained: float = 0.5


@dataclass
class _Tally:
    """Training steps of a model, by the mode of their forward pass; of those in evaluation mode the forward call, the
    switch before it and the optimizers that stepped."""

    training: int = 0
    evaluation: int = 0
    forward: CallSeen | None = None
    switch: CallSeen | None = None
    optimizers: set[int] = field(default_factory=set[int])


def check(run: Run, limits: Thresholds) -> Iterator[Finding]:
    tallies = _tally(run)
    found = {
        model: tally
        for model, tally in tallies.items()
        if tally.evaluation >= max(limits.steps, limits.share * (tally.training + tally.evaluation))
        and _matters(run, model, tally, limits)
    }
    if found:
        model = max(found, key=lambda m: found[m].evaluation)
        yield _finding(run, run.models[model], found[model])


def _tally(run: Run) -> dict[int, _Tally]:
    tallies: dict[int, _Tally] = {}
    latest: dict[int, CallSeen] = {}
    used: dict[int, CallSeen] = {}
    switched: dict[int, CallSeen] = {}
    for one in made(run):
        call = one.call
        if call.kind == "mode":
            switched[call.subject] = call
        elif call.kind == "forward":
            latest[call.subject] = call
        elif call.kind == "backward" and call.detail == "backward":
            used |= latest
            latest = {}
        elif call.kind == "step":
            for model, forward in used.items():
                _count(tallies, model, forward, switched.get(model), one.weight * one.count, call.subject)
            used = {}
    return tallies


def _count(
    tallies: dict[int, _Tally], model: int, forward: CallSeen, switch: CallSeen | None, weight: int, optimizer: int
) -> None:
    if not forward.detail.endswith(" grad"):
        return
    tally = tallies.setdefault(model, _Tally())
    if forward.detail.startswith("train"):
        tally.training += weight
    else:
        tally.optimizers.add(optimizer)
        tally.evaluation += weight
        tally.forward, tally.switch = forward, switch or tally.switch


def _matters(run: Run, model: int, tally: _Tally, limits: Thresholds) -> bool:
    """Whether the model trains, and holds modules in what trains that the mode matters to."""
    seen = run.models.get(model)
    if seen is None:
        return False
    trained = frozenset[int]().union(*(held(run, optimizer) for optimizer in tally.optimizers))
    own = [p for p in seen.parameters if not p.is_buffer]
    learning = {p.path for p in own if p.parameter in trained and p.requires_grad}
    return any(_in_training_part(module, learning, len(own), limits) for module in dependent(seen))


def _in_training_part(module: ModuleInfo, learning: set[str], total: int, limits: Thresholds) -> bool:
    if not learning:
        return False
    if is_norm(module):
        return any(path.rpartition(".")[0] == module.path for path in learning)
    return len(learning) >= limits.trained * total


def _finding(run: Run, model: ModelSeen, tally: _Tally) -> Finding:
    total = tally.training + tally.evaluation
    kinds = sorted({module.type for module in dependent(model)})
    message = (
        f"In {tally.evaluation} of {total} training steps {model.name} was in evaluation mode "
        f"({', '.join(kinds)} behave differently there)."
    )
    evidence: dict[str, Figure] = {"steps": total, "steps_in_evaluation_mode": tally.evaluation, "modules": kinds}
    remedy = "Call train() before the loop over batches in each epoch, and again after each evaluation within it."
    where = distinct([*never_called(run, "train"), *_places(run, tally)])
    return Finding(NAME, "error" if tally.training else "warning", message, where[:6], evidence, remedy, EXPLAINS, 0.93)


def _places(run: Run, tally: _Tally) -> list[Place | None]:
    """The call in the training loop by which the model is switched, the switch, where train() is called, the loop."""
    found: list[Place | None] = []
    switch = tally.switch.where if tally.switch is not None else None
    if switch is not None:
        found += sites_in_loops(run, switch)[:1]
        found.append(switch)
    found += [call.where for call in run.calls_of("mode") if call.detail == "train"][:1]
    forward = tally.forward.where if tally.forward is not None else None
    if forward is not None:
        loops = loops_around(run, forward) or [
            loop for site in sites_in_loops(run, forward)[:1] for loop in loops_around(run, site)
        ]
        site = forward if loops_around(run, forward) else next(iter(sites_in_loops(run, forward)), forward)
        found += [named(run, Place(site.file, span(loop)[0])) for loop in loops[-1:]]
        if not loops:  # a framework runs the loop: the step that it calls is the program's own
            found.insert(0 if switch is not None and not is_direct(run, switch, "eval") else len(found), forward)
    return found
