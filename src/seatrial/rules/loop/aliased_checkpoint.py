"""loop.aliased-checkpoint: the best weights are kept by reference instead of by copy, so they change as training goes on.

## What it finds
`best = model.state_dict()` (or a dict of it, or `best_model = model`) in the middle of training, brought back at the end:
the tensors kept are the live ones, so what comes back is the last state, not the best.

## Why it harms
Early stopping and model selection have no effect, and the figures reported for the best epoch belong to other weights.

## How it is recognised
A state that was taken from a model still shared memory with its weights, which had changed since, when it was loaded or
saved. For models kept by a second name: the assignment stands under a condition in the loop that trains the model, the
name speaks of the best, and it is used afterwards.

## What it cannot see
Weights collected by hand into lists that are copied back one by one.

## Faulty
```python
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(256, 4)
y = x.sum(1, keepdim=True) + torch.randn(256, 1)
model = nn.Sequential(nn.Linear(4, 64), nn.ReLU(), nn.Linear(64, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
best, best_state = float("inf"), None
for epoch in range(40):
    optimizer.zero_grad()
    nn.functional.mse_loss(model(x[:128]), y[:128]).backward()
    optimizer.step()
    with torch.no_grad():
        val = nn.functional.mse_loss(model(x[128:]), y[128:]).item()
    if val < best:
        best, best_state = val, model.state_dict()
    optimizer.param_groups[0]["lr"] *= 1.02
model.load_state_dict(best_state)
```

## Fixed
```python
import copy

import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(256, 4)
y = x.sum(1, keepdim=True) + torch.randn(256, 1)
model = nn.Sequential(nn.Linear(4, 64), nn.ReLU(), nn.Linear(64, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
best, best_state = float("inf"), None
for epoch in range(40):
    optimizer.zero_grad()
    nn.functional.mse_loss(model(x[:128]), y[:128]).backward()
    optimizer.step()
    with torch.no_grad():
        val = nn.functional.mse_loss(model(x[128:]), y[128:]).item()
    if val < best:
        best, best_state = val, copy.deepcopy(model.state_dict())
    optimizer.param_groups[0]["lr"] *= 1.02
model.load_state_dict(best_state)
```

## Thresholds
None: memory is shared or it is not.

## References
PyTorch documentation, *Saving and loading models*: state_dict() returns references; copy it to keep the best.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from seatrial.events import ModelSeen, Place, StateKept
from seatrial.findings import Figure, Finding
from seatrial.history import Run
from seatrial.rules.lines import LOOPS, assigned, inside, last_name, named, nodes, span
from seatrial.rules.where import distinct

NAME = "loop.aliased-checkpoint"
EXPLAINS = ("optimisation.overfitting",)
REMEDY = "Keep copy.deepcopy(model.state_dict()) (or save it to a file at once)."
_BEST = re.compile(r"best|ckpt|checkpoint|snapshot|saved|backup", re.IGNORECASE)


def check(run: Run, limits: None) -> Iterator[Finding]:
    del limits
    kept = [state for state in run.every(StateKept) if state.aliased]
    used = [state for state in kept if state.use == "loaded" or (state.use == "saved" and _is_best(run, state))]
    named_best = [state for state in kept if state.use == "kept" and _is_best(run, state)]
    if used:
        yield _finding(run, used, "error", 0.97)
    elif named_best:
        yield _finding(run, named_best, "warning", 0.8)
    else:
        yield from _second_names(run)


def _is_best(run: Run, state: StateKept) -> bool:
    """Whether the state was put where its name says that it is to stay as it was."""
    if state.where is None:
        return False
    names = assigned(run, state.where) or [run.line(state.where)]
    return any(_BEST.search(name) for name in names)


def _finding(run: Run, kept: list[StateKept], severity: str, confidence: float) -> Finding:
    state = kept[-1]
    verb = {"loaded": "loaded again", "saved": "saved", "kept": "kept to the end"}[state.use]
    now = run.ticks if state.use == "kept" else None
    message = (
        f"The state taken at step {state.tick} still shared memory with the live weights when it was {verb}"
        f"{f' (at step {now})' if now else ''}: it holds the last weights, not those of that moment."
    )
    evidence: dict[str, Figure] = {"taken_at_tick": state.tick, "use": state.use, "times": len(kept)}
    where = distinct([*(one.where for one in kept), *(one.used_where for one in kept)])
    sure = "error" if severity == "error" else "warning"
    return Finding(NAME, sure, message, where, evidence, REMEDY, EXPLAINS, confidence)


def _second_names(run: Run) -> Iterator[Finding]:
    """`best_model = model` under a condition, in a loop that trains the model."""
    models = {seen.name.rpartition(".")[2] for seen in run.every(ModelSeen)}
    found: list[Place] = []
    for file in run.sources:
        for node in nodes(run, file):
            if isinstance(node, ast.Assign) and _is_second_name(run, file, node, models):
                found.append(named(run, Place(file, node.lineno)))
    if found:
        line = run.line(found[0])
        message = f"`{line}` keeps no copy of the best model: it is the same object, which trains on."
        evidence: dict[str, Figure] = {"line": line}
        remedy = "Keep copy.deepcopy(model), or a deep copy of its state_dict()."
        yield Finding(NAME, "error", message, distinct(found), evidence, remedy, EXPLAINS, 0.85)


def _is_second_name(run: Run, file: str, node: ast.Assign, models: set[str]) -> bool:
    target, value = last_name(node.targets[0]), last_name(node.value)
    if not value or "best" not in target.lower():
        return False
    if not any(
        name in models or _acts_as_model(run, file, name) for name in (value, *_handed_in(run, file, node, value))
    ):
        return False
    place = Place(file, node.lineno)
    loops = _loops(run, file, node)
    condition = any(isinstance(n, ast.If) and inside(node, n) for n in nodes(run, file))
    if not loops or not condition:
        return False
    loop = max(loops, key=lambda n: span(n)[0])
    if _made_in(loop, value, file, run) or not _trains_in(run, loop, place):
        return False
    uses = [n for n in nodes(run, file) if isinstance(n, ast.Name | ast.Attribute) and last_name(n) == target]
    return any(isinstance(n.ctx, ast.Load) and not (isinstance(n, ast.Name) and inside(n, node)) for n in uses)


def _loops(run: Run, file: str, node: ast.AST) -> list[ast.AST]:
    """The loops that hold a statement; those that call its function (or an object of its class) where none does."""
    every: list[ast.AST] = [n for n in nodes(run, file) if isinstance(n, LOOPS)]
    around = [loop for loop in every if inside(node, loop)]
    return around or [
        loop for loop in every if any(inside(call, loop) for call in _calls_of_its_function(run, file, node))
    ]


def _calls_of_its_function(run: Run, file: str, node: ast.AST) -> list[ast.Call]:
    """The calls of the function (or, for `__call__`, of the objects) that a statement belongs to."""
    functions = [n for n in nodes(run, file) if isinstance(n, ast.FunctionDef) and inside(node, n)]
    if not functions:
        return []
    name = functions[-1].name
    names = _instances(run, file, functions[-1]) if name == "__call__" else {name}
    return [n for n in nodes(run, file) if isinstance(n, ast.Call) and last_name(n.func) in names]


def _handed_in(run: Run, file: str, node: ast.AST, name: str) -> list[str]:
    """What an argument of the function that a statement belongs to is called where the function is called."""
    functions = [n for n in nodes(run, file) if isinstance(n, ast.FunctionDef) and inside(node, n)]
    names = [argument.arg for argument in functions[-1].args.args] if functions else []
    if name not in names:
        return []
    place = names.index(name) - (names[0] == "self")
    calls = _calls_of_its_function(run, file, node)
    given = [call.args[place] for call in calls if 0 <= place < len(call.args)]
    return [last_name(each) for each in given + [k.value for call in calls for k in call.keywords if k.arg == name]]


def _instances(run: Run, file: str, method: ast.AST) -> set[str]:
    """Names that are given an object of the class that a method belongs to."""
    owners = {n.name for n in nodes(run, file) if isinstance(n, ast.ClassDef) and inside(method, n)}
    made = [n for n in nodes(run, file) if isinstance(n, ast.Assign) and isinstance(n.value, ast.Call)]
    return {
        last_name(n.targets[0]) for n in made if isinstance(n.value, ast.Call) and last_name(n.value.func) in owners
    }


def _acts_as_model(run: Run, file: str, name: str) -> bool:
    """Whether methods of a module are called on a name."""
    methods = {"parameters", "state_dict", "train", "eval"}
    return any(
        isinstance(n, ast.Attribute) and n.attr in methods and last_name(n.value) == name for n in nodes(run, file)
    )


def _made_in(loop: ast.AST, name: str, file: str, run: Run) -> bool:
    """Whether each round of a loop makes a model of its own: then a second name is all it takes."""
    assigns = [n for n in ast.walk(loop) if isinstance(n, ast.Assign)]
    if any(last_name(part) == name for n in assigns for target in n.targets for part in ast.walk(target)):
        return True
    line = span(loop)[0]
    return any(place.file == file and place.line == line for seen in run.every(ModelSeen) for place in seen.loops)


def _trains_in(run: Run, loop: ast.AST, place: Place) -> bool:
    """Whether an optimizer steps in a loop, directly or in a function that it calls."""
    first, last = span(loop)
    steps = [c.where for c in run.calls_of("step") if c.where is not None]
    if any(step.file == place.file and first <= step.line <= last for step in steps):
        return True
    called = {last_name(n.func) for n in ast.walk(loop) if isinstance(n, ast.Call)}
    return any(step.function in called for step in steps)
