"""loop.unnormalised-accumulation: losses of accumulated micro-batches are summed without being averaged, or the last ones
are never applied.

## What it finds
Gradient accumulation over k micro-batches whose mean losses are not divided by k, so that the gradient is k times too large;
and gradients of the last micro-batches of an epoch that are cleared before a step has used them.

## Why it harms
The learning rate is in effect multiplied by k: training diverges or needs another rate as soon as k is changed.

## How it is recognised
Several backward passes of one line before each step, the step under a condition that counts batches; and the recorded step
shows nothing that divides the loss before backward is called on it.

## What it cannot see
Sums over tasks, time steps or episodes are often meant, and are only noted. Adam and its kin do not feel a constant factor
(but for clipping and epsilon), so there it is only noted too.

## Faulty
```python
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(256, 4)
y = x.sum(1, keepdim=True)
model = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=1e-2)
accumulate = 8
for epoch in range(5):
    for step, rows in enumerate(torch.randperm(256).split(8)):
        nn.functional.mse_loss(model(x[rows]), y[rows]).backward()
        if (step + 1) % accumulate == 0:
            optimizer.step()
            optimizer.zero_grad()
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
accumulate = 8
for epoch in range(5):
    for step, rows in enumerate(torch.randperm(256).split(8)):
        loss = nn.functional.mse_loss(model(x[rows]), y[rows]) / accumulate
        loss.backward()
        if (step + 1) % accumulate == 0:
            optimizer.step()
            optimizer.zero_grad()
```

## Thresholds
`passes`: so many backward passes of one line before a step are an accumulation. `share`: share of the steps in which it is so.
`lost`: share of the backward passes that no step uses, from which it is a warning. `steps`: so many steps, at least.

## References
Goyal et al., *Accurate, large minibatch SGD*, 2017, section 3: normalisation of the loss.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

from seatrial.events import CallSeen, Node, Place
from seatrial.findings import Edit, Figure, Finding, Mend
from seatrial.history import Run
from seatrial.rules.graph import Graph
from seatrial.rules.lines import function_at, holds, inside, nodes, span
from seatrial.rules.source import file_of, traced
from seatrial.rules.turns import Effects, Made, Window, held, places, stepping, windows
from seatrial.rules.where import distinct

NAME = "loop.unnormalised-accumulation"
EXPLAINS = (
    "optimisation.learning-rate-too-high",
    "optimisation.exploding-gradient",
    "optimisation.non-finite-loss",
    "optimisation.noisy-loss",
    "optimisation.loss-not-decreasing",
    "optimisation.clipping-too-tight",
    "optimisation.update-ratio-off",
    "model.dead-units",
    "model.constant-output",
)
_SCALED_GRADIENT = re.compile(r"\.grad(\.data)?\s*(/=|\*=)|\.grad(\.data)?\.(div_|mul_)|_foreach_(div|mul)_")
_FREE_OF_SCALE = re.compile(r"Adam|RMSprop|Adagrad|Adadelta|Lion|LAMB|LARS|Rprop|Adafactor|Muon")


@dataclass(frozen=True, slots=True)
class Thresholds:
    """passes and steps: counts; share and lost: 0..1. See the page."""

    passes: int = 2
    share: float = 0.5
    lost: float = 0.15
    steps: int = 3


def check(run: Run, limits: Thresholds) -> Iterator[Finding]:
    effects = Effects(run)
    for optimizer in stepping(run):
        if run.optimizers[optimizer].type == "LBFGS":
            continue
        closed = [w for w in windows(run, optimizer) if w.closed]
        total = sum(w.weight for w in closed)
        if total < limits.steps:
            continue
        found = [(w, group) for w in closed if (group := _accumulated(effects, w, limits)) is not None]
        if sum(w.weight for w, _ in found) >= limits.share * total:
            yield from _summed(run, optimizer, found)
            yield from _lost(effects, closed, found, limits)


def _accumulated(effects: Effects, window: Window, limits: Thresholds) -> tuple[Made, int] | None:
    """The line whose backward passes add up in a window, and how many do."""
    counts: dict[int, int] = {}
    last: dict[int, Made] = {}
    for one in window.made:
        if effects.clears(one.call, window.optimizer):
            counts.clear()
        elif effects.feeds(one.call, window.optimizer):
            counts[one.call.call] = counts.get(one.call.call, 0) + one.count
            last[one.call.call] = one
    most = max(counts, key=lambda call: counts[call], default=None)
    if most is None or counts[most] < limits.passes:
        return None
    return last[most], counts[most]


def _summed(run: Run, optimizer: int, found: list[tuple[Window, tuple[Made, int]]]) -> Iterator[Finding]:
    window, (backward, passes) = max(found, key=lambda item: item[0].weight * item[1][1])
    graphs = [Graph(seen) for seen in run.training_graphs if seen.call == backward.call.call]
    if not all(_reaches(graph, held(run, optimizer)) for graph in graphs):
        return  # the line serves several networks by turns
    scaled = any(call.kind == "scaler" for call in run.calls.values())
    if not graphs or any(_is_divided(graph, scaled) for graph in graphs) or _gradient_is_scaled(run):
        return
    built = run.optimizers[optimizer]
    step = window.made[-1]
    condition = _counting(run, step.call)
    free = bool(_FREE_OF_SCALE.search(built.type))
    message = (
        f"Gradients of {passes} micro-batches are summed before each step of {built.type} and divided by nothing: "
        f"they are {passes} times those of one batch."
    )
    numbers = [place for test in condition for place in _numbers(run, step.call, test)]
    tests = [
        Place(step.call.where.file, span(test)[0], step.call.where.function) for test in condition if step.call.where
    ]
    where = distinct([*places(backward), *tests, *places(step), *numbers])
    evidence: dict[str, Figure] = {"passes_a_step": passes, "optimizer": built.type}
    remedy = "Divide the loss by the number of micro-batches before calling backward."
    severity = "warning" if condition and not free else "note"
    yield Finding(NAME, severity, message, where, evidence, remedy, EXPLAINS, 0.85 if condition else 0.5)


def _reaches(graph: Graph, own: frozenset[int]) -> bool:
    return any(leaf.parameter in own for leaf in graph.leaves("parameter"))


def _is_divided(graph: Graph, scaled: bool) -> bool:
    """Whether something divides or multiplies the loss, or it is a sum over examples, before backward is called on it."""
    for ref in graph.seen.outputs:
        node: Node | None = graph.node(ref)
        if scaled and node.op == "mul" and not any(map(_is_number, node.args)):
            node = next(iter(graph.inputs(node)), None)  # by the scaler, which divides the gradients again
        while node is not None and not node.role:
            if node.op in ("div", "true_divide", "mul", "multiply", "divide", "floor_divide"):
                return True
            if graph.argument(node, 99, "reduction") == "sum" or node.op in ("sum", "add", "sub"):
                return node.op != "add" or any(_is_number(argument) for argument in node.args)
            sources = graph.inputs(node)
            node = sources[0] if node.op in ("to", "float", "clone", "squeeze", "view", "reshape", "getitem") else None
            node = node if sources else None
    return False


def _is_number(argument: object) -> bool:
    return isinstance(argument, int | float)


def _gradient_is_scaled(run: Run) -> bool:
    """Whether the source divides gradients by hand."""
    return any(_SCALED_GRADIENT.search(text) for text in run.sources.values())


def _counting(run: Run, step: CallSeen) -> list[ast.If]:
    """The conditions that count batches (`(i + 1) % k == 0`) around a step."""
    place = step.where
    if place is None:
        return []
    function = function_at(run, place)
    found: list[ast.If] = []
    for node in nodes(run, place.file):
        if isinstance(node, ast.If) and holds(node, place) and _counts(node.test):
            found += [node] if function is None or inside(node, function) else []
    return found


def _counts(test: ast.expr) -> bool:
    return any(
        (isinstance(part, ast.BinOp) and isinstance(part.op, ast.Mod))
        or (isinstance(part, ast.Name | ast.Attribute) and re.search(r"accum|sync", ast.unparse(part)))
        for part in ast.walk(test)
    )


def _numbers(run: Run, step: CallSeen, test: ast.If) -> list[Place]:
    """Where the number of micro-batches is set."""
    file = file_of(run, step.where.file) if step.where is not None else None
    if file is None:
        return []
    lines = [node for node in ast.walk(file.tree) if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod)]
    first, last = span(test.test)
    return [place for node in lines if first <= node.lineno <= last for place in traced(run, file, node.right)]


def _lost(
    effects: Effects,
    closed: list[Window],
    found: list[tuple[Window, tuple[Made, int]]],
    limits: Thresholds,
) -> Iterator[Finding]:
    """Backward passes of the accumulating line that are cleared before a step has used them."""
    line = found[0][1][0].call.call
    all_passes = lost = 0
    clear: Made | None = None
    for window in closed:
        pending = 0
        for one in window.made:
            if one.call.call == line:
                pending += one.count
                all_passes += one.count * window.weight
            elif one.call.kind == "scaler" and one.call.detail == "step":
                pending = 0  # used, even where the scaler skips the step because it has overflowed
            elif pending and effects.clears(one.call, window.optimizer):
                lost += pending * window.weight
                clear, pending = one, 0
    if clear is None or not lost or lost >= 0.5 * all_passes:
        return
    message = f"{lost} of {all_passes} backward passes are cleared before a step has used them, at the end of an epoch."
    evidence: dict[str, Figure] = {"backward_passes": all_passes, "lost": lost}
    remedy = "Step once more after the loop over batches, or let the window be a divisor of the number of batches."
    severity = "warning" if lost >= limits.lost * all_passes else "note"
    where = distinct([*places(clear, found[0][0].made[-1])])
    yield Finding(NAME, severity, message, where, evidence, remedy, ("optimisation.underfitting",), 0.8)


def mend(run: Run, finding: Finding, graph: Graph) -> Mend | None:
    """The loss divided by the number of micro-batches."""
    passes = finding.evidence.get("passes_a_step")
    if not isinstance(passes, int) or passes < 2:
        return None
    return Mend(f"loss divided by {passes}", (Edit(graph.seen.outputs[0].node, "scale", 1 / passes),))
