"""Softmax or log-softmax normalises over the wrong axis.

## What it finds
A softmax over an axis of size one (all weights are 1); attention weights that are normalised over another axis than the one over
which they are summed with the values; class probabilities that are normalised over the examples of the batch, or over another axis
than the one that the loss takes for the classes; a softmax without `dim`, where torch guesses.

## Why it harms
Over the batch, the answer for one example depends on which others happen to be with it, and probabilities of one example do not
sum to 1. Over the wrong axis of an attention the weights of a query do not sum to 1. Over an axis of size one nothing is weighted
and what computes the scores gets no gradient.

## How it is recognised
The axis is followed through transposes and reshapes to where the result is used: the axis that a matrix product, an einsum or a
product followed by a sum contracts; the class axis of the loss. Weights that are renormalised afterwards (slot attention), soft
assignments to clusters that do not come from comparing queries with keys (NetVLAD, DiffPool), and similarities of a batch
with itself (contrastive losses) are left alone.

## What it cannot see
Axes that cannot be followed (indexing by tensors, equal sizes folded into each other).

## Faulty
```python
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(256, 8)
y = (x @ torch.randn(8, 4)).argmax(1)
model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 4), nn.LogSoftmax(dim=0))
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
for epoch in range(10):
    for rows in torch.randperm(256).split(32):
        loss = nn.functional.nll_loss(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(loss.item())
```

## Fixed
```python
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(256, 8)
y = (x @ torch.randn(8, 4)).argmax(1)
model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 4), nn.LogSoftmax(dim=1))
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
for epoch in range(10):
    for rows in torch.randperm(256).split(32):
        loss = nn.functional.nll_loss(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(loss.item())
```

## Thresholds
`tolerance`: greatest log-sum-exp over the classes that counts as 0.

## References
Vaswani et al., Attention Is All You Need, 2017 (weights of a query sum to 1 over the keys); Locatello et al., Object-Centric Learning
with Slot Attention, 2020.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace

from seatrial.events import Node
from seatrial.findings import Edit, Finding, Mend
from seatrial.history import Run
from seatrial.rules.contraction import is_product_of_activations, uses
from seatrial.rules.graph import SHAPE_OPS, Graph
from seatrial.rules.patterns import DROPOUTS, RESHAPES, Softmax, carry, merged_into, shape, softmax_at, wants_gradient
from seatrial.rules.where import lines

NAME = "model.softmax-wrong-dimension"
EXPLAINS = (
    "model.nll-without-log-softmax",
    "model.examples-mixed",
    "model.initial-loss-off",
    "model.unused-parameters",
    "model.constant-output",
    "optimisation.underfitting",
    "optimisation.loss-not-decreasing",
    "optimisation.cannot-overfit-subset",
    "optimisation.vanishing-gradient",
)
_TO_LOSS = SHAPE_OPS | DROPOUTS | frozenset(["log", "add", "mul", "neg", "clamp", "clamp_min", "rsub", "sub"])
_CLASS_LOSSES = ("nll_loss", "nll_loss_nd", "cross_entropy")
_TARGET_LOSSES = ("binary_cross_entropy", "mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss", "kl_div")


@dataclass(frozen=True)
class Thresholds:
    """tolerance: greatest absolute log-sum-exp (nats) of log-probabilities over the classes."""

    tolerance: float = 0.05


def check(run: Run, limits: Thresholds) -> Iterator[Finding]:
    """Softmaxes over a wrong axis, once for each line."""
    said: set[object] = set()
    growing = _sizes(run)
    for seen in run.training_graphs:
        graph = Graph(seen)
        for node in graph:
            softmax = softmax_at(graph, node) if wants_gradient(node) else None
            if softmax is None or (node.where, node.module) in said:
                continue
            wrong = _over_one(graph, softmax, growing) or _at_loss(graph, softmax, limits) or _at_values(graph, softmax)
            mixing = _mixing(run, graph, softmax) if wrong is None else None
            if wrong is not None or mixing is not None:
                said.add((node.where, node.module))
            if wrong is not None:
                yield _finding(run, graph, softmax, *wrong)
            elif mixing is not None:  # what it is for is not known: that examples are mixed is said beside it
                apart = tuple(name for name in EXPLAINS if name != "model.examples-mixed")
                yield replace(_finding(run, graph, softmax, *mixing), explains=apart)


def _sizes(run: Run) -> dict[object, int]:
    """The greatest size of the axis at each line, over all graphs: an attention over what grows may begin at one."""
    sizes: dict[object, int] = {}
    for seen in run.graphs:
        graph = Graph(seen)
        for node in graph:
            softmax = softmax_at(graph, node)
            if softmax is not None and shape(node):
                key = (node.where, node.op)
                sizes[key] = max(sizes.get(key, 0), shape(node)[softmax.axis])
    return sizes


def _over_one(graph: Graph, softmax: Softmax, sizes: dict[object, int]) -> tuple[str, float] | None:
    sized = shape(softmax.node)
    if len(sized) < 2 or sizes.get((softmax.node.where, softmax.node.op), 0) != 1:
        return None
    met = uses(graph, softmax)
    if any(use.fits or use.renormalised for use in met):
        return None
    if not met and len(sized) > 2:
        return None
    if all(size == 1 for axis, size in enumerate(sized) if axis > 0) and met:
        return None
    return (
        f"normalises over axis {softmax.axis} of {list(sized)}, which has size one, so that every result is constant",
        0.97,
    )


def _at_loss(graph: Graph, softmax: Softmax, limits: Thresholds) -> tuple[str, float] | None:
    """Class probabilities: is the axis the one that the loss takes for the classes, and not the batch?"""
    for node, axis, whole, loss in _losses(graph, softmax):
        sized = shape(node)
        if loss.op in _CLASS_LOSSES:
            classes = 1 if len(sized) > 1 else 0
            normalised = node.stats.get("class_logsumexp_absmax", 1.0) <= limits.tolerance
            sums = abs(node.stats.get("class_sum_min", 0) - 1) + abs(node.stats.get("class_sum_max", 0) - 1)
            if axis is not None and axis != classes and not normalised and sums > 0.02 and sized[axis] > 1:
                where = f"axis {axis} of {list(sized)}"
                if not whole:
                    where = (
                        f"axis {softmax.axis} of {list(shape(softmax.node))}, a part of axis {axis} of {list(sized)}"
                    )
                return f"normalises over {where}, but the loss takes axis {classes} for the classes", 0.97
        elif (
            whole
            and axis == 0
            and _over_batch(graph, softmax, sized)
            and not is_product_of_activations(graph, softmax.scores)
        ):
            return (
                f"normalises over axis 0 of {list(sized)}, the examples of the batch, instead of over the classes",
                0.95,
            )
    return None


def _losses(graph: Graph, softmax: Softmax) -> Iterator[tuple[Node, int | None, bool, Node]]:
    """The losses and the meetings with targets that a result reaches, with the axis that the softmax's has become there; not
    whole where it lies in that one with others."""
    todo: list[tuple[Node, int | None, bool]] = [(softmax.node, softmax.axis, True)]
    known: set[int] = set()
    while todo:
        node, axis, whole = todo.pop()
        for consumer in graph.consumers(node):
            first = graph.source(consumer, 0, "input")
            if (consumer.op in _CLASS_LOSSES + _TARGET_LOSSES and first is not None and first.index == node.index) or (
                consumer.op in ("mul", "sub") and _meets_target(graph, consumer, node)
            ):
                yield node, axis, whole, consumer
            elif consumer.op in _TO_LOSS and consumer.index not in known:
                known.add(consumer.index)
                todo.append((consumer, *_carried(graph, consumer, node, axis, whole)))


def _carried(graph: Graph, consumer: Node, node: Node, axis: int | None, whole: bool) -> tuple[int | None, bool]:
    if axis is None:
        return None, whole
    found = carry(graph, consumer, node, axis)
    if found is None and consumer.op in RESHAPES:
        return merged_into(consumer, node, axis), False
    return found, whole


def _meets_target(graph: Graph, consumer: Node, node: Node) -> bool:
    others = [other for other in graph.inputs(consumer) if other.index != node.index]
    return any(other.role == "target" and shape(other) == shape(node) for other in others)


def _over_batch(graph: Graph, softmax: Softmax, sized: tuple[int, ...]) -> bool:
    """Whether axis 0 is the batch: as long as the inputs' first axis, and something stands beside it."""
    lengths = Counter(shape(leaf)[0] for leaf in graph.leaves("input") if shape(leaf))
    batch = lengths.most_common(1)[0][0] if lengths else 0
    beside = max(sized[1:], default=1)
    return softmax.axis == 0 and batch > 1 and sized[0] == batch and beside > 1


def _at_values(graph: Graph, softmax: Softmax) -> tuple[str, float] | None:
    """Weights: is the axis the one over which they are summed with the values?"""
    if softmax.log:
        return None
    met = uses(graph, softmax)
    misfits = [use for use in met if not use.fits and not use.renormalised]
    if not misfits or any(use.fits for use in met):
        return None
    sized = shape(softmax.node)
    compared = is_product_of_activations(graph, softmax.scores)
    over_batch = _over_batch(graph, softmax, sized) and all(use.axis == 0 for use in misfits)
    if any(use.renormalised for use in met) or not (compared or over_batch):
        return None
    if compared and not over_batch and any(use.axis is None for use in misfits):
        return None
    summed = misfits[0].summed
    return (
        f"normalises over axis {softmax.axis} of {list(sized)}, but the weights are summed over axis {summed[0]}",
        0.93,
    )


def _mixing(run: Run, graph: Graph, softmax: Softmax) -> tuple[str, float] | None:
    """An experiment found that this is where examples of a batch first influence each other."""
    for probe in run.probes("mixing"):
        if probe.node != softmax.node.index or probe.call != graph.seen.call or probe.tick != graph.seen.tick:
            continue
        sized = shape(softmax.node)
        kept = any(shape(graph.node(ref))[:1] == sized[:1] for ref in graph.seen.predictions)
        if probe.share > 0 and kept and _over_batch(graph, softmax, sized):
            return f"normalises over axis 0 of {list(sized)}: the answer for one example depends on the others", 0.95
    return None


def _finding(run: Run, graph: Graph, softmax: Softmax, what: str, confidence: float) -> Finding:
    name = "log_softmax" if softmax.log else softmax.node.op if softmax.node.op != "div" else "softmax"
    guessed = " (no dim was given, torch chose it)" if softmax.implicit else ""
    evidence = {
        "axis": softmax.axis,
        "shape": [float(size) for size in shape(softmax.node)],
        "dim_given": not softmax.implicit,
    }
    remedy = "Name the axis: the classes for a classifier, the keys (over which values are summed) for an attention."
    where = lines(run, softmax.node)
    return Finding(NAME, "error", f"The {name} {what}{guessed}.", where, evidence, remedy, EXPLAINS, confidence)


def _class_axis(graph: Graph, softmax: Softmax) -> int:
    """The axis of the scores that becomes the one which the loss takes for the classes."""
    for axis in range(len(shape(softmax.node))):
        for node, found, whole, _ in _losses(graph, replace(softmax, axis=axis)):
            if whole and found == (1 if len(shape(node)) > 1 else 0):
                return axis
    return 1


def mend(run: Run, finding: Finding, graph: Graph) -> Mend | None:
    """The axis over which what follows needs it."""
    for node in graph:
        softmax = softmax_at(graph, node) if wants_gradient(node) else None
        if softmax is None or node.op not in ("softmax", "log_softmax"):
            continue
        if _at_loss(graph, softmax, Thresholds()):
            return Mend("softmax over the classes", (Edit(node.index, "set", _class_axis(graph, softmax), "dim"),))
        if _at_values(graph, softmax) or _over_one(graph, softmax, _sizes(run)):
            summed = [use.summed[0] for use in uses(graph, softmax) if not use.fits and not use.renormalised]
            return (
                Mend(f"softmax over axis {summed[0]}", (Edit(node.index, "set", summed[0], "dim"),)) if summed else None
            )
    return None
