"""model.detached-graph: part of the network is cut off from the loss, so it does not learn.

## What it finds
Parameters that an optimizer holds and that compute the loss, but to which no gradient flows back: somewhere on the
way stands a `detach()`, `.data`, `torch.no_grad()`, `argmax`, `item()`, a trip through NumPy, or a function whose slope is zero
everywhere (`round`, `sign`). Also a loss that is itself cut off from everything, and made to accept `backward()` by `requires_grad = True`. And a state that is
detached at every step of a loop over a sequence.

## Why it harms
Autograd follows only what it recorded. Behind the cut, parameters keep their random start; the rest of the network
learns to make do with it, so the loss still falls and nothing warns. A recurrent cell whose state is detached before
each step gets a gradient for what it does with one input, and none for what it keeps.

## How it is recognised
In the recorded training steps the parameter's value reaches the loss, but on no path along which gradients were
recorded, in any step; and by the end of the run it never had a gradient nor changed. The line is that of the
call at which the path loses its gradient. Behind a function of zero slope every gradient that was looked at has to be zero. Where the value left torch altogether, the step does not hold the
parameter; then the lines of the class that convert (`numpy`, `item`, `torch.tensor`) are named.
Parameters that change by other means (moving averages, periodic copies), that are loaded from a checkpoint, frozen
or in no optimizer are passed over: target networks, teachers and frozen backbones are meant to be cut off.
A loop over a sequence: a recorded step uses the same weights three times or more, each time on what came of the time
before, and between no two of them passes a gradient; and either what is cut is the state of recurrent cells, or all
calls but the last reach the loss by no gradient at all, though each is given data of its own.

## What it cannot see
A cut on one of several paths: stop-gradient branches, straight-through estimators and truncated
back-propagation between chunks of several steps are of that kind, and right.

## Faulty
```python
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(256, 8)
y = (x[:, 0] * x[:, 1] > 0).long()


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(8, 32), nn.ReLU())
        self.head = nn.Linear(32, 2)

    def forward(self, x):
        features = self.encoder(x).detach()
        return self.head(features)


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
y = (x[:, 0] * x[:, 1] > 0).long()


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(8, 32), nn.ReLU())
        self.head = nn.Linear(32, 2)

    def forward(self, x):
        features = self.encoder(x)
        return self.head(features)


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
None but a least number of optimizer steps: what is said follows exactly from the graph.

## References
PyTorch documentation, *Autograd mechanics: locally disabling gradient computation*.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from seatrial.events import Node, ParameterFate, Place
from seatrial.findings import Edit, Finding, Mend
from seatrial.history import Run
from seatrial.rules.graph import WEIGHT_OPS, Graph
from seatrial.rules.parameters import Parameters, listed
from seatrial.rules.recurrence import Chain, cut_chains, states, unheard
from seatrial.rules.uses import ARRAYS, CONVERSIONS, around, calls, forward_uses, gradients_off, rewrapped
from seatrial.rules.where import distinct

NAME = "model.detached-graph"
# Functions that are flat between their jumps: autograd follows them, with a slope of zero.
STEPS = frozenset(["round", "floor", "ceil", "trunc", "fix", "sign", "sgn", "heaviside"])
EXPLAINS = (
    "model.unused-parameters",
    "loop.missing-backward",
    "model.constant-output",
    "model.input-ignored",
    "optimisation.loss-not-decreasing",
    "optimisation.underfitting",
    "optimisation.cannot-overfit-subset",
    "optimisation.update-ratio-off",
)


@dataclass(frozen=True, slots=True)
class Thresholds:
    """steps: optimizer steps before "never had a gradient" means something; warm-up phases may freeze a part
    shortly."""

    steps: int = 5


def check(run: Run, limits: Thresholds) -> Iterator[Finding]:
    known = Parameters(run)
    if run.ended is None or run.ended.optimizer_steps < limits.steps:
        return
    idle = [fate for fate in known.idle if fate.optimizers]
    cut = [fate for fate in idle if fate.parameter in known.recorded] + penalised_only(known)
    if cut:
        yield _from_graph(run, known, cut)
        return
    for graph in known.graphs:
        for chain in cut_chains(graph):
            if states(chain) or unheard(graph, chain):
                yield _state_cut(run, known, chain)
                return
    if flat := behind_steps(known):
        yield _flat(*flat)
        return
    if lost := loss_without_parameters(known):
        yield _lost_loss(run, lost, idle)
        return
    converted = {fate.parameter: places for fate in idle if (places := conversions(run, known, fate))}
    if converted:
        names = listed(fate.path for fate in idle if fate.parameter in converted)
        places = distinct(place for found in converted.values() for place in found)
        message = (
            f"The values of {names} leave torch before they reach the loss, so these parameters never get a gradient."
        )
        yield _finding(
            message, places, {"parameters": [fate.path for fate in idle if fate.parameter in converted]}, 0.8
        )


def behind_steps(known: Parameters) -> tuple[list[ParameterFate], list[Node]] | None:
    """Parameters whose gradient always was zero, since every path from the loss to them passes a step function; and the
    calls of these."""
    free: set[int] = set()
    steps: dict[Place | None, Node] = {}
    for graph in known.graphs:
        loss = [graph.node(ref) for ref in graph.seen.outputs]
        alive = {at for node in loss for at in (node.index, *graph.upstream(node, stop=lambda each: each.op in STEPS))}
        alive &= graph.differentiable
        free |= {graph.node(at).parameter for at in alive}
        steps |= {graph.node(at).where: graph.node(at) for at in alive if graph.node(at).op in STEPS}
    moved = {
        number
        for look in known.run.looks
        for number, norm in zip(look.parameters, look.gradient_norm, strict=True)
        if norm > 0
    }
    fates = [known.run.fates[at] for at in known.reached - free - moved if at in known.run.fates]
    still = [fate for fate in fates if fate.optimizers]
    return (still, list(steps.values())) if still and steps and known.run.looks else None


def _flat(fates: list[ParameterFate], steps: list[Node]) -> Finding:
    names = sorted(fate.path for fate in fates)
    message = f"The gradient of {listed(names)} is zero in every step: `{steps[0].op}` is flat wherever it has a slope."
    return _finding(message, distinct(node.where for node in steps), {"parameters": names}, 0.95)


def _state_cut(run: Run, known: Parameters, chain: Chain) -> Finding:
    cuts = sorted((node for nodes in chain.cuts for node in nodes), key=_weight)
    first = known.first.get(chain.parameter)
    name = first[1].path if first is not None else "one weight"
    message = (
        f"{len(chain.calls)} calls with {name} follow one another in a step, each on what came of the one before, but no "
        f"gradient passes between any two: {_how(cuts[0])}. What is to be kept from step to step is not learned."
    )
    places = distinct(place for node in cuts for place in cut_places(run, node))
    return _finding(message, places, {"parameters": [name], "cut": [node.op for node in cuts[:4]]}, 0.9)


def penalised_only(known: Parameters) -> list[ParameterFate]:
    """Parameters whose every use as a weight is cut off, in all recorded steps, and which only a penalty reaches."""
    used: dict[int, bool] = {}
    for graph in known.graphs:
        for leaf in graph.leaves("parameter"):
            weights = [node for node in graph.consumers(leaf) if node.op in WEIGHT_OPS and node.module]
            if weights:
                alive = any(node.index in graph.differentiable for node in weights)
                used[leaf.parameter] = used.get(leaf.parameter, False) or alive
    fates = known.run.fates
    return [
        fates[parameter]
        for parameter, alive in used.items()
        if not alive and parameter in fates and parameter in known.reached and fates[parameter].optimizers
    ]


def cuts(graph: Graph, parameter: int) -> list[Node]:
    """The calls at which the paths from a parameter to the loss lose their gradient."""
    found: dict[int, Node] = {}
    todo = [leaf for leaf in graph.leaves("parameter") if leaf.parameter == parameter]
    seen: set[int] = set()
    while todo:
        node = todo.pop()
        for consumer in graph.consumers(node):
            if consumer.index in seen or consumer.index in graph.differentiable:
                continue
            seen.add(consumer.index)
            if any(output.requires_grad for output in consumer.outputs):
                todo.append(consumer)
            else:
                found[consumer.index] = consumer
    return [found[index] for index in sorted(found)]


def _from_graph(run: Run, known: Parameters, cut: list[ParameterFate]) -> Finding:
    nodes: dict[int, tuple[Graph, Node]] = {}
    for fate in cut:
        for graph in known.graphs:
            found = cuts(graph, fate.parameter)
            if found:
                nodes |= {id(node): (graph, node) for node in found}
                break
    ordered = sorted((node for _, node in nodes.values()), key=_weight)
    places = distinct(place for node in ordered for place in cut_places(run, node))
    names = listed(fate.path for fate in cut)
    how = _how(ordered[0]) if ordered else "no gradient is recorded on the way"
    message = f"{len(cut)} parameters in the optimizer ({names}) compute the loss but get no gradient from it: {how}."
    evidence = {"parameters": [fate.path for fate in cut], "cut": [node.op for node in ordered[:4]]}
    return _finding(message, places, evidence, 0.97)


def _weight(node: Node) -> tuple[int, int]:
    """Calls whose purpose is to cut come first, then regions without gradients, then calls without a derivative."""
    kinds = ({"detach", "detach_", "data"}, {"argmax", "argmin", "topk", "round", "sign", "item", "numpy"})
    return (0 if node.op in kinds[0] else 1 if not node.grad else 2 if node.op in kinds[1] else 3), node.index


def _how(node: Node) -> str:
    if node.op in ("detach", "data"):
        return f"`{node.op}` cuts them off"
    return "gradients are turned off there" if not node.grad else f"`{node.op}` passes no gradient on"


def cut_places(run: Run, node: Node) -> list[Place]:
    """Lines to change for a cut, best first: the block that turns gradients off, then the call and its callers."""
    lines = [node.where, *node.chain]
    own = [place for place in lines if place is not None]
    off = [gradients_off(run, place) for place in own] if not node.grad else []
    return [place for place in off if place is not None][:1] + own[:2]


def loss_without_parameters(known: Parameters) -> list[Graph]:
    """The recorded steps, if `backward` never started from anything that leads back to a parameter, and no gradient was
    ever seen."""
    if any(norm > 0 for look in known.run.looks for norm in look.gradient_norm):
        return []
    for graph in known.graphs:
        learnable = {leaf.index for leaf in graph.leaves() if leaf.index != graph.seen.outputs[0].node}
        if learnable & graph.differentiable:
            return []
    return known.graphs


def _lost_loss(run: Run, graphs: list[Graph], idle: list[ParameterFate]) -> Finding:
    graph = graphs[0]
    loss = graph.node(graph.seen.outputs[0]) if graph.seen.outputs else None
    call = graph.seen.where
    method = around(run, call) if call is not None else None
    remade = calls(method, CONVERSIONS) if method is not None else []
    before = [place for place in remade if call is None or place.line <= call.line]
    places = distinct([loss.where if loss is not None else None, *reversed(before), call])
    message = "The tensor on which backward is called leads back to no parameter, so nothing gets a gradient."
    return _finding(message, places, {"parameters": [fate.path for fate in idle]}, 0.95)


def conversions(run: Run, known: Parameters, fate: ParameterFate) -> list[Place]:
    """Lines that take values out of torch, in the methods that use an idle parameter which no recorded step holds."""
    owner = known.first.get(fate.parameter)
    if owner is None or fate.parameter in known.recorded:
        return []
    model, info = owner
    uses = forward_uses(run, model, info.path)
    found = [place for method, use in uses for place in calls(method, CONVERSIONS) if place.line >= use.line]
    called = model.called
    whole = all(other.parameter not in known.recorded for other in model.parameters if not other.is_buffer)
    if not found and whole and called is not None and (method := around(run, called)) is not None:
        found = [place for place in calls(method, ARRAYS) if place.line >= called.line]
    if not found and uses and called is not None and (method := around(run, called)) is not None:
        found = rewrapped(method)
    return found


def _finding(message: str, places: tuple[Place, ...], evidence: dict[str, list[str]], confidence: float) -> Finding:
    remedy = (
        "Let the value flow on undetached, computed by torch with gradients on; "
        "where the part is meant to stay as it is, freeze it with requires_grad_(False)."
    )
    return Finding(NAME, "error", message, places, dict(evidence), remedy, EXPLAINS, confidence)


def mend(run: Run, finding: Finding, graph: Graph) -> Mend | None:
    """Gradients on, where they were cut off."""
    lines = {(place.file, place.line) for place in finding.where}
    cut = [
        node
        for node in graph
        if node.index in graph.depends_on_parameters
        and not node.role
        and (not node.grad or node.op in ("detach", "data"))
        and any((place.file, place.line) in lines for place in (node.where, *node.chain) if place is not None)
    ]
    return Mend("gradients on", tuple(Edit(node.index, "graph") for node in cut)) if cut else None
