"""model.symmetric-initialisation: units of a layer start equal and so stay equal.

## What it finds
Weights that are filled with zeros or with one constant, so that all units of a layer compute the same and get the
same gradient for ever; and products in which every factor starts at zero, so that none of them ever gets a
gradient.

## Why it harms
A layer of equal units is a layer with one unit. The loss falls a little, as far as one unit and the biases take it.

## How it is recognised
A weight matrix whose rows (or columns) were equal when the model was first seen, whose values an optimizer steps
on, and whose rows (or columns) still are equal to rounding at the end; or a matrix of zeros that has a gradient and
yet never moved. Zero starts that move apart are as they should be and are not touched: last layers, the second
factor of low-rank adapters, transition scores, gates of residual branches.

## What it cannot see
A constant start that dropout, biases or noise have driven far apart. Where they have done so a little, two constant
layers in a row are still named.

## Faulty
```python
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(256, 8)
y = (x[:, 0] * x[:, 1] > 0).long()
model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 2))
for layer in model:
    if isinstance(layer, nn.Linear):
        nn.init.constant_(layer.weight, 0.1)
        nn.init.zeros_(layer.bias)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for epoch in range(10):
    for rows in torch.randperm(256).split(32):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
        loss.backward()
        optimizer.step()
```

## Fixed
```python
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(256, 8)
y = (x[:, 0] * x[:, 1] > 0).long()
model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 2))
for layer in model:
    if isinstance(layer, nn.Linear):
        nn.init.kaiming_normal_(layer.weight)
        nn.init.zeros_(layer.bias)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for epoch in range(10):
    for rows in torch.randperm(256).split(32):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
        loss.backward()
        optimizer.step()
```

## Thresholds
Deviations are relative to the largest weight. Equal units drift apart only by rounding, far below 1e-4.

## References
Goodfellow, Bengio, Courville, *Deep Learning*, section 8.4. Glorot and Bengio (2010).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from seatrial.events import Node, ParameterFate, ParameterInfo, Place
from seatrial.findings import Finding, Mend, Severity
from seatrial.history import Run
from seatrial.rules.graph import SHAPE_OPS, WEIGHT_OPS, Graph
from seatrial.rules.parameters import Parameters, listed
from seatrial.rules.uses import lines_calling
from seatrial.rules.where import distinct

NAME = "model.symmetric-initialisation"
CONSTANTS = frozenset("constant_ zeros_ ones_ fill_ zero_ zeros ones full zeros_like ones_like full_like".split())
EXPLAINS = (
    "model.constant-output",
    "model.bad-initial-scale",
    "model.dead-units",
    "optimisation.loss-not-decreasing",
    "optimisation.underfitting",
    "optimisation.vanishing-gradient",
    "optimisation.cannot-overfit-subset",
    "optimisation.update-ratio-off",
)


@dataclass(frozen=True, slots=True)
class Thresholds:
    """start, end: greatest deviation among units relative to the largest weight (float32 keeps equal units equal to
    about 1e-6 a step; random ones deviate by 1); `drifted`: up to which two constant layers in a row are named too.
    steps: optimizer steps in which zero starts would have moved apart."""

    start: float = 1e-6
    end: float = 1e-4
    drifted: float = 0.4
    steps: int = 5


def check(run: Run, limits: Thresholds) -> Iterator[Finding]:
    if run.ended is None or run.ended.optimizer_steps < limits.steps:
        return
    known = Parameters(run)
    weights = weights_used(known)
    trained = [
        (fate, known.first[fate.parameter][1])
        for fate in run.fates.values()
        if fate.parameter in known.first and fate.requires_grad and fate.optimizers and fate.had_gradient
        if not weights or fate.parameter in weights
    ]
    equal = [(fate, start) for fate, start in trained if stays_equal(fate, start, limits)]
    if equal:
        yield _finding(run, known, equal, "error", 0.95)
        return
    drifting = [(fate, start) for fate, start in trained if drifts_apart(fate, start, limits)]
    if any(in_a_row(graph, {fate.parameter for fate, _ in drifting}) for graph in known.graphs[:1]):
        yield _finding(run, known, drifting, "warning", 0.8)


def weights_used(known: Parameters) -> frozenset[int]:
    """Parameters that meet activations as weights in a recorded step (not norms, gates or tables of scores)."""
    return frozenset(
        leaf.parameter for graph in known.graphs for leaf in graph.leaves("parameter") if _is_weight(graph, leaf)
    )


def _is_weight(graph: Graph, leaf: Node) -> bool:
    todo = [leaf]
    while todo:
        for consumer in graph.consumers(todo.pop()):
            if consumer.op in WEIGHT_OPS:
                return True
            if consumer.op in SHAPE_OPS or consumer.op in ("mul", "div"):
                todo.append(consumer)
    return False


def stays_equal(fate: ParameterFate, start: ParameterInfo, limits: Thresholds) -> bool:
    """Whether units that began equal still are, or zeros never moved."""
    if len(start.shape) < 2 or min(start.shape[:2]) < 2:
        return False
    zero = start.stats.get("absmax", 1.0) == 0.0
    if zero and not fate.changed:
        return True
    if not fate.changed:
        return False
    rows = start.stats.get("row_spread", 1.0) <= limits.start and fate.row_spread <= limits.end
    columns = start.stats.get("column_spread", 1.0) <= limits.start and fate.column_spread <= limits.end
    return rows or columns


def drifts_apart(fate: ParameterFate, start: ParameterInfo, limits: Thresholds) -> bool:
    """Whether a matrix began as one constant and is still near to it: only biases, dropout or noise tell its units
    apart."""
    if len(start.shape) < 2 or min(start.shape[:2]) < 2:
        return False
    spreads = [start.stats.get(name, 1.0) for name in ("row_spread", "column_spread")]
    return max(spreads) <= limits.start and max(fate.row_spread, fate.column_spread) <= limits.drifted


def in_a_row(graph: Graph, weights: set[int]) -> bool:
    """Whether one of the weights comes after another one, as hidden layers do."""
    leaves = [leaf for leaf in graph.leaves("parameter") if leaf.parameter in weights]
    return any(
        other is not leaf
        and any(each.index in graph.downstream(leaf) for each in graph.consumers(other) if each.op in WEIGHT_OPS)
        for leaf in leaves
        for other in leaves
        if not any(each in graph.consumers(leaf) for each in graph.consumers(other))
    )


def _finding(
    run: Run,
    known: Parameters,
    equal: list[tuple[ParameterFate, ParameterInfo]],
    severity: Severity,
    confidence: float,
) -> Finding:
    names = listed(fate.path for fate, _ in equal)
    still = all(not fate.changed for fate, _ in equal)
    what = (
        "are zero and never moved, since their gradient is zero"
        if still
        else "started with equal units and still have them"
    )
    built = [known.built(fate.parameter) for fate, _ in equal]
    evidence: dict[str, object] = {
        "parameters": [fate.path for fate, _ in equal],
        "row_spread_at_end": [fate.row_spread for fate, _ in equal],
        "steps": run.ended.optimizer_steps if run.ended else 0,
    }
    return Finding(
        NAME,
        severity,
        f"The weights {names} {what}.",
        distinct([*constant_lines(run, built), *built]),
        {key: value for key, value in evidence.items() if isinstance(value, list | int)},
        "Initialise weights at random (torch's default, Kaiming or Xavier); constants are for biases and norms.",
        EXPLAINS,
        confidence,
    )


def constant_lines(run: Run, built: list[Place | None]) -> list[Place]:
    """Lines that fill tensors with a constant: those on which the layer itself is built, then those that name a
    weight, then the rest but for biases."""
    own = {(place.file, place.line) for place in built if place is not None}
    ranked: list[tuple[int, Place]] = []
    for place, _ in lines_calling(run, CONSTANTS):
        text = run.line(place)
        if "bias" in text and "weight" not in text:
            continue
        at_home = (place.file, place.line) in own
        initialising = "init." in text or "weight" in text or "Parameter" in text or ".data" in text
        if at_home or initialising:
            ranked.append((0 if at_home else 1, place))
    return [place for _, place in sorted(ranked, key=lambda item: item[0])]


def mend(run: Run, finding: Finding, graph: Graph) -> Mend | None:
    """Weights as torch draws them."""
    return Mend("weights drawn as torch draws them", fresh=True)
