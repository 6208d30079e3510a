"""loop.train-mode-during-evaluation: the model is evaluated in training mode, with dropout or batch statistics on.

## What it finds
Validation or test passes of a model with dropout or batch normalisation that was not switched to evaluation mode.

## Why it harms
With dropout on, the figures are those of a damaged network and differ from call to call; with batch statistics, an answer
depends on the other examples of the batch, and the held-out data leak into the running statistics.

## How it is recognised
By the mode in which forward passes were made that no backward pass followed and whose data, loop or function the source
calls validation, test or evaluation; the model must hold modules that the mode matters to. A line that serves training
as well (in the forward of a wrapper) is told apart by the functions that it was reached from.
Passes in which the same examples come again and again (averaging over dropout) are meant to be random.

## What it cannot see
Evaluations that no name tells from other passes without a gradient (targets, fakes, teachers).

## Faulty
```python
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(512, 4)
y = x.sum(1, keepdim=True)
model = nn.Sequential(nn.Linear(4, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(0.5), nn.Linear(16, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=1e-2)


def evaluate(x_val, y_val):
    with torch.no_grad():
        return nn.functional.mse_loss(model(x_val), y_val).item()


for epoch in range(5):
    model.train()
    for rows in torch.randperm(256).split(32):
        optimizer.zero_grad()
        nn.functional.mse_loss(model(x[rows]), y[rows]).backward()
        optimizer.step()
    evaluate(x[256:], y[256:])
```

## Fixed
```python
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(512, 4)
y = x.sum(1, keepdim=True)
model = nn.Sequential(nn.Linear(4, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(0.5), nn.Linear(16, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=1e-2)


def evaluate(x_val, y_val):
    model.eval()
    with torch.no_grad():
        return nn.functional.mse_loss(model(x_val), y_val).item()


for epoch in range(5):
    model.train()
    for rows in torch.randperm(256).split(32):
        optimizer.zero_grad()
        nn.functional.mse_loss(model(x[rows]), y[rows]).backward()
        optimizer.step()
    evaluate(x[256:], y[256:])
```

## Thresholds
`share`: share of the passes from one line that must be in training mode. `sure`: how sure it must be that the line
evaluates held-out data (0..1) for an error; below it is a warning.

## References
PyTorch documentation, *Autograd mechanics: evaluation mode*; *torch.nn.Module.eval*.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from seatrial.events import EvaluationPass, ModelSeen, Place
from seatrial.findings import Figure, Finding
from seatrial.history import Run
from seatrial.rules.lines import never_called
from seatrial.rules.modes import certainty, definition, dependent, evaluations, out_of_reach, sites_in_loops
from seatrial.rules.turns import stepping
from seatrial.rules.where import distinct

NAME = "loop.train-mode-during-evaluation"
EXPLAINS = ("model.random-evaluation", "model.examples-mixed", "optimisation.underfitting")


@dataclass(frozen=True, slots=True)
class Thresholds:
    """share and sure: 0..1. See the page."""

    share: float = 0.5
    sure: float = 0.8


def check(run: Run, limits: Thresholds) -> Iterator[Finding]:
    if not stepping(run):
        return
    for (number, place), passes in evaluations(run).items():
        model = run.models.get(number)
        if model is None or not dependent(model):
            continue
        training = [one for one in passes if one.training > 0.5]
        if len(training) >= limits.share * len(passes) and training and not _inside_steps(run, passes):
            yield _finding(run, model, place, passes, training, limits)
            return


def _inside_steps(run: Run, passes: list[EvaluationPass]) -> bool:
    """Whether a pass of a single forward is made in nearly every training step: it makes targets or fakes for it."""
    ticks = {one.tick for one in passes}
    return len(ticks) >= 20 and len(ticks) >= 0.5 * min(run.ticks, 200) and all(one.forwards <= 2 for one in passes)


def _finding(
    run: Run,
    model: ModelSeen,
    place: Place,
    passes: list[EvaluationPass],
    training: list[EvaluationPass],
    limits: Thresholds,
) -> Finding:
    sure = max(certainty(run, one) for one in training)
    kinds = sorted({module.type for module in dependent(model)})
    message = (
        f"{model.name} is evaluated in training mode in {len(training)} of {len(passes)} passes, "
        f"with {', '.join(kinds)} at work as in training."
    )
    evidence: dict[str, Figure] = {
        "passes": len(passes),
        "passes_in_training_mode": len(training),
        "examples": sum(one.examples for one in training),
        "modules": kinds,
    }
    switches = [call.where for call in run.calls_of("mode") if call.detail == "train"]
    where = distinct(
        [
            *never_called(run, "eval"),
            *out_of_reach(run, training[0]),
            place,
            definition(run, place),
            *sites_in_loops(run, place)[:1],
            *switches[:1],
        ]
    )
    remedy = "Call eval() before the evaluation, and train() again before training goes on."
    return Finding(
        NAME, "error" if sure >= limits.sure else "warning", message, where, evidence, remedy, EXPLAINS, sure
    )
