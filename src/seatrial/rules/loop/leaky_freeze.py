"""loop.leaky-freeze: what was meant to be frozen still changes.

## What it finds
A freeze that does not hold: `requires_grad` mistyped, set on a module instead of its parameters, compared instead of
assigned, or set on parameters by a name that none has; an optimizer that moves frozen weights by momentum or decay; batch
normalisation in a frozen part whose running statistics go on following the new data.

## Why it harms
What was learned before is slowly overwritten, which shows only when the old task is tried again.

## How it is recognised
By the lines that set requires_grad; by looks at steps that changed a parameter which was frozen at the time; and by recorded
training steps in which batch normalisation with frozen weights, trained or loaded before, uses the batch's own statistics.

## What it cannot see
A part that was meant to be frozen but for which no line says so.

## Faulty
```python
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(256, 8)
y = (x[:, 0] * x[:, 1] > 0).long()
body, head = nn.Sequential(nn.Linear(8, 32), nn.ReLU()), nn.Linear(32, 2)
for p in body.parameters():
    p.require_grad = False
optimizer = torch.optim.Adam([*body.parameters(), *head.parameters()], lr=1e-2)
for epoch in range(5):
    for rows in torch.randperm(256).split(32):
        optimizer.zero_grad()
        nn.functional.cross_entropy(head(body(x[rows])), y[rows]).backward()
        optimizer.step()
```

## Fixed
```python
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(256, 8)
y = (x[:, 0] * x[:, 1] > 0).long()
body, head = nn.Sequential(nn.Linear(8, 32), nn.ReLU()), nn.Linear(32, 2)
for p in body.parameters():
    p.requires_grad = False
optimizer = torch.optim.Adam(head.parameters(), lr=1e-2)
for epoch in range(5):
    for rows in torch.randperm(256).split(32):
        optimizer.zero_grad()
        nn.functional.cross_entropy(head(body(x[rows])), y[rows]).backward()
        optimizer.step()
```

## Thresholds
`looks`: so many looks at which a frozen parameter was changed by a step.

## References
PyTorch documentation, *Autograd mechanics: setting requires_grad*; *torch.nn.BatchNorm2d* on running statistics.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from seatrial.events import Look, ModelSeen, Node, Place
from seatrial.findings import Figure, Finding
from seatrial.history import Run
from seatrial.rules.freezing import slips
from seatrial.rules.graph import Graph
from seatrial.rules.parameters import Parameters, listed
from seatrial.rules.turns import stepping
from seatrial.rules.where import distinct

NAME = "loop.leaky-freeze"
EXPLAINS = ("loop.frozen-parameters", "optimisation.overfitting", "optimisation.update-ratio-off")


@dataclass(frozen=True, slots=True)
class Thresholds:
    """looks: a count. See the page."""

    looks: int = 2


def check(run: Run, limits: Thresholds) -> Iterator[Finding]:
    if not stepping(run):
        return
    yield from _by_slip(run)
    yield from _by_step(run, limits)
    yield from _by_statistics(run)


def _by_slip(run: Run) -> Iterator[Finding]:
    found = [slip for slip in slips(run) if slip.freezes]
    moving = [fate for fate in run.fates.values() if fate.requires_grad and fate.changed and fate.optimizers]
    if not found or not moving:
        return
    slip = found[0]
    how = {
        "mistyped": f"`{slip.text}` is no attribute that torch knows",
        "module": f"`{slip.text}` is set on a module, which does not pass it on",
        "compared": f"`{slip.text}` compares and sets nothing",
        "unnamed": f'no parameter has "{slip.text}" in its name',
    }[slip.kind]
    message = f"The line that is to freeze parameters freezes nothing, and they go on changing: {how}."
    evidence: dict[str, Figure] = {"line": run.line(slip.place), "parameters_that_change": len(moving)}
    remedy = "Set requires_grad = False on each of the parameters, or call requires_grad_(False) on the module."
    yield Finding(NAME, "error", message, distinct(s.place for s in found), evidence, remedy, EXPLAINS, 0.95)


def _by_step(run: Run, limits: Thresholds) -> Iterator[Finding]:
    frozen: dict[int, str] = {}
    moved: dict[int, list[int]] = {}
    holder: dict[int, int] = {}
    for event in run.events:
        if isinstance(event, ModelSeen):
            for info in event.parameters:
                if info.is_buffer or info.requires_grad:
                    frozen.pop(info.parameter, None)
                else:
                    frozen[info.parameter] = info.path
        elif isinstance(event, Look):
            for parameter in _moved(event):
                if parameter in frozen:
                    moved.setdefault(parameter, []).append(event.tick)
                    holder[parameter] = event.optimizer
    often = [parameter for parameter, ticks in moved.items() if len(ticks) >= limits.looks]
    if often:
        places = [run.optimizers[holder[p]].where for p in often if holder[p] in run.optimizers]
        names = [run.fates[p].path for p in often if p in run.fates]
        message = f"The optimizer goes on changing {len(often)} frozen parameters (momentum or decay): {listed(names)}."
        evidence: dict[str, Figure] = {"parameters": names, "looks": max(len(moved[p]) for p in often)}
        remedy = "Take frozen parameters out of the optimizer, or set their gradients to None."
        lines = [line for line in _freezing_lines(run) if line is not None]
        yield Finding(NAME, "error", message, distinct([*places, *lines]), evidence, remedy, EXPLAINS, 0.95)


def _moved(look: Look) -> list[int]:
    return [p for p, norm in zip(look.parameters, look.update_norm, strict=True) if norm > 0]


def _freezing_lines(run: Run) -> list[Place | None]:
    found: list[Place | None] = []
    for file, text in run.sources.items():
        for number, line in enumerate(text.splitlines(), 1):
            bare = line.replace(" ", "")
            if "requires_grad=False" in bare or "requires_grad_(False)" in bare:
                found.append(Place(file, number))
    return found


def _by_statistics(run: Run) -> Iterator[Finding]:
    known = Parameters(run)
    moving: dict[int, tuple[Node, str]] = {}
    steady: set[int] = set()
    for graph in known.graphs:
        for node in graph.calls("batch_norm"):
            weight = _frozen_weight(run, graph, node)
            if weight is None:
                continue
            if _uses_batch(graph, node):
                moving[weight] = (node, run.fates[weight].path)
            else:
                steady.add(weight)
    found = {weight: item for weight, item in moving.items() if weight not in steady}
    if found:
        names = [path.rpartition(".")[0] or path for _, path in found.values()]
        message = (
            f"{len(found)} batch normalisations are frozen but in training mode, so their running statistics move on: "
            f"{listed(names)}."
        )
        evidence: dict[str, Figure] = {"modules": names}
        remedy = "Call eval() on the frozen part after each train() of the whole."
        modes = [call.where for call in run.calls_of("mode") if call.detail == "train"]
        where = distinct([*modes, *_freezing_lines(run), *(known.built(weight) for weight in list(found)[:1])])
        yield Finding(NAME, "warning", message, where, evidence, remedy, EXPLAINS, 0.7)


def _frozen_weight(run: Run, graph: Graph, node: Node) -> int | None:
    """The weight of a batch normalisation that was trained or loaded before and is frozen for good: not in turns with
    its training (as a discriminator is in its generator's steps), nor moved by other means (the mean of another one)."""
    leaf = graph.source(node, 3, "weight")
    if leaf is None or leaf.parameter < 0 or leaf.outputs[0].requires_grad:
        return None
    fate = run.fates.get(leaf.parameter)
    if fate is None or fate.requires_grad:
        return None
    uses = [
        (g.tick, n.outputs[0].requires_grad)
        for g in run.training_graphs
        for n in g.nodes
        if n.parameter == leaf.parameter
    ]
    asked, held = [tick for tick, asks in uses if asks], [tick for tick, asks in uses if not asks]
    trained = bool(asked) or _asked(run, leaf.parameter)
    if (fate.changed and not trained) or not (fate.changed or fate.loaded):
        return None
    return None if asked and max(asked) >= min(held) else leaf.parameter


def _asked(run: Run, parameter: int) -> bool:
    """Whether a parameter was ever seen to ask for gradients."""
    infos = (info for seen in run.every(ModelSeen) for info in seen.parameters if info.parameter == parameter)
    return any(info.requires_grad for info in infos)


def _uses_batch(graph: Graph, node: Node) -> bool:
    return graph.argument(node, 5, "training", False) is True
