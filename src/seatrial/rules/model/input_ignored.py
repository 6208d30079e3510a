"""model.input-ignored: part of the input has no influence on the output.

## What it finds
A wrong slice, a branch that reads the other branch's variable, an argument that the forward pass does not use, an
inverted mask.

## Why it harms
What the network does not get it cannot use; training goes on without complaint and ends worse than it should.

## How it is recognised
By an experiment after the run: the recorded step is replayed with changed elements of each input, and the share of
elements of which no change reaches the output is measured. Also, a floating input of the model that no part of the
recorded step takes.

## What it cannot see
Parts that are meant to be left out; a share as small as the rest of a stride is not named.

## Faulty
```python
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(256, 8)
y = (x[:, 0] + x[:, 6] > 0).long()


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.left = nn.Linear(4, 16)
        self.right = nn.Linear(4, 16)
        self.out = nn.Linear(32, 2)

    def forward(self, x):
        left = torch.relu(self.left(x[:, :4]))
        right = torch.relu(self.right(x[:, :4]))
        return self.out(torch.cat([left, right], 1))


model = Net()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
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
y = (x[:, 0] + x[:, 6] > 0).long()


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.left = nn.Linear(4, 16)
        self.right = nn.Linear(4, 16)
        self.out = nn.Linear(32, 2)

    def forward(self, x):
        left = torch.relu(self.left(x[:, :4]))
        right = torch.relu(self.right(x[:, 4:]))
        return self.out(torch.cat([left, right], 1))


model = Net()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
for epoch in range(10):
    for rows in torch.randperm(256).split(32):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
        loss.backward()
        optimizer.step()
```

## Thresholds
Strides and pooling leave out at most the last row and column, a few percent; positions that are chosen on purpose
are few.

## References
Karpathy, *A Recipe for Training Neural Networks*: "use backprop to chart dependencies".
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from math import prod

from seatrial.events import BatchSeen, Node, Place
from seatrial.findings import Finding
from seatrial.history import Run
from seatrial.numbers import percent
from seatrial.rules import where
from seatrial.rules.graph import Graph
from seatrial.rules.patterns import integral, shape
from seatrial.rules.uses import Method, methods

NAME = "model.input-ignored"
PARTS = frozenset("getitem narrow select chunk split unbind index_select masked_fill mul where".split())
MAXIMA = frozenset(
    "relu max max_pool1d max_pool2d max_pool3d amax topk adaptive_max_pool1d adaptive_max_pool2d".split()
)
# Calls through which no gradient comes although the value does.
STEPS = frozenset("round floor ceil sign argmax argmin lt gt le ge eq ne bucketize searchsorted one_hot".split())


@dataclass(frozen=True, slots=True)
class Thresholds:
    """share: of an input's features that reach nothing, 0..1 (a stride that does not fit leaves out less). whole:
    share from which on the cause is not a wrong part but a dead or cut network. examples: in a batch, below which
    the largest of a few may leave features out by chance."""

    share: float = 0.12
    whole: float = 0.999
    examples: int = 8


def check(run: Run, limits: Thresholds) -> Iterator[Finding]:
    for probe in run.probes("ignored"):
        graph = next((Graph(g) for g in run.graphs if g.tick == probe.tick and g.call == probe.call), None)
        if graph is None or not limits.share <= probe.share < limits.whole or probe.node < 0:
            continue
        leaf = graph.node(probe.node)
        if leaf.role == "input" and tells(graph, leaf, probe.detail, limits):
            yield _part_ignored(run, leaf, cutting(graph, leaf), probe.share)
            return
    yield from _arguments(run)


# ---- a part of an input ------------------------------------------------------------------------------------------


def tells(graph: Graph, leaf: Node, detail: str, limits: Thresholds) -> bool:
    """Whether the experiment speaks of this input: no rounding on the way, no padding that is masked on purpose."""
    later = [graph.node(index) for index in graph.downstream(leaf)]
    if _is_target_too(graph, leaf) or _is_forced(graph, leaf, detail) or any(_at_random(graph, node) for node in later):
        return False
    if not integral(leaf):
        if any(node.op in STEPS or (integral(node) and node.op != "leaf") for node in later):
            return False
        if shape(leaf)[0] < limits.examples and any(node.op in MAXIMA for node in later):
            return False
    return not (trailing(detail) and masked(graph, leaf, later))


def _is_target_too(graph: Graph, leaf: Node) -> bool:
    """Whether a part of the same data is the target, as the next words of a text are: of that size and kind, and cut out."""
    return any(
        target.outputs[0].dtype == leaf.outputs[0].dtype
        and shape(leaf)[0] * (shape(leaf)[1] - 1) == prod(shape(target))
        and any(step.split("@")[0] in PARTS | {"roll"} for step in target.origin)
        for target in graph.leaves("target")
    )


def _is_forced(graph: Graph, leaf: Node, detail: str) -> bool:
    """Teacher forcing: a decoder is given the words that it is to say, one place later, so that it never reads the last."""
    last = shape(leaf)[1] - 1
    if not integral(leaf) or not (detail.endswith(f"tried: [{last}]") or trailing(detail)):
        return False
    sizes = {prod(shape(leaf)), shape(leaf)[0] * last}
    return any(integral(target) and prod(shape(target)) in sizes for target in graph.leaves("target"))


def _at_random(graph: Graph, node: Node) -> bool:
    """Whether a call takes a part that was drawn in this step, as masked autoencoders do."""
    chosen = graph.inputs(node)[1:] if node.op in PARTS else []
    return any(graph.node(at).random for pick in chosen if integral(pick) for at in (pick.index, *graph.upstream(pick)))


def trailing(detail: str) -> bool:
    """Whether the ignored features are the last ones, as padding is: "6 of 20 features, from 14 to 19"."""
    numbers = re.match(r"(\d+) of (\d+) features, from (\d+) to (\d+)", detail)
    if numbers is None:
        return False
    count, whole, first, last = map(int, numbers.groups())
    return last == whole - 1 and last - first + 1 == count


def masked(graph: Graph, leaf: Node, later: list[Node]) -> bool:
    """Whether lengths, masks or positions from the data choose what counts."""
    return any(
        node.op
        in ("masked_fill", "where", "_pack_padded_sequence", "gather", "getitem", "mul", "scaled_dot_product_attention")
        and any(
            source.role in ("input", "target", "constant") and source.index != leaf.index and shape(source)
            for source in graph.inputs(node)
        )
        for node in later
    )


def cutting(graph: Graph, leaf: Node) -> list[Node]:
    """Calls that take only a part of an input: slices, masks, choices of channels."""
    found = [graph.node(index) for index in sorted(graph.downstream(leaf))]
    near = [node for node in found if node.index not in graph.depends_on_parameters or node.op == "getitem"]
    return [node for node in near if node.op in PARTS] or found[:1]


def _part_ignored(run: Run, leaf: Node, calls: list[Node], share: float) -> Finding:
    name = f"`{leaf.name}` " if leaf.name else ""
    message = f"{percent(share)} of the input {name}of shape {list(shape(leaf))} has no influence on the output."
    places: list[Place | None] = [*(node.where for node in _same_part(calls)), *where.lines(run, *calls), leaf.where]
    evidence = {"ignored_share": share, "shape": [float(size) for size in shape(leaf)]}
    remedy = "Check slices, masks and variable names on the way of this input, or do not pass what is not used."
    return Finding(NAME, "warning", message, where.distinct(places)[:4], dict(evidence), remedy, (), 0.75)


def _same_part(calls: list[Node]) -> list[Node]:
    """Of calls that take the very same part, the later ones: most likely the copied line."""
    return [
        node
        for place, node in enumerate(calls)
        if any(node.op == other.op and node.args == other.args and node.where != other.where for other in calls[:place])
    ]


# ---- an argument that the forward pass does not use --------------------------------------------------------------


def _arguments(run: Run) -> Iterator[Finding]:
    """Arguments of the only model's forward that its text does not read before it writes them, and of which no
    recorded step holds a tensor."""
    if len(run.models) != 1 or not run.training_graphs:
        return
    model = next(iter(run.models.values()))
    forward = next((each for each in methods(run) if each.owner == model.type and each.name == "forward"), None)
    if forward is None or not isinstance(forward.node, ast.FunctionDef):
        return
    given = [batch for batch in run.batches if batch.role == "input" and batch.phase == "training"]
    names = [argument.arg for argument in forward.node.args.args][1:]
    for position in sorted({batch.position for batch in given}):
        batches = [batch for batch in given if batch.position == position]
        if position < len(names) and not read(forward, names[position]) and absent(run, batches, given):
            yield _argument_ignored(run, forward, names, position)
            return


def read(method: Method, name: str) -> bool:
    """Whether a function's text reads an argument before it gives the name another value."""
    uses = [node for node in ast.walk(method.node) if isinstance(node, ast.Name) and node.id == name]
    uses.sort(key=lambda node: (node.lineno, isinstance(node.ctx, ast.Store)))
    return bool(uses) and isinstance(uses[0].ctx, ast.Load)


def absent(run: Run, batches: list[BatchSeen], given: list[BatchSeen]) -> bool:
    """Whether no recorded step holds a tensor of this argument's shape beyond those of the other arguments."""
    for seen in run.training_graphs:
        shapes = [shape(leaf) for leaf in Graph(seen).leaves("input", "target", "constant")]
        for batch in (batch for batch in batches if batch.tick == seen.tick):
            alike = {other.position for other in given if other.tick == seen.tick and other.shape == batch.shape}
            if shapes.count(batch.shape) >= len(alike):
                return False
    return bool(batches)


def _argument_ignored(run: Run, forward: Method, names: list[str], position: int) -> Finding:
    head = forward.place(forward.node)
    others = [
        Place(head.file, node.lineno, "forward")
        for node in ast.walk(forward.node)
        if isinstance(node, ast.Name) and node.id in names and isinstance(node.ctx, ast.Load)
    ]
    others.sort(key=lambda place: place.line)
    message = f"The forward pass is given `{names[position]}` but never reads it."
    remedy = "Use the argument where it belongs, or do not pass it."
    places = where.distinct([head, *reversed(others)])[:4]
    return Finding(NAME, "warning", message, places, {"argument": names[position]}, remedy, (), 0.8)
