"""loop.missing-optimizer-step: gradients are computed but the optimizer never steps, or only for few of the batches.

## What it finds
An optimizer whose parameters get gradients but that is never stepped: the call is missing, lacks its parentheses, stands
behind a condition that never holds (accumulation over more batches than an epoch has), or belongs to another optimizer.
Also a step outside of the loop over batches, so that all batches but the last are computed for nothing.

## Why it harms
What the network learns from a batch is the step. Without it the loss stays where it was, at full cost.

## How it is recognised
The optimizer was built, backward passes gave its parameters gradients, but no step of it was seen, its parameters are in no
optimizer that steps, and they have not changed by the end. For the rare step: between two steps the same line's backward
pass is run many times, and cleared each time.

## What it cannot see
Whether an optimizer that never steps belongs to a phase that the run has not reached: a run that failed early is passed over.

## Faulty
```python
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(256, 4)
y = x.sum(1, keepdim=True)
model = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=1e-2)
for epoch in range(5):
    for rows in torch.randperm(256).split(32):
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(model(x[rows]), y[rows])
        loss.backward()
```

## Fixed
```python
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(256, 4)
y = x.sum(1, keepdim=True)
model = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=1e-2)
for epoch in range(5):
    for rows in torch.randperm(256).split(32):
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(model(x[rows]), y[rows])
        loss.backward()
        optimizer.step()
```

## Thresholds
`backwards`: so many backward passes without a step. `discarded`: so many passes of one line thrown away before each step
for "only a small part of the batches", if the step stands in the same loop; `share`: of the steps in which it is so.

## References
PyTorch documentation, *torch.optim: taking an optimization step*.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from seatrial.events import CallSeen, Place
from seatrial.findings import Figure, Finding, Mend
from seatrial.history import Run
from seatrial.rules.graph import Graph
from seatrial.rules.lines import function_at, inside, last_name, loops_around, never_called, nodes
from seatrial.rules.turns import Effects, Made, Window, count, held, places, stepping, windows

NAME = "loop.missing-optimizer-step"
EXPLAINS = (
    "loop.gradients-cleared-before-step",
    "loop.unnormalised-accumulation",
    "loop.missing-zero-grad",
    "loop.parameters-not-optimised",
    "loop.scheduler-misplaced",
    "optimisation.loss-not-decreasing",
    "optimisation.underfitting",
    "optimisation.update-ratio-off",
    "model.constant-output",
)


@dataclass(frozen=True, slots=True)
class Thresholds:
    """backwards and discarded: counts of backward passes; share: 0..1 of the steps. See the page."""

    backwards: int = 3
    discarded: int = 31
    share: float = 0.5


@dataclass(frozen=True, slots=True)
class Discarded:
    """Backward passes of one line that are cleared before a step uses them: `number` before each step, as a rule."""

    number: int
    steps: int
    backward: Made
    clear: Made
    step: Made


def check(run: Run, limits: Thresholds) -> Iterator[Finding]:
    effects = Effects(run)
    active = stepping(run)
    yield from _never(run, effects, active, limits)
    for optimizer in active:
        closed = [w for w in windows(run, optimizer) if w.closed]
        lost = discarded(run, effects, closed, limits.share)
        if lost is not None and (
            lost.number >= limits.discarded or (steps_in_another_loop(run, lost) and lost.number > 1)
        ):
            yield _rarely(lost)


def _never(run: Run, effects: Effects, active: list[int], limits: Thresholds) -> Iterator[Finding]:
    trained = frozenset[int]().union(*(held(run, optimizer) for optimizer in active))
    made = count(run, "backward")
    for optimizer, built in run.optimizers.items():
        own = held(run, optimizer)
        if optimizer in active or own & trained or not own:
            continue
        fates = [run.fates[p] for p in own if p in run.fates]
        moved = [fate for fate in fates if fate.changed]
        reached = [fate for fate in fates if fate.had_gradient]
        feeding = [run.calls[c] for c in made if c in run.calls and effects.feeds(run.calls[c], optimizer)]
        passes = sum(made[call.call] for call in feeding)
        if moved or not reached or passes < limits.backwards or _cut_short(run, passes):
            continue
        unreached = _steps_near(run, feeding)
        where = places(*never_called(run, "step"), *unreached, *feeding[:2], built.where)
        message = f"{built.type} never steps, though {passes} backward passes gave its parameters gradients."
        evidence: dict[str, Figure] = {"backward_passes": passes, "steps": 0, "parameters": len(own)}
        remedy = "Call step() of this optimizer after the backward pass" + (
            ", and mend the condition under which that is done." if unreached else "."
        )
        yield Finding(NAME, "error", message, where, evidence, remedy, EXPLAINS, 0.95)


def _cut_short(run: Run, passes: int) -> bool:
    """A run that ended by an exception soon may just not have come to its step."""
    return run.ended is not None and run.ended.status == "failed" and passes < 100


def _steps_near(run: Run, backwards: list[CallSeen]) -> list[Place]:
    """Conditions and calls of `step()` that stand beside the backward passes but were never reached."""
    reached = {(c.where.file, c.where.line) for c in run.calls.values() if c.where and c.kind in ("step", "schedule")}
    found: list[Place] = []
    for call in backwards:
        place = call.where
        around = function_at(run, place) if place is not None else None
        for node in nodes(run, place.file) if place is not None else ():
            if not isinstance(node, ast.If) or (around is not None and not inside(node, around)):
                continue
            for inner in ast.walk(node):
                if not isinstance(inner, ast.Call) or last_name(inner.func) != "step" or place is None:
                    continue
                if (place.file, inner.lineno) not in reached:
                    found += [Place(place.file, node.lineno, place.function), Place(place.file, inner.lineno)]
    return found


def discarded(run: Run, effects: Effects, closed: list[Window], share: float) -> Discarded | None:
    """Whether before most steps the same line's backward pass is made and cleared, made and cleared, made and used."""
    found = [(w, lost) for w in closed if (lost := _discarded_in(run, effects, w)) is not None]
    weight = sum(w.weight for w, _ in found)
    if not found or weight < max(2, share * sum(w.weight for w in closed)):
        return None
    _, most = max(found, key=lambda item: item[0].weight * (1 + item[1].number))
    return Discarded(most.number, weight, most.backward, most.clear, most.step)


def _discarded_in(run: Run, effects: Effects, window: Window) -> Discarded | None:
    used: Made | None = None
    clear: Made | None = None
    lost: dict[int, int] = {}
    for one in window.made:
        if effects.feeds(one.call, window.optimizer):
            used = one
        elif used is not None and effects.clears(one.call, window.optimizer):
            lost[used.call.call] = lost.get(used.call.call, 0) + 1
            used, clear = None, one
    if used is None or clear is None or not lost.get(used.call.call) or _has_closure(run, window.made[-1]):
        return None
    return Discarded(lost[used.call.call], window.weight, used, clear, window.made[-1])


def _has_closure(run: Run, step: Made) -> bool:
    """Optimizers that are given a closure run it as often as they like."""
    place = step.call.where
    if step.call.detail == "LBFGS" or place is None:
        return True
    calls = [n for n in nodes(run, place.file) if isinstance(n, ast.Call) and n.lineno == place.line]
    return any(last_name(call.func) == "step" and (call.args or call.keywords) for call in calls)


def steps_in_another_loop(run: Run, lost: Discarded) -> bool:
    """Whether the step stands outside of the innermost loop that holds the backward pass, in the same function."""
    backward, step = lost.backward.call.where, lost.step.call.where
    if backward is None or step is None or backward.file != step.file:
        return False
    if function_at(run, backward) is not function_at(run, step):
        return False
    inner, outer = loops_around(run, backward), loops_around(run, step)
    return bool(inner) and inner[-1] not in outer


def _rarely(lost: Discarded) -> Finding:
    passes = lost.number + 1
    message = f"The optimizer steps once in {passes} backward passes, and the gradients of the others are thrown away."
    evidence: dict[str, Figure] = {"backward_passes_a_step": passes, "steps": lost.steps}
    remedy = "Step after each backward pass, inside of the loop over batches."
    where = places(lost.step, lost.backward, lost.clear)
    return Finding(NAME, "error", message, where, evidence, remedy, EXPLAINS, 0.92)


def mend(run: Run, finding: Finding, graph: Graph) -> Mend | None:
    """A step after each backward pass."""
    return Mend("a step after each backward pass", clears=True, steps=True)
